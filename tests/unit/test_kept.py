"""A child of the region's is started again when it ends, later each time, and never outlives its keeper."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from random import Random

import pytest

from messaging.link.backoff import FullJitter
from region.kept import Kept, ended
from tests.kits.clock import ManualClock

READY = "import sys; print('ready', flush=True); sys.stdin.read()"
DEAF = "import signal, sys; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
MUTE = "raise SystemExit(3)"


class NotReady(Exception):
    """The child ended before it said a word."""


class Child:
    """What is kept: a Python that runs the next of `programs`, the last of them ever after."""

    def __init__(self, *programs: str) -> None:
        self._programs = itertools.chain(programs, itertools.repeat(programs[-1]))
        self.clock = ManualClock()
        self.started: asyncio.Queue[int] = asyncio.Queue()
        self.ended: asyncio.Queue[int | None] = asyncio.Queue()
        backoff = FullJitter(base_s=1.0, cap_s=8.0, random=_Most())
        self.kept = Kept("a child", self._launch, self._ready, self._end, (NotReady,), backoff, self.clock)

    async def _launch(self) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-S", "-c", next(self._programs), stdin=PIPE, stdout=PIPE
        )

    async def _ready(self, process: Process) -> None:
        assert process.stdout is not None
        if await process.stdout.readline() != b"ready\n":
            raise NotReady
        self.started.put_nowait(process.pid)

    async def _end(self, process: Process) -> None:
        assert process.stdin is not None
        process.stdin.close()
        await ended(process, 5.0)
        self.ended.put_nowait(process.returncode)

    async def die(self) -> None:
        """The child is killed, and its keeper has seen it."""
        assert self.kept.pid is not None
        os.kill(self.kept.pid, signal.SIGKILL)
        assert await self.ended.get() == -signal.SIGKILL


class _Most(Random):
    """The longest delay the back-off may draw."""

    def uniform(self, _least: float, most: float) -> float:
        """`most`."""
        return most


async def test_one_that_does_not_start_says_so_and_leaves_nothing_behind() -> None:
    child = Child(MUTE)
    with pytest.raises(NotReady):
        await child.kept.start()
    assert child.kept.pid is None
    assert await child.ended.get() == 3


async def test_one_that_ends_is_started_again_after_a_delay_that_grows(caplog: pytest.LogCaptureFixture) -> None:
    child = Child(READY)
    await child.kept.start()
    first = await child.started.get()
    for delay in (1.0, 2.0, 4.0, 8.0, 8.0):
        await child.die()
        await child.clock.advance(delay - 0.01)
        assert child.kept.pid is None, "not before its time"
        await child.clock.advance(0.01)
        assert await child.started.get() == child.kept.pid != first
    await child.kept.stop()
    assert "a child has ended by itself (exit -9)" in caplog.text
    assert "starting a child again in 4.0 s" in caplog.text


async def test_one_that_is_to_begin_anew_does_so_at_once_and_nobody_is_alarmed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    child = Child(READY)
    await child.kept.start()
    first = await child.started.get()
    child.kept.restart()
    assert await child.ended.get() == -signal.SIGTERM
    assert await child.started.get() == child.kept.pid != first
    assert {record.levelname for record in caplog.records} == {"INFO"}
    await child.die()
    await child.clock.advance(1.0)
    assert await child.started.get() == child.kept.pid
    assert "a child has ended by itself (exit -9)" in caplog.text, "the next time it was not told to"
    await child.kept.stop()


async def test_after_a_minute_of_work_the_delay_begins_anew() -> None:
    child = Child(READY)
    await child.kept.start()
    await child.started.get()
    for _ in range(3):
        await child.clock.advance(60.5)
        await child.die()
        await child.clock.advance(1.0)
        await child.started.get()
    await child.kept.stop()


async def test_one_that_fails_to_come_back_is_tried_again() -> None:
    child = Child(READY, MUTE, MUTE, READY)
    await child.kept.start()
    await child.started.get()
    await child.die()
    for delay in (1.0, 2.0):
        await child.clock.advance(delay)
        assert await child.ended.get() == 3
    await child.clock.advance(4.0)
    assert await child.started.get() == child.kept.pid
    await child.kept.stop()


async def test_when_its_keeper_stops_it_ends_in_order_and_stays_away() -> None:
    child = Child(READY)
    await child.kept.start()
    await child.kept.stop()
    assert await child.ended.get() == 0
    await child.clock.advance(100.0)
    assert child.kept.pid is None
    assert child.started.qsize() == 1


async def test_a_child_that_does_not_end_when_told_is_killed() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", DEAF, stdout=PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    process.terminate()
    await ended(process, 0.05)
    assert process.returncode == -signal.SIGKILL
