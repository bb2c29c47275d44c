"""Work in order, without anybody waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from device.call.lane import Lane
from tests.kits.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def lane(clock: ManualClock) -> AsyncIterator[Lane]:
    made = Lane(clock)
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def work(done: list[str], name: str, hold: asyncio.Event | None = None) -> Callable[[], Awaitable[None]]:
    async def do() -> None:
        try:
            if hold is not None:
                await hold.wait()
        except asyncio.CancelledError:
            done.append(f"{name} cut short")
            raise
        done.append(name)

    return do


async def test_one_after_the_other(lane: Lane, clock: ManualClock) -> None:
    done: list[str] = []
    hold = asyncio.Event()
    lane.add(work(done, "first", hold))
    lane.add(work(done, "second"))
    await clock.advance(0)
    assert done == []
    hold.set()
    await clock.advance(0)
    assert done == ["first", "second"]


async def test_instead_cuts_short_and_drops_what_waits(lane: Lane, clock: ManualClock) -> None:
    done: list[str] = []
    lane.add(work(done, "first", asyncio.Event()))
    lane.add(work(done, "second"))
    await clock.advance(0)
    lane.instead(work(done, "closing"))
    await clock.advance(0)
    assert done == ["first cut short", "closing"]


async def test_what_was_done_instead_is_itself_done_to_its_end(lane: Lane, clock: ManualClock) -> None:
    done: list[str] = []
    hold = asyncio.Event()
    lane.instead(work(done, "closing", hold))
    await clock.advance(0)
    lane.add(work(done, "never"))
    lane.instead(work(done, "closing again"))
    await clock.advance(0)
    hold.set()
    await clock.advance(0)
    assert done == ["closing", "closing again"]


async def test_it_tells_for_how_long_it_has_been_at_it(lane: Lane, clock: ManualClock) -> None:
    hold = asyncio.Event()
    lane.add(work([], "first", hold))
    await clock.advance(0)
    await clock.advance(7)
    assert lane.busy_s() == 7
    hold.set()
    await clock.advance(0)
    assert lane.busy_s() == 0


async def test_an_error_comes_out_and_is_not_swallowed(clock: ManualClock) -> None:
    lane = Lane(clock)

    async def fails() -> None:
        raise RuntimeError("a mistake of ours")

    lane.add(fails)
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        await lane.run()


async def test_the_end_of_the_lane_ends_its_work(clock: ManualClock) -> None:
    lane, done = Lane(clock), list[str]()
    running = asyncio.create_task(lane.run())
    lane.add(work(done, "first", asyncio.Event()))
    await clock.advance(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert done == ["first cut short"]
