"""What one line has room for: the interface between the rate controller, the encoders and the send loop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_PACE = 1.5  # a picture may leave this much faster than the mean: quick enough for a key frame
_THIN_BPS, _THIN_PACE = 250_000, 1.15  # on a thin line no faster than this: its queue holds less than a key frame


@dataclass(frozen=True)
class Budget:
    """What may be sent from now on.

    `video_bps` and `audio_bps` are bits a second of payload: the overhead of packets is already taken off. `width` and
    `height` are the largest picture worth sending, `fps` the most pictures a second; `loss` is the share of packets
    that the line has lost lately (0 to 1), for the error correction.
    """

    video_bps: int
    audio_bps: int
    width: int
    height: int
    fps: int
    loss: float

    @property
    def pace_bps(self) -> int:
        """How fast packets of pictures may leave at most, payload bits a second; sound never waits for it."""
        return int(self.video_bps * (_THIN_PACE if self.video_bps < _THIN_BPS else _PACE))


@dataclass(frozen=True)
class RateFigures:
    """Numbers since the control began: the line's estimated rate now (bits a second, headers counted), the last round
    trip (seconds), the share of packets lost (0 to 1), how often the rate was cut and for what, how often REMB came to
    be doubted, silences, and changes of size or frame rate."""

    line_bps: int
    round_trip_s: float | None
    loss: float
    cuts_for_queue: int
    cuts_for_loss: int
    cuts_for_remb: int
    remb_doubted: int
    silences: int
    steps: int


def least(budgets: Iterable[Budget]) -> Budget | None:
    """What suits every line: the least room of all and the most loss; None for none."""
    found = list(budgets)
    if not found:
        return None
    return Budget(
        video_bps=min(b.video_bps for b in found),
        audio_bps=min(b.audio_bps for b in found),
        width=min(b.width for b in found),
        height=min(b.height for b in found),
        fps=min(b.fps for b in found),
        loss=max(b.loss for b in found),
    )
