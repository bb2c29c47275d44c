"""The place of the echo canceller, between the speaker's sound and the microphone's."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from device.hardware.ports import Block


class Met(NamedTuple):
    """10 ms of the microphone's with what the speaker played then."""

    near: Block
    far: Block
    delay_ms: float = 0.0  # from `far` here to its echo in `near`
    steady: bool = False  # neither of the two was late


class SoundProcessor(Protocol):
    """Cleans the microphone's sound by what the speaker plays. Each method is called from one thread.

    All but `clean` every 10 ms. That is most of the work, and what costs most of it is to wake up for it: two blocks
    one right after the other cost two thirds of two of them apart, and a packet of sound holds two.
    """

    def soften(self, block: Block) -> Block:
        """The clinician's block as loud as the room allows it now; the speaker's thread."""

    def played(self, block: Block) -> None:
        """The speaker is about to play this."""

    def meet(self, block: Block) -> Met:
        """The microphone has heard this now."""

    def clean(self, met: Met) -> Block:
        """What to send for it. Each block in its turn, at once or later."""
