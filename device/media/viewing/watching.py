"""Watching the room in a thread of its own: where people are, how dark it is, whether the lens is covered.

Not in the encoder's thread: finding faces takes as long as a picture may. Nothing that is seen here is kept or told to
anybody but the frame, the light and the state of the lens.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import Frame
from device.media.errors import MediaError
from device.media.pictures import fit
from device.media.viewing import faces, lens, motion
from device.media.viewing.crop import shrunk
from device.media.viewing.framing import Box, Seen
from device.media.viewing.light import exponent_for
from device.runtime.bridge import Newest

_log = logging.getLogger(__name__)

EVERY_S = 0.2  # a look at light, lens and motion
FACES_EVERY = 5  # looks: faces once a second


class Finder(Protocol):
    """Finds faces."""

    def find(self, rgb: NDArray[np.uint8]) -> tuple[Box, ...]:
        """As FaceFinder."""


class Looking:
    """What is made of one look after the other. In one thread; results may be read from another."""

    def __init__(self, make_finder: Callable[[], Finder | None]) -> None:
        self._make_finder = make_finder
        self._finder: Finder | None = None
        self._loaded = False
        self._motion = motion.MotionFinder()
        self._lens = lens.LensWatch()
        self._looks = 0
        self.people = True  # whether to look for people; light and lens are watched all the same
        self.seen = Seen()
        self.exponent = 1.0
        self.lens: lens.LensState = "clear"

    def look(self, frame: Frame) -> None:
        """Take a picture into account."""
        luma = frame.i420[: frame.height]
        small = _small(luma, lens.WIDTH, lens.HEIGHT)
        self.lens = self._lens.look(small)
        lit = self.lens != "covered"
        self.exponent = exponent_for(float(small.mean()) if lit else 255.0, self.exponent)
        if not (self.people and lit):
            self.seen = Seen()
            return
        found = self.seen.faces
        if self._looks % FACES_EVERY == 0:
            found = self._faces(frame)
        self._looks += 1
        self.seen = Seen(found, self._motion.find(_small(luma, motion.WIDTH, motion.HEIGHT)))

    def _faces(self, frame: Frame) -> tuple[Box, ...]:
        if not self._loaded:  # only now: a station whose framing is off has no need of the networks
            self._finder, self._loaded = self._make_finder(), True
        if self._finder is None:
            return ()
        width, height = fit(frame.width, frame.height, faces.WIDTH, faces.HEIGHT)
        small = shrunk(frame, width, height)
        return self._finder.find(np.asarray(cv2.cvtColor(small.i420, cv2.COLOR_YUV2RGB_I420), np.uint8))


class Watcher:
    """The thread. `offer` never waits; the newest picture is looked at when the last one is done."""

    def __init__(self) -> None:
        self._frames: Newest[Frame] = Newest()
        self._thread: threading.Thread | None = None
        self.looking = Looking(load_finder)

    def start(self) -> None:
        """Begin to watch; what was seen before is forgotten."""
        people = self.looking.people
        self._frames, self.looking = Newest(), Looking(load_finder)
        self.looking.people = people
        self._thread = threading.Thread(target=self._run, args=(self._frames,), name="room-watcher", daemon=True)
        self._thread.start()

    def offer(self, frame: Frame) -> None:
        """A picture to look at, perhaps."""
        self._frames.put(frame)

    def stop(self) -> None:
        """Watch no more."""
        self._frames.close()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, frames: Newest[Frame]) -> None:
        cv2.setNumThreads(1)  # the other cores have the call to carry
        looking = self.looking
        while (frame := frames.take()) is not None:
            try:
                looking.look(frame)
            except cv2.error as error:
                _log.error("the room is watched no more: %s", error)
                looking.seen, looking.exponent = Seen(), 1.0
                return


def load_finder() -> Finder | None:
    """The finder of faces; None, and said in the log, where its networks are not."""
    try:
        return faces.FaceFinder()
    except MediaError as error:
        _log.error("people are framed by what moves alone: %s", error)
        return None


def _small(luma: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
