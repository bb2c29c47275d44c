"""A clock that only a test moves."""

from __future__ import annotations

import asyncio
import heapq
import itertools

_SETTLE_ROUNDS = 50  # turns of the loop that a woken task may need before it sleeps again


class ManualClock:
    """A clock that stands still until told to advance."""

    def __init__(self, monotonic: float = 0.0, wall: float = 1_800_000_000.0) -> None:
        self._now = monotonic
        self._offset = wall - monotonic
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        """Seconds, as advanced."""
        return self._now

    def wall(self) -> float:
        """Unix seconds, moving with the monotonic clock."""
        return self._now + self._offset

    def set_wall(self, wall: float) -> None:
        """Step the wall clock, as a time server would."""
        self._offset = wall - self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been advanced that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move on, waking sleepers in their order and letting each act before the next."""
        await _settle()
        until = self._now + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            at, _, woken = heapq.heappop(self._sleepers)
            self._now = max(self._now, at)
            if not woken.done():
                woken.set_result(None)
                await _settle()
        self._now = until
        await _settle()


async def _settle() -> None:
    for _ in range(_SETTLE_ROUNDS):
        await asyncio.sleep(0)
