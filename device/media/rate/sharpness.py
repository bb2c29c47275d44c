"""Whether a picture is too large or too frequent for its content: the step below the budget's, by the quantiser.

A bit rate does not say how good a picture is; what the encoder had to leave out does. x264's quantiser (0 to 51) rises
by 6 when the step between two grey values that it keeps doubles. Measured (decision 0014): enlarged to the full size
again, the larger picture is the better one until its quantiser is at about 36, on calm, textured and noisy scenes.
"""

from __future__ import annotations

import math

from device.media.rate.ladder import Step, steps

TOO_COARSE, FINE = 37.0, 30.0  # a step down above the one, a step up below the other
COARSE_S, FINE_S = 1.5, 4.0  # for so long, on average
MOST_FINE_S = 60.0
SETTLE_S = 2.0  # after a key frame, which is paid back for so long
_STEADY_S = 20.0  # a step up that has held so long is no mistake
_AVERAGE_S = 1.0


def usual_quantiser(bits_per_pixel: float) -> float:
    """What x264 needs for a noisy scene, for an encoder that does not say what it did: 29.7 at 0.03 bits a pixel."""
    return min(51.0, max(0.0, 29.7 - 3.7 * math.log2(max(1e-6, bits_per_pixel) / 0.0304)))


class Sharpness:
    """Follows one encoder; used by its thread. Times are seconds of one clock that only goes forward."""

    def __init__(self) -> None:
        self._down = 0  # steps below what the budget allows
        self._quantiser: float | None = None
        self._at = self._since = self._settled = float("-inf")
        self._beyond: float | None = None  # since when it has been beyond a bound
        self._patience = FINE_S
        self._rose = False

    def key_frame(self, now: float) -> None:
        """A key frame was encoded: it and what follows it at once are coarse whatever the size."""
        self._settled = now + SETTLE_S
        self._quantiser = self._beyond = None

    def encoded(self, quantiser: float, now: float) -> None:
        """A picture (no key frame) was encoded with this mean quantiser."""
        if now < self._settled:
            return
        weight = min(1.0, max(0.0, now - self._at) / _AVERAGE_S)
        before = quantiser if self._quantiser is None else self._quantiser
        self._quantiser = before + weight * (quantiser - before)
        self._at = now
        coarse, fine = self._quantiser > TOO_COARSE, self._down > 0 and self._quantiser < FINE
        if not coarse and not fine:
            self._beyond = None
        elif self._beyond is None:
            self._beyond = now
        elif coarse and now - self._beyond >= COARSE_S:
            self._step_down(now)
        elif fine and now - self._beyond >= self._patience:
            self._step(-1, now, rose=True)

    def fit(self, width: int, height: int, fps: int) -> Step:
        """What to encode of a camera's picture where the budget allows this size and frame rate."""
        ladder = steps(width, height, fps)
        self._down = min(self._down, len(ladder) - 1)
        return ladder[-1 - self._down]

    def _step_down(self, now: float) -> None:
        hasty = self._rose and now - self._since < _STEADY_S
        self._patience = min(MOST_FINE_S, self._patience * 2) if hasty else FINE_S
        self._step(1, now, rose=False)

    def _step(self, by: int, now: float, rose: bool) -> None:
        self._down += by
        self._since, self._rose = now, rose
        self._quantiser = self._beyond = None
