"""The round trip and its least: how much of it is a queue that we have filled."""

from __future__ import annotations

_USUAL_S = 0.3  # a first round trip above this is taken to hold a queue already
_WINDOW_S = 15.0  # the least is that of this window and the one before
_QUEUE_S = 0.05
_JITTERS = 2.0
_MOST_JITTER_S = 0.06
_DOUBTFUL = 0.7  # of what is allowed
_STEEPEST = -0.5
_STANDS_STILL, _FAR_LESS = 0.8, 0.6  # of the queue's length, and of our rate, from when it was first seen
_LEAST_SINCE_S = 0.3  # reports closer than this tell nothing of a slope


class RoundTrip:
    """Follows the round trip; times in seconds."""

    def __init__(self) -> None:
        self.last: float | None = None  # without the queue that is known to stand on the way back
        self.back = 0.0
        self._at = 0.0
        self._slope = 0.0
        self._least = _USUAL_S
        self._former: float | None = None
        self._window = float("-inf")
        self._allowed = _QUEUE_S

    def take(self, rtt_s: float | None, jitter_s: float, now: float) -> None:
        """A round trip (None: not known this time) and the jitter of packets that are paced evenly."""
        if rtt_s is None:
            return
        rtt_s = max(rtt_s - self.back, min(rtt_s, self.least))
        since = now - self._at
        self._slope = 0.0 if self.last is None or since <= 0 else (rtt_s - self.last) / max(since, _LEAST_SINCE_S)
        self.last, self._at = rtt_s, now
        if now - self._window > _WINDOW_S:
            self._former = self._least if self._window > float("-inf") else None
            self._least = min(rtt_s, _USUAL_S) if self._former is None else rtt_s
            self._window = now
        self._least = min(self._least, rtt_s)
        self._allowed = _QUEUE_S + _JITTERS * min(jitter_s, _MOST_JITTER_S)

    def take_for_granted(self) -> None:
        """What it is now is the line's own, or at least not of our making."""
        if self.last is not None:
            self._least, self._former = self.last, None

    @property
    def grown(self) -> float:
        """By how much it is over its least."""
        return 0.0 if self.last is None else max(0.0, self.last - self.least)

    @property
    def least(self) -> float:
        """The least lately."""
        return self._least if self._former is None else min(self._least, self._former)

    @property
    def queue(self) -> bool:
        """Whether a queue stands, beyond what jitter explains."""
        return self.grown > self._allowed

    @property
    def doubtful(self) -> bool:
        """Whether there may be one."""
        return self.grown > self._allowed * _DOUBTFUL

    @property
    def draining(self) -> bool:
        """Whether the queue is getting shorter."""
        return self.slope < 0

    @property
    def slope(self) -> float:
        """Seconds of queue that a second has added; never so steep down that it would tell of a line without end."""
        return max(_STEEPEST, self._slope)


class Standing:
    """A queue that stands as it stood though we send far less is not ours: the other side fills its own way to us."""

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None  # how long it was, and what was sent

    def though_cut(self, grown: float, sent: float) -> bool:
        """A report with a queue of `grown` seconds, while `sent` bits a second were sent."""
        if self._first is None or grown < self._first[0] * _STANDS_STILL:
            self._first = grown, sent
            return False
        if sent > self._first[1] * _FAR_LESS:
            return False
        self._first = None
        return True

    def gone(self) -> None:
        """A report without one."""
        self._first = None
