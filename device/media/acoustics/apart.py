"""Whether speaker and microphone are apart: headphones, a mute speaker, a speakerphone that cancels its own echo.

A canceller that has not yet learnt that there is no echo takes the resident away whenever the clinician speaks: STOI
0.5 for ten seconds, 0.9 after them (docs/decisions/0017). The microphone itself tells sooner: when it falls silent some
time after the clinician was loud, there is no echo that takes this time. When that has been seen of all the times that
an echo may take, there is none. The time that a real echo takes is never seen so, whatever else is.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from device.hardware.ports import BLOCK, Block

LATEST = 60  # blocks (600 ms): the canceller knows no later echo
HOLDS = 600  # blocks (6 s) of the clinician's speech for which what was seen holds
_TOGETHER = 5  # blocks (50 ms): energy is taken over so many
_ALIVE = 100  # blocks (1 s) within which the microphone heard something: one that was switched off tells nothing
_FULL = _TOGETHER * BLOCK * 32768.0**2
_SPEECH = _FULL * 10**-5.0  # -50 dBFS
_HEARS = _FULL * 10**-6.0  # -60 dBFS
_LONGER = 4 * HOLDS  # the second silence may have been so much sooner than the last one
_ANOTHER = 25  # blocks (250 ms): one silence may be a gap in the sound itself, two of them are none
_LOSS = 10**-3.6  # 36 dB: a softer echo is none
_SOFT = _FULL * _LOSS / 10  # what is louder is not 36 dB softer than the loudest speech, -10 dBFS


class Apart:
    """`hear` by the microphone's thread; `forget` may come from another."""

    def __init__(self) -> None:
        self._far = deque([0.0] * _TOGETHER, _TOGETHER)
        self._near = deque([0.0] * _TOGETHER, _TOGETHER)
        self._spoken = np.zeros(LATEST)  # energy of the clinician, the newest first
        self._blocks = HOLDS  # of the clinician's speech
        self._silent_for = _ALIVE
        self.forget()

    def hear(self, far: Block, near: Block, steady: bool) -> bool:
        """The microphone's next block, untouched, and what was played with it. True: no echo is to be expected.

        `steady`: neither of the two is late, so that what is silent was silent in the room.
        """
        self._far.append(_energy(far))
        self._near.append(_energy(near))
        spoken, heard = sum(self._far), sum(self._near)
        self._spoken[1:] = self._spoken[:-1]
        self._spoken[0] = spoken
        self._blocks += spoken > _SPEECH
        self._silent_for = 0 if heard > _HEARS else self._silent_for + 1
        if steady and heard < _SOFT and self._silent_for < _ALIVE:
            self._exclude(max(heard / _LOSS, _SPEECH))
        return self._blocks < self._until

    def forget(self) -> None:
        """Another device or another volume: what was seen holds no longer."""
        self._once, self._again = np.zeros(LATEST, np.int64), np.zeros(LATEST, np.int64)
        self._until = 0

    def _exclude(self, least: float) -> None:
        """Of each delay: the block of the clinician's speech at which it was excluded, and before that once more."""
        loud = self._spoken > least
        if not loud.any():
            return
        now, once, again = self._blocks, self._once, self._again
        anew = loud & (once < now - _ANOTHER)
        again[anew] = once[anew]
        once[anew] = now
        self._until = min(int(np.min(once)), int(np.min(again)) + _LONGER) + HOLDS if again.all() else 0


def _energy(block: Block) -> float:
    samples = block.astype(np.float32)
    return float(samples.dot(samples))
