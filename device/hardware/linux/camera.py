"""A USB camera over V4L2, through OpenCV."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from device.hardware.errors import DeviceFailed, presence_of
from device.hardware.linux import formats
from device.hardware.linux.formats import Offer, read_offers
from device.hardware.pace import Worker
from device.hardware.ports import STILL_S, CameraMode, Crop, Frame, OnFault, OnFrame
from device.hardware.still import StillDesk
from messaging.call import DeviceState

_log = logging.getLogger(__name__)
_SILENCE_S = "2"  # OpenCV would wait 10 s for a picture, and a close with it
_SETTLE = 4  # pictures after a change of mode whose exposure is not right yet


class Capture(Protocol):
    """What we use of cv2.VideoCapture."""

    def read(self) -> tuple[bool, Any]:
        """Whether there is a picture, and the picture as `decoding.Decoder.decode` takes it."""

    def release(self) -> None:
        """Close the device."""


class Finder(Protocol):
    """Where the camera is now."""

    def find(self) -> Path:
        """The path to open; HardwareError if there is none."""


def open_v4l(path: str, offer: Offer) -> Capture:
    """Open a camera by its path in the offered format; DeviceFailed if it cannot be opened."""
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", _SILENCE_S)
    import cv2

    capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
    if not capture.isOpened():
        capture.release()
        raise DeviceFailed(f"the camera {path} cannot be opened: in use by another program, or no permission")
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*offer.fourcc))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, offer.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, offer.height)
    capture.set(cv2.CAP_PROP_FPS, offer.fps)
    capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 2)  # each waiting picture is 33 ms of delay
    return capture


class V4lCamera:
    """The camera a finder finds. `open_capture`, `offers` and `wall` are given by tests."""

    def __init__(
        self,
        finder: Finder,
        open_capture: Callable[[str, Offer], Capture] = open_v4l,
        offers: Callable[[str], list[Offer]] = read_offers,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._finder = finder
        self._open_capture = open_capture
        self._offers = offers
        self._wall = wall
        self._worker: Worker | None = None
        self._stills: StillDesk | None = None

    def presence(self) -> DeviceState:
        """Whether it is plugged in and is a camera."""
        return presence_of(self._finder.find)

    def modes(self) -> tuple[CameraMode, ...]:
        """What it offers in the formats that we read."""
        return formats.modes(self._offers(str(self._finder.find())))

    def open(self, mode: CameraMode, on_frame: OnFrame, on_fault: OnFault) -> None:
        """Start; the pictures have the size the camera gives, the nearest to what was asked."""
        if self._worker is not None:
            raise DeviceFailed("the camera is open already")
        path = str(self._finder.find())
        offers = self._offers(path)
        # A driver that keeps no list may still give pictures: it is asked for what everybody has.
        offer = formats.choose(offers, mode) or Offer(formats.MJPEG, mode.width, mode.height, mode.fps)
        _log.info("the camera %s gives %s", path, _words(offer))
        stream = _Stream(path, offer, formats.largest(offers) or offer, self._open_capture, self._wall)
        self._stills = stream.stills
        self._worker = Worker("camera", lambda stopping: self._run(stream, stopping, on_frame, on_fault))
        self._worker.start()

    def zoom(self, crop: Crop) -> None:
        """V4L2 has no common control for it: the part is cut out of its pictures."""

    def capture_still(self, timeout_s: float = STILL_S) -> Frame:
        """At the largest size it offers; a camera that streams another is opened anew for it, and back."""
        stills = self._stills
        if stills is None:
            raise DeviceFailed("the camera is not open")
        return stills.ask(timeout_s)

    def close(self) -> None:
        """Stop, and wait for the picture that is on its way (2 s at most, when the camera is stuck)."""
        worker, self._worker = self._worker, None
        stills, self._stills = self._stills, None
        if stills is not None:
            stills.shut()
        if worker is not None:
            worker.stop()

    def _run(self, stream: _Stream, stopping: threading.Event, on_frame: OnFrame, on_fault: OnFault) -> None:
        try:
            while not stopping.is_set():
                stream.serve_stills()
                frame = stream.take()
                if frame is not None and not stopping.is_set():
                    on_frame(frame)
        except DeviceFailed as error:
            if not stopping.is_set():
                _log.warning("%s", error)
                on_fault("stalled" if self.presence() == "ok" else "unplugged")
        finally:
            stream.end()


class _Stream:
    """An open camera, for its own thread alone, save `stills`."""

    def __init__(
        self, path: str, offer: Offer, full: Offer, open_capture: Callable[[str, Offer], Capture],
        wall: Callable[[], float],
    ) -> None:  # fmt: skip
        from device.hardware.linux.decoding import Decoder

        self.stills = StillDesk()
        self._path = path
        self._offer = offer
        self._full = full
        self._open_capture = open_capture
        self._wall = wall
        self._decoder = Decoder()
        self._capture = open_capture(path, offer)

    def take(self) -> Frame | None:
        """The next picture, None if it was torn; DeviceFailed if none comes."""
        taken, picture = self._capture.read()
        captured = self._wall()
        if not taken:
            raise DeviceFailed(f"the camera {self._path} gives no picture")
        i420: NDArray[np.uint8] | None = self._decoder.decode(picture)
        return None if i420 is None else Frame(i420, i420.shape[1], i420.shape[0] * 2 // 3, captured)

    def serve_stills(self) -> None:
        """Give who waits for one a still; the stream is as before afterwards, or DeviceFailed."""
        self.stills.serve(self._still)

    def end(self) -> None:
        """Close it."""
        self.stills.shut()
        self._capture.release()

    def _still(self) -> Frame:
        if (self._full.width, self._full.height) == (self._offer.width, self._offer.height):
            return self._whole()
        self._reopen(self._full)
        try:
            for _ in range(_SETTLE):
                self.take()
            return self._whole()
        finally:
            self._reopen(self._offer)

    def _whole(self) -> Frame:
        frame = None
        while frame is None:  # bounded: the decoder gives up after a second of torn pictures
            frame = self.take()
        return frame

    def _reopen(self, offer: Offer) -> None:
        self._capture.release()
        self._capture = self._open_capture(self._path, offer)


def _words(offer: Offer) -> str:
    return f"{offer.fourcc} {offer.width}x{offer.height} at {offer.fps or 'an unknown rate'}"
