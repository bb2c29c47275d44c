"""Where what was received goes: the ring that the screen shows, and the speaker's buffer."""

from __future__ import annotations

import threading
from collections.abc import Callable

import av

from device.media.levels import RateMeter
from device.media.pictures import PictureRing
from device.media.playout import Playout


class Remote:
    """Where the clinician's pictures and sound go. `gate` is shut until the resident has agreed to the call."""

    def __init__(self, playout: Playout, wall: Callable[[], float], rate: RateMeter) -> None:
        self._playout = playout
        self._wall = wall
        self._rate = rate
        self._lock = threading.Lock()
        self._ring: PictureRing | None = None
        self._newest: av.VideoFrame | None = None
        self._gate = False

    @property
    def gate(self) -> bool:
        """Whether the clinician is shown and heard."""
        return self._gate

    def attach(self, ring: PictureRing | None) -> None:
        """Where pictures are to be shown; None: nowhere any more."""
        with self._lock:
            self._ring = ring
        self._show_newest()

    def open_gate(self) -> None:
        """Show and play from now on, beginning with the newest picture there is."""
        self._gate = True
        self._show_newest()

    def shut_gate(self) -> None:
        """Show and play nothing, and forget what was received."""
        self._gate = False
        self._newest = None
        self._playout.reset()

    def forget(self) -> None:
        """Another peer connection begins: nothing of the last one is to be heard after it."""
        self._newest = None
        self._playout.reset()

    def show(self, picture: av.VideoFrame) -> None:
        """A decoded picture, from the decoder's thread."""
        self._newest = picture
        if self._gate:
            self._rate.count()
            self._show_newest()

    def hear(self, data: bytes, number: int, timestamp: int, source: int) -> None:
        """A packet of sound (see `Playout.insert`), on the loop; what comes while the gate is shut is left out."""
        if self._gate:
            self._playout.insert(data, number, timestamp, source)

    def _show_newest(self) -> None:
        with self._lock:
            picture = self._newest
            if self._gate and self._ring is not None and picture is not None:
                self._newest = None
                self._ring.show(picture, self._wall())
