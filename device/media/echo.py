"""The place of the echo canceller, between the speaker's sound and the microphone's."""

from __future__ import annotations

from typing import Protocol

from device.hardware.ports import Block


class SoundProcessor(Protocol):
    """Cleans the microphone's sound by what the speaker plays. Each method is called from one thread, every 10 ms."""

    def soften(self, block: Block) -> Block:
        """The clinician's block as loud as the room allows it now; the speaker's thread."""

    def played(self, block: Block) -> None:
        """The speaker is about to play this."""

    def heard(self, block: Block) -> Block:
        """What to send for this block of the microphone's."""


class Untouched:
    """Sends what the microphone hears: right for a headset, or for a conference speaker that cancels its own echo."""

    def soften(self, block: Block) -> Block:
        """The same block."""
        return block

    def played(self, block: Block) -> None:
        """Needs no reference."""

    def heard(self, block: Block) -> Block:
        """The same block."""
        return block
