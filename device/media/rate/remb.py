"""The other side's opinion of the line (REMB), and how far it has proved right.

A REMB that stays as it is says nothing while we send less: a browser lets its own climb no further than half over what
comes in, so a calm picture holds it down, and one that was held to it could never show that the line takes more. One
that stays as it is while more is sent than it says is meant.
"""

from __future__ import annotations

_FALL = 0.97
_UNSHOWN = 2  # falls in a row that no round trip has borne out; then it is doubted
_AHEAD = 1.5  # of REMB, to which we may go with good reports: REMB itself climbs by no more than 8 % a second
_DOUBT_S, _MOST_DOUBT_S = 10.0, 60.0
_RISE, _MEANT_S = 1.01, 4.0


class Remb:
    """Follows it; rates are bits a second."""

    def __init__(self) -> None:
        self._said: int | None = None
        self._above = 0  # good reports in a row while we were above it
        self._doubt_s = _DOUBT_S
        self._doubted_until = float("-inf")
        self._unshown = 0
        self._over_since: float | None = None  # since when more is sent than a REMB says that does not rise
        self._limit: int | None = None
        self.doubts = 0

    def said(self, bps: int) -> bool:
        """Take it; whether it fell."""
        before, self._said = self._said, bps
        fell = before is not None and bps < before * _FALL
        if fell:
            self._above = 0
        if before is not None and bps > before * _RISE:
            self._over_since = self._limit = None
        elif self._limit is not None:
            self._limit = bps
        return fell

    def limit(self, sent: float, now: float) -> int | None:
        """The rate that is meant, when we send `sent`; None while none is."""
        if self._limit is None and self._said is not None and sent > self._said:
            if self._over_since is None:
                self._over_since = now
            if now - self._over_since >= _MEANT_S:
                self._limit = self._said
        elif self._limit is None:
            self._over_since = None
        return self._limit

    def believed(self, now: float) -> bool:
        """Whether to follow a fall before anything else shows it; too many that nothing shows, and it is doubted."""
        if now < self._doubted_until:
            return False
        self._unshown += 1
        if self._unshown > _UNSHOWN:
            self._unshown = 0
            self._doubted_until = now + self._doubt_s
            self._doubt_s = min(_MOST_DOUBT_S, self._doubt_s * 2)
            self.doubts += 1
            return False
        return True

    def shown(self) -> None:
        """A queue has been seen: it was right."""
        self._unshown = 0

    def ceiling(self, line: float) -> float:
        """How far to go after a good report: some way above it, and beyond once two reports there were good."""
        if self._said is None:
            return float("inf")
        if self._limit is not None:
            return float(self._limit)
        if line > self._said:
            self._above += 1
        return float("inf") if self._above > 1 else max(line, self._said * _AHEAD)
