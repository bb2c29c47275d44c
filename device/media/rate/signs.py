"""What was last heard of a line, and when; and the mean of what was sent meanwhile."""

from __future__ import annotations

NACK_WINDOW_S = 0.3
_LEAST_S = 0.3
_PACKET = 10_000  # bits, as a rule


class Signs:
    """What was last heard, and when."""

    def __init__(self, now: float) -> None:
        self.reported = now
        self.any_report = False
        self.silent = False
        self.loss = 0.0
        self.queue = 0.0
        self._nacks = 0
        self._nacks_since = now

    def take_loss(self, loss: float) -> None:
        """Smoothed, quicker up than down: error correction is wanted as soon as there is loss."""
        self.any_report = True
        weight = 0.5 if loss > self.loss else 0.3
        self.loss += weight * (loss - self.loss)

    def nacked(self, count: int, line: float, now: float) -> float | None:
        """The share of packets asked for again, once in a window; None within it."""
        self._nacks += count
        passed = now - self._nacks_since
        if passed < NACK_WINDOW_S:
            return None
        lost = self._nacks / max(1.0, line / _PACKET * passed)
        self._nacks, self._nacks_since = 0, now
        return min(1.0, lost) if passed < 2 * NACK_WINDOW_S else None


class Mean:
    """The mean of our rate since the last report: what the report's loss and round trip speak of."""

    def __init__(self, now: float) -> None:
        self._told = False
        self.restart(now)

    def restart(self, now: float) -> None:
        """From now on."""
        self._began = self._at = now
        self._bits = 0.0
        self._left = 0

    def left(self, bits: int) -> None:
        """So many bits have really left."""
        self._left += bits
        self._told = True

    def used(self, now: float) -> float | None:
        """Bits a second that have really left so far; None if nobody says or the time is too short to tell."""
        passed = now - self._began
        return self._left / passed if self._told and passed >= _LEAST_S else None

    def add(self, line: float, now: float) -> None:
        """The rate was `line` until now."""
        self._bits += line * (now - self._at)
        self._at = now

    def mean(self, line: float, now: float) -> float:
        """So far, with `line` until now."""
        self.add(line, now)
        return self._bits / (now - self._began) if now > self._began else line
