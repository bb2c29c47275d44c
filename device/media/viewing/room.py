"""The room as the clinician sees it: framed by itself or by hand, and lit where it is dark.

What is held close to a camera (`near`) is only cropped by hand: nobody is to be framed there, skin without an edge in
it is no covered lens, and its colours are not to be brightened away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from device.hardware.ports import WHOLE, Crop, Frame
from device.media.viewing.crop import cut
from device.media.viewing.framing import Framing, move, observe
from device.media.viewing.lens import LensState
from device.media.viewing.light import curve
from device.media.viewing.watching import EVERY_S, Watcher


@dataclass(frozen=True)
class View:
    """How the room is seen now. `by_hand`: the clinician has chosen the crop; `framing`: people are followed."""

    crop: Crop = WHOLE
    by_hand: bool = False
    framing: bool = True
    brightened: bool = False
    lens: LensState = "clear"


class RoomView:
    """Fulfils Viewing. `look` is called in the encoder's thread, between `start` and `stop`; the rest on the loop."""

    def __init__(self, monotonic: Callable[[], float], watcher: Watcher | None = None) -> None:
        self._monotonic = monotonic
        self._watcher = watcher or Watcher()
        self._framing = Framing()
        self._follow = True
        self.near = False
        self._by_hand: Crop | None = None
        self._offered = -EVERY_S
        self._exponent = 1.0
        self._curve = curve(1.0)
        self.view = View()

    def start(self) -> None:
        """The camera opens: begin with the whole room, whatever was seen before."""
        self.aim(near=False)
        self._watcher.start()

    def aim(self, *, near: bool) -> None:
        """Another camera gives the pictures from now on: begin with all that it sees."""
        self.near, self._framing, self._by_hand = near, Framing(), None
        self.view = View(framing=self._follow and not near)

    def stop(self) -> None:
        """The camera has closed."""
        self._watcher.stop()
        self.view = View(framing=self._follow)

    def follow(self, on: bool) -> None:
        """Whether people are framed; off shows the whole room. Ends a crop that was chosen by hand."""
        self._follow, self._by_hand = on, None
        self.view = replace(self.view, by_hand=False, framing=on and not self.near)

    def choose(self, crop: Crop) -> None:
        """Show this part from now on, whoever moves."""
        chosen = self._by_hand = crop.inside()
        self.view = replace(self.view, crop=chosen, by_hand=True)

    def look(self, frame: Frame, width: int, height: int) -> Frame:
        """As Viewing says."""
        if self.near:
            crop = self._by_hand or WHOLE
            self.view = View(crop, self._by_hand is not None, framing=False)
            return cut(frame, crop, width, height)
        now = self._monotonic()
        if now - self._offered >= EVERY_S and frame.part == WHOLE:
            self._offered = now
            self._watcher.looking.people = self._follow
            self._watcher.offer(frame)
        crop = self._crop(now)
        seen = self._watcher.looking
        self.view = View(crop, self._by_hand is not None, self._follow, seen.exponent < 1, seen.lens)
        return self._lit(cut(frame, crop, width, height), seen.exponent)

    def _crop(self, now: float) -> Crop:
        if self._by_hand is not None:
            self._framing = Framing(shown=self._by_hand, target=self._by_hand, moved_at=now)
            return self._by_hand
        if self._follow:
            framing = observe(self._framing, self._watcher.looking.seen, now)
        else:
            framing = Framing(self._framing.shown, WHOLE, moved_at=self._framing.moved_at)
        self._framing = move(framing, now)
        return self._framing.shown

    def _lit(self, frame: Frame, exponent: float) -> Frame:
        if exponent == 1.0:
            return frame
        if exponent != self._exponent:
            self._exponent, self._curve = exponent, curve(exponent)
        i420 = frame.i420.copy()
        luma = i420[: frame.height]
        cv2.LUT(luma, self._curve, dst=luma)
        return replace(frame, i420=np.asarray(i420, np.uint8))
