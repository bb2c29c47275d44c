"""From packets that come when they come to a speaker that asks every 10 ms.

What is missing is concealed by the last sound, turned back on itself (so that nothing clicks) and fading; a buffer
that stays too full or too empty, because two crystals differ, loses or gains one block of 10 ms at a time with a
cross-fade. What bad lines need beyond that (an adaptive target, Opus's own error correction) belongs here.
"""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import BLOCK, Block
from device.hardware.sound import silence

TARGET = 6  # blocks of 10 ms held before playing begins
MOST = 25  # more than this is not held: the call would lag behind itself
_SLACK = 2  # blocks over the target that ordinary arrival in pairs needs
_LEAST = 1  # fewer than this left over half a second: about to run dry
_WINDOW = 50  # blocks over which the fill is judged
_LARGEST_GAP = 10 * BLOCK  # samples of sound to conceal; a greater jump in the sender's clock is a new beginning
_FADE_PER_BLOCK = 0.6
_SILENT = 0.02

_UP = np.linspace(0.0, 1.0, BLOCK, dtype=np.float32)
_DOWN = 1.0 - _UP
_SILENCE = silence()
_WRAP = 1 << 32


class Playout:
    """A bounded buffer of sound: `put` from the decoder's thread, `next_block` from the speaker's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: deque[Block | None] = deque()  # None: a block that was lost on the way
        self._rest = _SILENCE[:0]
        self._next_position: int | None = None
        self._filling = True
        self._last = _SILENCE
        self._gain = 0.0  # of the concealment that is playing; 0 when the last block was real
        self._least_in_window = MOST
        self._window = 0
        self.concealed = 0
        self.dropped = 0
        self.inserted = 0

    def put(self, samples: NDArray[np.int16], position: int) -> None:
        """Take mono samples at 48 kHz; `position` is the sender's sample clock (an RTP timestamp, modulo 2**32)."""
        with self._lock:
            if not self._align(position):
                return
            self._next_position = (position + len(samples)) % _WRAP
            sound = np.concatenate((self._rest, samples)) if len(self._rest) else samples
            whole = len(sound) // BLOCK * BLOCK
            self._blocks.extend(sound[:whole].reshape(-1, BLOCK))
            self._rest = sound[whole:]
            while len(self._blocks) > MOST:
                self._blocks.popleft()
                self.dropped += 1

    def next_block(self) -> Block:
        """The next 10 ms to play: sound, concealment, or silence."""
        with self._lock:
            if self._filling and len(self._blocks) < TARGET:
                return self._conceal()
            self._filling = False
            if not self._blocks:
                self._filling = True
                return self._conceal()
            change = self._judge_fill()
            if change < 0 and len(self._blocks) > 1:
                return self._skip()
            if change > 0 and not self._gain:
                self.inserted += 1
                return self._conceal(fade=1.0)
            return self._play(self._blocks.popleft())

    def reset(self) -> None:
        """Forget all sound: another sender, or the gate has closed."""
        with self._lock:
            self._blocks.clear()
            self._rest, self._last = _SILENCE[:0], _SILENCE
            self._next_position, self._filling, self._gain = None, True, 0.0

    @property
    def buffered(self) -> int:
        """Blocks of 10 ms that are waiting to be played."""
        return len(self._blocks)

    def _align(self, position: int) -> bool:
        if self._next_position is None:
            return True
        gap = (position - self._next_position + _WRAP // 2) % _WRAP - _WRAP // 2
        if 0 < gap <= _LARGEST_GAP:
            self._blocks.extend([None] * round(gap / BLOCK))
            self._rest = self._rest[:0]
        return gap >= 0 or gap < -_LARGEST_GAP

    def _play(self, block: Block | None) -> Block:
        if block is None:
            return self._conceal()
        if self._gain:
            block = _cross_fade(self._mirrored() * self._gain, block)
            self._gain = 0.0
        self._last = block
        return block

    def _conceal(self, fade: float = _FADE_PER_BLOCK) -> Block:
        before = self._gain or 1.0
        after = before * fade
        if after < _SILENT or not self._last.any():
            self._last, self._gain = _SILENCE, 0.0
            return _SILENCE
        self.concealed += fade < 1.0
        # The gain ramps over the block; `_last` stays at full level, turned round each time to meet its own end.
        self._last, self._gain = self._last[::-1], after
        return np.asarray(self._last * (before + (after - before) * _UP), np.int16)

    def _mirrored(self) -> Block:
        return self._last[::-1]

    def _skip(self) -> Block:
        first, second = self._blocks.popleft(), self._blocks.popleft()
        self.dropped += 1
        if first is None or second is None:
            return self._play(second if first is None else first)
        return self._play(_cross_fade(first, second))

    def _judge_fill(self) -> int:
        """-1 when a block should go, 1 when one should be put in, else 0."""
        self._least_in_window = min(self._least_in_window, len(self._blocks) - 1)
        self._window += 1
        if self._window < _WINDOW:
            return 0
        least, self._least_in_window, self._window = self._least_in_window, MOST, 0
        return -1 if least > TARGET + _SLACK else int(least < _LEAST)


def _cross_fade(first: NDArray[np.float32] | Block, second: Block) -> Block:
    return np.asarray(first * _DOWN + second * _UP, np.int16)
