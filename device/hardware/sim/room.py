"""The way through the air from the simulated speaker to the simulated microphone, shut until a knob opens it."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

from device.hardware.ports import Block
from device.hardware.sound import silence

DELAY = 8  # blocks (80 ms) from the speaker's thread to the microphone's: what sound cards and a metre of air take
ECHO = 0.4  # of what is played
_MOST = 2 * DELAY  # blocks: a microphone that is shut hears nothing of what is past


class SimRoom:
    """`play` by the speaker's thread, `hear` by the microphone's."""

    def __init__(self) -> None:
        self._echoes = False
        self._lock = threading.Lock()
        self._air: deque[Block] = deque(maxlen=_MOST)

    def let_through(self, echoes: bool) -> None:
        """Whether the microphone hears the speaker."""
        self._echoes = echoes

    def play(self, block: Block) -> None:
        """The speaker plays this, at its volume."""
        with self._lock:
            if not self._air:
                self._air.extend([silence()] * DELAY)
            self._air.append(block)

    def hear(self, said: Block) -> Block:
        """What the microphone hears when this is said in the room."""
        with self._lock:
            echo = self._air.popleft() if self._air else None
        if echo is None or not self._echoes:
            return said
        heard: Block = np.clip(said + echo * np.float32(ECHO), -32768, 32767).astype(np.int16)
        return heard
