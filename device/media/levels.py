"""How loud, and how many a second."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

SILENCE_DB = -96.0  # the least that 16 bits can say


def rms_db(samples: NDArray[np.int16]) -> float:
    """RMS level in dB below full scale (0 is a full-scale square wave), never under SILENCE_DB."""
    if not len(samples):
        return SILENCE_DB
    # A dot product of float32 is the cheapest way there is to sum squares.
    wide = samples.astype(np.float32)
    mean = float(wide @ wide) / len(wide)
    return max(SILENCE_DB, 10 * math.log10(mean / 32768**2)) if mean else SILENCE_DB


class LevelMeter:
    """A level that rises at once and falls by 3 dB a block, as the eye wants it. Fed by one thread, read by another."""

    _FALL_DB = 3.0

    def __init__(self) -> None:
        self._db = SILENCE_DB

    def feed(self, samples: NDArray[np.int16]) -> None:
        """Take one block into account."""
        self._db = max(rms_db(samples), self._db - self._FALL_DB, SILENCE_DB)

    def reset(self) -> None:
        """Nothing is heard any more."""
        self._db = SILENCE_DB

    @property
    def db(self) -> float:
        """The level now, dBFS."""
        return round(self._db, 1)


class RateMeter:
    """Events a second over the last two seconds."""

    _WINDOW_S = 2.0

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._times: deque[float] = deque(maxlen=512)

    def count(self) -> None:
        """One more."""
        self._times.append(self._monotonic())

    @property
    def per_second(self) -> float:
        """How many a second."""
        since = self._monotonic() - self._WINDOW_S
        return sum(1 for at in tuple(self._times) if at > since) / self._WINDOW_S
