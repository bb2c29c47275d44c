"""What the region's processes know in common: one word for each name, whoever asks first, and not to be guessed."""

from __future__ import annotations

import asyncio

from region.registry import Registry
from region.serving.outside import ears_id


async def test_processes_that_start_at_once_hear_the_stations_under_one_name(registry: Registry) -> None:
    names = await asyncio.gather(*(ears_id(registry) for _ in range(5)))
    assert len({*names, await ears_id(registry)}) == 1
    assert len(names[0].removeprefix("region-")) == 32, "128 bits"


async def test_each_name_has_a_secret_of_its_own(registry: Registry) -> None:
    async with registry.begin() as t:
        assert await t.secrets.keep("one", "a") == "a"
        assert await t.secrets.keep("two", "b") == "b"
        assert await t.secrets.keep("one", "c") == "a"
