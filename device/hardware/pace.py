"""Work at a steady rate on a thread of its own, by absolute deadlines, so that errors never add up to drift."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """When the next tick is due: at `start + n * period`, whatever the ticks before it took.

    Who comes late catches up at once, up to `most_behind` ticks; ticks older than that are left out and counted.
    """

    def __init__(self, period: float, start: float, most_behind: int = 0) -> None:
        self._period = period
        self._start = start
        self._most_behind = most_behind
        self._tick = -1
        self.skipped = 0

    def wait(self, now: float) -> float:
        """Seconds from `now` until the next tick; 0 when it is due already. Each call is for one tick."""
        self._tick += 1
        behind = int((now - self._start) / self._period) - self._tick
        if behind > self._most_behind:
            self.skipped += behind - self._most_behind
            self._tick += behind - self._most_behind
        return max(0.0, self._start + self._tick * self._period - now)


class PacedThread:
    """Calls `work` once a period from its own thread until stopped."""

    def __init__(self, name: str, period: float, work: Callable[[], None], most_behind: int = 0) -> None:
        self._work = work
        self._period = period
        self._most_behind = most_behind
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; the first call of `work` comes at once."""
        self._thread.start()

    def stop(self) -> None:
        """Return when `work` will not be called again. May be called from `work` itself."""
        self._stopping.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        pace = Pace(self._period, time.monotonic(), self._most_behind)
        while not self._stopping.wait(pace.wait(time.monotonic())):
            self._work()
