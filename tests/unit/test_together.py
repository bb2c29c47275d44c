"""Changes made together: one commit for many, each with its own outcome, and none that another's fault undoes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from region.registry import Conflict, Registry, Transaction
from region.registry.records import Site
from region.registry.together import MOST, Together

NOW = 1_800_000_000.0


@pytest.fixture
def commits() -> list[int]:
    """Grows with each transaction of `together`."""
    return []


@pytest.fixture
def together(registry: Registry, commits: list[int]) -> Together:
    """As the registry has it, and counted."""

    @asynccontextmanager
    async def counted() -> AsyncIterator[Transaction]:
        async with registry.begin() as t:
            yield t
        commits.append(1)

    return Together(counted)


async def _add(name: str, t: Transaction) -> Site:
    return await t.sites.add(name, NOW)


async def _names(registry: Registry) -> set[str]:
    async with registry.read() as t:
        return {site.name for site in await t.sites.all()}


async def test_those_that_come_at_once_share_a_commit_and_each_gets_its_own_answer(
    registry: Registry, together: Together, commits: list[int]
) -> None:
    names = [f"Home {number}" for number in range(MOST + 20)]
    made = await asyncio.gather(*(together.make(partial(_add, name)) for name in names))
    assert [site.name for site in made] == names
    assert len(commits) == 2
    assert await _names(registry) == set(names)


async def test_one_alone_is_committed_when_it_returns(
    registry: Registry, together: Together, commits: list[int]
) -> None:
    await together.make(partial(_add, "Solgården"))
    assert (await _names(registry), len(commits)) == ({"Solgården"}, 1)


async def test_one_that_cannot_be_meets_its_own_error_and_harms_no_other(registry: Registry) -> None:
    names = ["Solgården", "Bakken", "Solgården", "Engen"]
    made = await asyncio.gather(
        *(registry.together.make(partial(_add, name)) for name in names), return_exceptions=True
    )
    assert [isinstance(one, Conflict) for one in made] == [False, False, True, False]
    assert await _names(registry) == set(names)


async def test_a_fault_of_ours_reaches_whoever_asked(registry: Registry) -> None:
    async def broken(_: Transaction) -> None:
        raise ZeroDivisionError

    results = await asyncio.gather(
        registry.together.make(broken), registry.together.make(partial(_add, "Engen")), return_exceptions=True
    )
    assert isinstance(results[0], ZeroDivisionError)
    assert await _names(registry) == {"Engen"}
    with pytest.raises(ZeroDivisionError):
        await registry.together.make(broken)


async def test_whoever_waits_no_more_holds_up_no_other(registry: Registry) -> None:
    gone = asyncio.create_task(registry.together.make(partial(_add, "Solgården")))
    stays = asyncio.create_task(registry.together.make(partial(_add, "Engen")))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays).name == "Engen"
    assert gone.cancelled()
