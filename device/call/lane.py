"""Work that must be done in order, without anybody waiting for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from messaging.clock import Clock

Work = Callable[[], Awaitable[None]]


class Lane:
    """Does one piece of work after the other. `clock` tells for how long it has been at the present piece."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: deque[Work] = deque()
        self._wake = asyncio.Event()
        self._current: asyncio.Task[None] | None = None
        self._firm = False
        self._began = 0.0

    def add(self, work: Work) -> None:
        """Do this after all that is waiting."""
        self._waiting.append(work)
        self._wake.set()

    def instead(self, work: Work) -> None:
        """Do this, to its end, in place of all that is waiting and of what is under way, which is cancelled."""
        self._waiting.clear()
        if self._current is not None and not self._firm:
            self._current.cancel()
        self._waiting.append(_Firm(work))
        self._wake.set()

    def busy_s(self) -> float:
        """Seconds spent on the present piece of work; 0 when there is none."""
        return 0.0 if self._current is None else self._clock.monotonic() - self._began

    async def run(self) -> None:
        """Work until cancelled. An exception of a piece of work comes out here."""
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            await self._do(self._waiting.popleft())

    async def _do(self, work: Work) -> None:
        self._began = self._clock.monotonic()
        self._firm = isinstance(work, _Firm)
        current = self._current = asyncio.ensure_future(_as_coroutine(work))
        try:
            await asyncio.wait({current})
        finally:
            self._current = None
            if not current.done():  # the lane itself is cancelled
                current.cancel()
                await asyncio.wait({current})
        if not current.cancelled():
            current.result()


async def through(add: Callable[[Work], None], work: Work) -> None:
    """Give it to a lane, by `add` or `instead`, and wait until it has been done."""
    done = asyncio.Event()

    async def do() -> None:
        await work()
        done.set()

    add(do)
    await done.wait()


async def _as_coroutine(work: Work) -> None:
    await work()


class _Firm:
    """Work that a later `instead` does not cut short."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def __call__(self) -> Awaitable[None]:
        return self._work()
