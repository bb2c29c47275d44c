"""What a line loses by itself (Wi-Fi, a bad cable), told from what it loses because we send too much.

The difference shows when our rate changes. A line that carries all it can loses less when less is sent, by as much as
was sent too much; a line that loses by itself goes on losing the same share.
"""

from __future__ import annotations

_MOST = 0.2  # more than that is never taken for granted
_NOISE = 0.02
_LESS, _MORE = 0.92, 1.08  # of our rate, from which on a change of it says something


class OwnLoss:
    """The share of packets (0 to 1) that the line is believed to lose whatever we send: `share`."""

    def __init__(self) -> None:
        self.share = 0.0
        self._reference: tuple[float, float] | None = None  # loss and rate to compare with

    def take(self, loss: float, sent: float) -> None:
        """A report's loss (0 to 1), and the rate that was sent meanwhile (bits a second)."""
        self.share = min(self.share, loss + _NOISE)
        if self._reference is None or sent <= 0:
            self._reference = (loss, sent)
            return
        before, rate = self._reference
        if _LESS < sent / rate < _MORE:
            self._reference = ((before + loss) / 2, rate)
            return
        ours = max(0.0, 1 - (1 - before) * rate / sent)  # the loss now, if the line carried all it could and still does
        self._reference = (loss, sent)
        if sent < rate:
            self._sent_less(before, loss, ours)
        elif loss > (before + ours) / 2:
            self.share = 0.0

    def _sent_less(self, before: float, loss: float, ours: float) -> None:
        if loss > (before + ours) / 2:
            self.share = min(_MOST, max(self.share, min(before, loss)))
        else:
            self.share /= 2
