"""How long sound must wait so that nearly all of it has come when it is due.

All delays are seconds on one scale: the time of an event here less the sender's sample clock. What a packet's delay
is in itself says nothing, for the clocks have no common zero; differences do. Drift between the clocks moves the scale
slowly, and both windows forget, so that it needs no care of its own.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

from device.hardware.ports import BLOCK, SAMPLE_RATE

WINDOW_S = 4.0  # of packets that are looked back on
QUANTILE = 0.98  # of them are to come in time
LEAST_S = 0.020  # held even on a perfect line
MOST_S = 0.400
_MARGIN_S = 0.005
_FALL = 0.1  # seconds a second: how fast the target comes down again
_MOST_PACKETS = 400
_SILENCE_S = 0.5  # without a packet: the line was away, and what had queued up meanwhile says nothing of its jitter
_QUEUE_S = 1.0  # for so long; then it is how the line is now
_RESTART_S = 5.0  # a step of the sender's clock so large is another beginning
_BREAK_S = 0.2  # the speaker was away for so long
_BUCKET = 50  # blocks


class DelayEstimate:
    """Learns from when packets come; `target` is the delay at which they should be played."""

    def __init__(self) -> None:
        self._times: deque[tuple[float, float]] = deque()
        self._sorted: list[float] = []
        self._held = LEAST_S
        self._heard_at: float | None = None
        self._last = 0.0
        self._queue_since: float | None = None
        self._allowance = 0.0
        self.jitter_s = 0.0

    def restarts(self, position: int, now: float) -> bool:
        """Whether a packet of this position must belong to another beginning of the sender's clock."""
        return self._heard_at is not None and abs(now - position / SAMPLE_RATE - self._last) > _RESTART_S

    def heard(self, position: int, now: float) -> None:
        """A packet has come."""
        delay = now - position / SAMPLE_RATE
        since = now - self._heard_at if self._heard_at is not None else 0.0
        if self._heard_at is not None:
            self.jitter_s += (abs(delay - self._last) - self.jitter_s) / 16
        self._last, self._heard_at = delay, now
        self._forget(now)
        if since > _SILENCE_S and self._sorted:
            self._queue_since = now
        if not self._queued(delay, now):
            self._times.append((now, delay))
            insort(self._sorted, delay)
            self._hold(since)

    def allow(self, seconds: float) -> None:
        """So much more than jitter needs, so that repairs come in time."""
        self._allowance = seconds

    @property
    def base(self) -> float:
        """The delay of the quickest packet."""
        return self._sorted[0] if self._sorted else self._last

    @property
    def target(self) -> float:
        """The delay at which sound should be played."""
        return self.base + min(self._held + self._allowance, MOST_S)

    def _queued(self, delay: float, now: float) -> bool:
        """Whether this packet only waited for the line to come back."""
        if self._queue_since is None:
            return False
        if delay <= self.target:
            self._queue_since = None
            return False
        if now - self._queue_since < _QUEUE_S:
            return True
        self._queue_since = None
        self._times.clear()
        self._sorted.clear()
        return False

    def _hold(self, since: float) -> None:
        rank = min(int(QUANTILE * len(self._sorted)), len(self._sorted) - 1)
        wanted = min(max(self._sorted[rank] - self._sorted[0] + _MARGIN_S, LEAST_S), MOST_S)
        self._held = max(wanted, self._held - _FALL * since)

    def _forget(self, now: float) -> None:
        while self._times and (self._times[0][0] < now - WINDOW_S or len(self._times) >= _MOST_PACKETS):
            _, delay = self._times.popleft()
            del self._sorted[bisect_left(self._sorted, delay)]


class SpeakerPhase:
    """When the speaker asks, at its earliest: it may ask for several blocks at once and then for none for a while."""

    def __init__(self) -> None:
        self._blocks = 0
        self._lowest: list[float] = []  # of this bucket and of the one before it
        self._in_bucket = 0

    def asked(self, now: float) -> None:
        """The speaker asks for its next block."""
        phase = now - self._blocks * BLOCK / SAMPLE_RATE
        self._blocks += 1
        if not self._lowest or abs(phase - min(self._lowest)) > _BREAK_S:
            self._lowest, self._in_bucket = [phase], 0
        self._lowest[0] = min(self._lowest[0], phase)
        self._in_bucket += 1
        if self._in_bucket >= _BUCKET:
            self._lowest, self._in_bucket = [phase, self._lowest[0]], 0

    @property
    def time(self) -> float:
        """When the block that is being asked for would be asked for at the earliest, on the clock of `asked`."""
        return min(self._lowest) + (self._blocks - 1) * BLOCK / SAMPLE_RATE
