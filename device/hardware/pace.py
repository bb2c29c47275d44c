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


class Worker:
    """A thread that runs `work` until told to stop: `work` gets the event that says so, and should look at it often."""

    def __init__(self, name: str, work: Callable[[threading.Event], None]) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=work, args=(self._stopping,), name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Return when `work` has ended. May be called from `work` itself, which then ends by itself."""
        self._stopping.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()


class PacedThread(Worker):
    """Calls `work` once a period from its own thread until stopped; for the first time at once."""

    def __init__(self, name: str, period: float, work: Callable[[], None], most_behind: int = 0) -> None:
        def run(stopping: threading.Event) -> None:
            pace = self._pace = Pace(period, time.monotonic(), most_behind)
            while not stopping.wait(pace.wait(time.monotonic())):
                work()

        super().__init__(name, run)
        self._pace = Pace(period, 0.0, most_behind)

    @property
    def skipped(self) -> int:
        """Ticks that were left out since the start."""
        return self._pace.skipped
