"""When a picture stood still, as webrtc-stats counts it (W3C, `freezeCount`, `totalFreezesDuration`)."""

from __future__ import annotations

from collections import deque

_KEPT = 30  # intervals in the average
_LEAST_OVER_S = 0.15
_TIMES = 3


class FreezeMeter:
    """One thread tells of every picture shown; any may ask. Times in seconds, by one clock."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._intervals: deque[float] = deque(maxlen=_KEPT)
        self._sum = 0.0
        self._freezes = (0, 0.0)
        self._paused = False

    def picture(self, now: float) -> None:
        """A picture is shown."""
        last, self._last = self._last, now
        if last is None or self._paused:
            self._paused, self._sum = False, 0.0
            self._intervals.clear()
            return
        interval = now - last
        if self._is_freeze(interval):
            count, seconds = self._freezes
            self._freezes = count + 1, seconds + interval
        if len(self._intervals) == _KEPT:
            self._sum -= self._intervals[0]
        self._intervals.append(interval)
        self._sum += interval

    def pause(self) -> None:
        """The sender has stopped of its own will: what follows is no freeze, and a new rhythm."""
        self._paused = True

    def total(self, now: float) -> tuple[int, float]:
        """Freezes and their seconds, the one that lasts still included."""
        (count, seconds), last = self._freezes, self._last
        if last is not None and not self._paused and self._is_freeze(now - last):
            return count + 1, seconds + now - last
        return count, seconds

    def _is_freeze(self, interval: float) -> bool:
        average = self._sum / max(1, len(self._intervals))
        return average > 0 and interval >= max(_TIMES * average, average + _LEAST_OVER_S)
