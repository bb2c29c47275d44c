"""What the speaker plays: the clinician, or a tone of the station's own."""

from __future__ import annotations

from collections.abc import Iterator

from device.hardware.ports import Block
from device.media.echo import SoundProcessor
from device.media.levels import LevelMeter
from device.media.playout import Playout
from device.media.tones import Tone, tone_blocks


class Loudspeaker:
    """Gives the speaker its blocks. A tone goes before the clinician; they never sound together in a call."""

    def __init__(self, playout: Playout, processor: SoundProcessor) -> None:
        self._playout = playout
        self._processor = processor
        self._tone: Iterator[Block] = iter(())
        self.meter = LevelMeter()

    def play(self, tone: Tone) -> None:
        """Begin a tone, or end it with "none"."""
        self._tone = tone_blocks(tone)

    def next_block(self) -> Block:
        """The next 10 ms, for the speaker's thread."""
        block = next(self._tone, None)
        if block is None:
            block = self._playout.next_block()
        self._processor.played(block)
        self.meter.feed(block)
        return block
