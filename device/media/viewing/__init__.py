"""What of the camera's picture is shown: between the camera and the encoder, in the encoder's thread."""

from __future__ import annotations

from typing import Protocol

from device.hardware.ports import Frame


class Viewing(Protocol):
    """Chooses and betters what is seen of a picture."""

    def look(self, frame: Frame, width: int, height: int) -> Frame:
        """The picture to send.

        The whole picture is not scaled: the encoder's side does that, once for all. A part of it comes in one of a few
        sizes that fit `width` x `height`. Sides are even. Called once for every
        picture that is sent, never for one left out; takes a few milliseconds at most and keeps `captured`.
        """


class WholePicture:
    """The camera's picture as it is."""

    def look(self, frame: Frame, width: int, height: int) -> Frame:  # noqa: ARG002
        """As Viewing says."""
        return frame
