"""Who speaks in the room is given the floor: while the resident speaks, the clinician is played more softly.

An echo canceller takes away more of the resident the louder the echo is beside him. With 10 dB less of the clinician,
who is still well heard, STOI of the resident is 0.8 instead of 0.6 while both speak (tests/bench/echo.py).
A room that is never quiet, with a television on, must not keep the clinician soft: noise is followed, and after some
seconds the clinician comes back until the room has been quiet for a moment.
"""

from __future__ import annotations

import numpy as np

from device.hardware.ports import BLOCK, Block
from device.hardware.sound import level_db

SOFT = 10 ** (-10 / 20)
LONGEST = 400  # blocks (4 s) of the clinician's speech that stay soft
_SPEECH_DB = -48.0  # dBFS after cancelling; quieter is no speech, or residue
_OVER_NOISE_DB = 12.0
_NOISE_RISE_DB = 0.03  # a block: 3 dB a second
_SURE = 4  # blocks of speech among the last ones: a cough or a cup is none
_HOLD = 45  # blocks after the last speech: between words; an answer over the line is not there sooner
_DOWN, _UP = 0.75, 1.05  # a block: 10 dB within 40 ms, back within 250


class Yielding:
    """`hear` by the microphone's thread, `soften` by the speaker's."""

    def __init__(self) -> None:
        self._noise_db = _SPEECH_DB
        self._speech = 0
        self._hold = 0
        self._for = 0
        self._gain = 1.0

    @property
    def yields(self) -> bool:
        """Whether the resident has the floor."""
        return self._hold > 0 and self._for <= LONGEST

    def hear(self, clean: Block) -> None:
        """What is sent of the room, after cancelling."""
        level = level_db(clean)
        self._noise_db = min(level, self._noise_db + _NOISE_RISE_DB)
        speaks = level > max(_SPEECH_DB, self._noise_db + _OVER_NOISE_DB)
        self._speech = min(self._speech + 1, 2 * _SURE) if speaks else max(self._speech - 1, 0)
        if self._speech >= _SURE:
            self._hold = _HOLD
        elif self._hold:
            self._hold -= 1
        if not self._hold:
            self._for = 0

    def rest(self) -> None:
        """Nothing is known of the room."""
        self._speech = self._hold = self._for = 0

    def soften(self, block: Block) -> Block:
        """The clinician's next block."""
        gain = max(SOFT, self._gain * _DOWN) if self.yields else min(1.0, self._gain * _UP)
        if gain == self._gain == 1.0:
            return block
        self._for += level_db(block) > _SPEECH_DB  # only what the clinician said meanwhile counts
        softer: Block = (block * np.linspace(self._gain, gain, BLOCK)).astype(np.int16)
        self._gain = gain
        return softer
