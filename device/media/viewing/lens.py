"""Whether the lens is covered, or the room only dark. Pure.

A covered lens shows no edges: a finger or a cap is light or dark without shape. In the darkest room in use something
has an outline: a window, a door, a lamp that is off. The sensor's noise looks like fine structure, so several pictures
are averaged before edges are sought. A room without any light at all is taken for a covered lens: it is as blind.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

LensState = Literal["clear", "dark", "covered"]
WIDTH, HEIGHT = 80, 45  # of the luma that is judged: edges of things survive it, noise does not
DARK_MEAN = 35.0
_AVERAGED = 8  # pictures
_EDGE = 4.0  # difference of neighbours, in luma steps, that noise averaged so does not reach
_EDGES = 0.012  # share of neighbours with one: an outline across a tenth of the picture
_AGREE = 3  # judgements in a row before a state is left for another


class LensWatch:
    """Judges small luma pictures, a few a second."""

    def __init__(self) -> None:
        self._mean: NDArray[np.float32] | None = None
        self._count = 0
        self._doubt = 0
        self.state: LensState = "clear"

    def look(self, luma: NDArray[np.uint8]) -> LensState:
        """Take a picture of shape (HEIGHT, WIDTH) into account."""
        picture = luma.astype(np.float32)
        self._count += 1
        weight = 1 / min(self._count, _AVERAGED)
        self._mean = picture if self._mean is None else self._mean + (picture - self._mean) * weight
        if self._count < _AVERAGED:
            return self.state
        found = judge(self._mean)
        self._doubt = self._doubt + 1 if found != self.state else 0
        if self._doubt >= _AGREE:
            self.state, self._doubt = found, 0
        return self.state


def judge(luma: NDArray[np.float32]) -> LensState:
    """What an averaged picture shows."""
    across, down = np.abs(np.diff(luma, axis=1)), np.abs(np.diff(luma, axis=0))
    edges = (np.count_nonzero(across > _EDGE) + np.count_nonzero(down > _EDGE)) / (across.size + down.size)
    if edges < _EDGES:
        return "covered"
    return "dark" if float(luma.mean()) < DARK_MEAN else "clear"
