"""Time, injected: nothing in this project asks the machine for it directly, so a test can jump the clock."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks and a way to wait."""

    def monotonic(self) -> float:
        """Seconds that only grow, from an arbitrary start."""

    def wall(self) -> float:
        """Unix seconds; may jump."""

    async def sleep(self, seconds: float) -> None:
        """Wait by the monotonic clock."""


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic()

    def wall(self) -> float:
        """Unix seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
