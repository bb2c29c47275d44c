"""When to play a little faster or slower so that sound is played when it should be, and how much can be heard of it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from device.media.playout.stretch import AHEAD, LONGEST, SHORTEST, lengthen, shorten

Sound = NDArray[np.int16]

_LATE_S = 0.020  # played so much too late: faster, in speech
_LATE_QUIET_S = 0.006  # in silence, where nobody hears it
_SOON_S = -0.010
_SOON_QUIET_S = -0.005
_FAR_S = 0.060  # off by more than this: in a hurry
_LIKENESS = 0.9  # of two places of speech that may be put together
_LIKENESS_IN_A_HURRY = 0.5
_PAUSE = 10  # blocks between two changes: a tenth faster at most
_PAUSE_IN_A_HURRY = 3
_QUIET = 0.1  # of the loudness of speech
_QUIET_RMS = 30.0  # always (-61 dBFS)
_SPEECH_FALL = 0.998  # a block: half in 3.5 s


class Stretching:
    """Decides by how far off the delay is and what is being played; remembers what was played last."""

    def __init__(self) -> None:
        self._before: Sound = np.zeros(LONGEST, np.int16)
        self._speech = 0.0
        self._wait = 0
        self.shortened = 0  # samples
        self.lengthened = 0

    def played(self, block: Block) -> None:
        """This is played now."""
        self._before = np.concatenate((self._before[BLOCK:], block))
        self._speech = max(_rms(block), self._speech * _SPEECH_FALL)
        self._wait -= self._wait > 0

    def needs(self, error: float) -> int:
        """How many samples must be decoded for a change that seems wanted; 0: none is. `error`: seconds too late."""
        if self._wait or _SOON_QUIET_S <= error <= _LATE_QUIET_S:
            return 0
        return AHEAD if error > 0 else LONGEST

    def change(self, sound: Sound, error: float) -> Sound:
        """`sound`, of at least as many samples as `needs` said, longer or shorter if that may be done just here."""
        quiet = _rms(sound[:AHEAD]) < max(_QUIET * self._speech, _QUIET_RMS)
        if not quiet and _SOON_S <= error <= _LATE_S:
            return sound
        hurry = abs(error) > _FAR_S
        likeness = -1.0 if quiet else _LIKENESS_IN_A_HURRY if hurry else _LIKENESS
        at_most = min(max(round(abs(error) * SAMPLE_RATE), 2 * SHORTEST), LONGEST)
        changed = shorten(sound, likeness, at_most) if error > 0 else lengthen(self._before, sound, likeness, at_most)
        if changed is None:
            return sound
        self._wait = _PAUSE_IN_A_HURRY if hurry else _PAUSE
        self.shortened += max(0, len(sound) - len(changed))
        self.lengthened += max(0, len(changed) - len(sound))
        return changed

    def reset(self) -> None:
        """Nothing has been played."""
        self._before = np.zeros(LONGEST, np.int16)
        self._speech, self._wait = 0.0, 0


def _rms(sound: Sound) -> float:
    samples = sound.astype(np.float32)
    return math.sqrt(float(samples @ samples) / len(samples))
