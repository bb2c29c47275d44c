"""Tries that all processes count together, on each database."""

from __future__ import annotations

import asyncio

import pytest

from provisioning.authority.limiter import GuessLimiter
from region.registry import Registry
from region.registry.attempts import Limit
from region.registry.store import SharedTries
from region.web.errors import TooManyTries
from region.web.limits import ACCOUNTS, Limits
from tests.kits.clock import ManualClock

LIMIT = Limit("of a test", tries=3, window_s=60.0)


async def test_two_processes_count_together_and_not_one_try_more_gets_through(
    registry: Registry, beside: Registry
) -> None:
    clock = ManualClock()
    processes = [SharedTries(one, clock, LIMIT) for one in (registry, beside)]
    waits = await asyncio.gather(*(processes[i % 2].take("192.0.2.7") for i in range(8)))
    assert sorted(waits) == [0.0] * 3 + [60.0] * 5
    assert await processes[0].take("192.0.2.8") == 0.0
    await clock.advance(60.0)
    assert await processes[1].take("192.0.2.7") == 0.0


async def test_an_honest_try_is_given_back(registry: Registry) -> None:
    tries = SharedTries(registry, ManualClock(), LIMIT)
    for _ in range(10):
        assert await tries.take("192.0.2.7") == 0.0
        await tries.give_back("192.0.2.7")
    await tries.give_back("nobody has tried from here")


async def test_it_is_the_window_that_a_single_process_would_keep(registry: Registry) -> None:
    clock, own = ManualClock(), GuessLimiter(3, 60.0)
    tries = SharedTries(registry, clock, LIMIT)
    for pause in (0.0, 10.0, 10.0, 1.0, 45.0, 3.0, 30.0, 0.0, 0.0, 90.0):
        await clock.advance(pause)
        assert abs(await tries.take("a") - own.take("a", clock.monotonic())) < 1e-3


async def test_an_account_that_is_guessed_at_one_process_is_locked_at_the_other(
    registry: Registry, beside: Registry
) -> None:
    clock = ManualClock()
    here, there = Limits(registry, clock), Limits(beside, clock)
    for number in range(ACCOUNTS.tries):
        await here.take_sign_in("anna", f"192.0.2.{number}")
    with pytest.raises(TooManyTries):
        await there.take_sign_in("anna", "198.51.100.1")
    await there.take_sign_in("bo", "198.51.100.1")


async def test_what_was_typed_as_a_name_is_not_kept(registry: Registry) -> None:
    """It may have been a password in the wrong field."""
    await Limits(registry, ManualClock()).take_sign_in("correct horse battery", "192.0.2.7")
    async with registry.read() as t:
        rows = (await t.attempts._connection.exec_driver_sql("SELECT * FROM attempt")).all()
    assert len(rows) == 2
    assert not any("horse" in str(value) or "192" in str(value) for row in rows for value in row[1:3])
