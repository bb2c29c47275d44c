"""What the speaker plays: the clinician, or a tone of the station's own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import Block
from device.media.acoustics.shaping import Shaping
from device.media.echo import SoundProcessor
from device.media.levels import LevelMeter
from device.media.playout import Playout
from device.media.tones import Tone, tone_blocks


class Loudspeaker:
    """Gives the speaker its blocks. A tone goes before the clinician; they never sound together in a call.

    The clinician is shaped for this resident's ears (`shaping`); tones and what tests the room are played as they are.
    """

    def __init__(self, playout: Playout, processor: SoundProcessor) -> None:
        self._playout = playout
        self._processor = processor
        self._own: Iterator[Block] = iter(())
        self.shaping = Shaping()
        self.meter = LevelMeter()

    def play(self, tone: Tone, words: NDArray[np.int16] | None = None) -> None:
        """Begin a tone, with words where it has any, or end it with "none"."""
        self._own = tone_blocks(tone) if words is None else tone_blocks(tone, words)

    def play_once(self, blocks: Iterator[Block]) -> None:
        """Play these before anything else, in place of a tone."""
        self._own = blocks

    def next_block(self) -> Block:
        """The next 10 ms, for the speaker's thread."""
        block = next(self._own, None)
        if block is None:
            block = self._processor.soften(self.shaping.apply(self._playout.next_block()))
        self._processor.played(block)
        self.meter.feed(block)
        return block
