"""Time that a test can jump, and the back-off that spreads a fleet."""

from __future__ import annotations

import asyncio
import random

from hypothesis import given
from hypothesis import strategies as st

from messaging.clock import SystemClock
from messaging.link.backoff import FullJitter
from tests.kits.clock import ManualClock


async def test_sleepers_wake_in_order_and_may_sleep_again() -> None:
    clock, woken = ManualClock(), []

    async def sleeper(name: str, seconds: float) -> None:
        for _ in range(2):
            await clock.sleep(seconds)
            woken.append((name, clock.monotonic()))

    tasks = [asyncio.create_task(sleeper("slow", 3)), asyncio.create_task(sleeper("quick", 2))]
    await clock.advance(1.9)
    assert woken == []
    await clock.advance(10)
    assert woken == [("quick", 2), ("slow", 3), ("quick", 4), ("slow", 6)]
    await asyncio.gather(*tasks)
    assert clock.monotonic() == 11.9


async def test_the_wall_moves_with_the_clock_and_can_be_stepped() -> None:
    clock = ManualClock(wall=100)
    await clock.advance(5)
    assert clock.wall() == 105
    clock.set_wall(0)
    await clock.advance(5)
    assert (clock.wall(), clock.monotonic()) == (5, 10)


async def test_a_cancelled_sleeper_disturbs_nobody() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(1))
    await clock.advance(0)
    task.cancel()
    await clock.advance(5)
    assert task.cancelled()


async def test_the_machines_clock_goes_on() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0.001)
    assert clock.monotonic() > before
    assert clock.wall() > 1_700_000_000


@given(st.integers(0, 100), st.integers(0, 2**32))
def test_a_delay_is_never_longer_than_its_span_or_the_cap(tries: int, seed: int) -> None:
    backoff = FullJitter(1.0, 60.0, random.Random(seed))
    for n in range(tries):
        assert 0 <= backoff.next() <= min(60.0, 2.0**n)
    backoff.reset()
    assert backoff.next() <= 1.0


def test_a_thousand_stations_do_not_come_back_as_one() -> None:
    delays = []
    for seed in range(1000):
        backoff = FullJitter(1.0, 60.0, random.Random(seed))
        for _ in range(7):
            delay = backoff.next()
        delays.append(delay)
    busiest = max(sum(1 for d in delays if second <= d < second + 1) for second in range(60))
    assert busiest < 50  # an even spread is 17 a second
