"""How loud, and how many a second."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from device.hardware.ports import Block
from device.hardware.sound import SILENCE_DB, level_db


class LevelMeter:
    """A level that rises at once and falls by 3 dB a block, for the eye. Fed by one thread, read by another."""

    _FALL_DB = 3.0

    def __init__(self) -> None:
        self._db = SILENCE_DB

    def feed(self, block: Block) -> None:
        """Take one block into account."""
        self._db = max(level_db(block), self._db - self._FALL_DB, SILENCE_DB)

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
