"""A voice path that changes nothing."""

from __future__ import annotations

from device.hardware.ports import Block
from device.hardware.sound import silence
from device.media.echo import Met


class Untouched:
    """Sends what the microphone hears: right for a headset, or for a conference speaker that cancels its own echo."""

    def soften(self, block: Block) -> Block:
        """The same block."""
        return block

    def played(self, block: Block) -> None:
        """Needs no reference."""

    def meet(self, block: Block) -> Met:
        """With silence."""
        return Met(block, silence())

    def clean(self, met: Met) -> Block:
        """The same block."""
        return met.near
