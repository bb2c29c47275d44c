"""A little more or a little less of the same sound: one period of the voice is put in or left out, with a cross-fade.

Where there is no period, in silence, any stretch of it will do. Pitch stays as it was.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Sound = NDArray[np.int16]

SHORTEST = 120  # samples of a period: 400 Hz
LONGEST = 720  # 67 Hz
_WINDOW = 480  # over which two places are compared
AHEAD = LONGEST + max(LONGEST, _WINDOW)  # samples that `shorten` needs
_COARSE = 4  # every fourth sample for the first look


def shorten(sound: Sound, likeness: float, at_most: int = LONGEST) -> Sound | None:
    """`sound` (at least AHEAD) less one period from its beginning; None if no two places are so much alike (0 to 1).

    At most `at_most` samples go (SHORTEST to LONGEST).
    """
    period, found = _best(sound[:_WINDOW], sound[SHORTEST : at_most + _WINDOW])
    if found < likeness:
        return None
    period += SHORTEST
    return np.concatenate((_fade(sound[:period], sound[period : 2 * period]), sound[2 * period :]))


def lengthen(before: Sound, sound: Sound, likeness: float, at_most: int = LONGEST) -> Sound | None:
    """`sound` (at least LONGEST) with one period more at its beginning; `before` (LONGEST) is what was played last."""
    both = np.concatenate((before, sound[:_WINDOW]))
    offset, found = _best(sound[:_WINDOW], both[len(before) - at_most : len(before) - SHORTEST + _WINDOW])
    if found < likeness:
        return None
    period = at_most - offset
    return np.concatenate((_fade(sound[:period], before[len(before) - period :]), sound))


def _best(wanted: Sound, where: Sound) -> tuple[int, float]:
    """Where in `where` the sound is most like `wanted`, and how much (1: the same; silence is like everything)."""
    coarse, _ = _peak(wanted[::_COARSE].astype(np.float32), where[::_COARSE].astype(np.float32))
    low = max(0, (coarse - 1) * _COARSE)
    near = where[low : low + 2 * _COARSE + len(wanted)]
    fine, likeness = _peak(wanted.astype(np.float32), near.astype(np.float32))
    return low + fine, likeness


def _peak(wanted: NDArray[np.float32], where: NDArray[np.float32]) -> tuple[int, float]:
    windows = sliding_window_view(where, len(wanted))
    energy = np.einsum("ij,ij->i", windows, windows)
    own = float(wanted @ wanted)
    likeness = (windows @ wanted + 1.0) / np.sqrt(energy * own + 1.0)
    at = int(np.argmax(likeness))
    return at, float(likeness[at])


def _fade(first: Sound, second: Sound) -> Sound:
    up = np.linspace(0.0, 1.0, len(first), dtype=np.float32)
    return np.asarray(first * (1 - up) + second * up, np.int16)
