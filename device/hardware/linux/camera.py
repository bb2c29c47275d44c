"""A USB camera over V4L2, through OpenCV."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from device.hardware.errors import DeviceFailed, presence_of
from device.hardware.linux.v4l import CameraFinder
from device.hardware.pace import Worker
from device.hardware.ports import CameraMode, Frame, OnFault, OnFrame
from messaging.call import DeviceState

_SILENCE_S = "2"  # OpenCV would wait 10 s for a picture, and a close with it


class Capture(Protocol):
    """What we use of cv2.VideoCapture."""

    def read(self) -> tuple[bool, Any]:
        """Whether there is a picture, and the picture: BGR, uint8 of shape (height, width, 3)."""

    def release(self) -> None:
        """Close the device."""


def open_v4l(path: str, mode: CameraMode) -> Capture:
    """Open a camera by its path and ask for the mode; DeviceFailed if it cannot be opened.

    Motion JPEG is preferred: raw pictures of this size do not fit through USB 2 at 30 a second.
    """
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", _SILENCE_S)
    import cv2

    capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
    if not capture.isOpened():
        capture.release()
        raise DeviceFailed(f"the camera {path} cannot be opened: in use by another program, or no permission")
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, mode.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, mode.height)
    capture.set(cv2.CAP_PROP_FPS, mode.fps)
    return capture


def to_i420(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture from OpenCV as planar 4:2:0, its sides cut to even numbers."""
    import cv2

    height, width = (side // 2 * 2 for side in bgr.shape[:2])
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(bgr[:height, :width]), cv2.COLOR_BGR2YUV_I420), np.uint8)


class V4lCamera:
    """The camera a finder finds. `open_capture` and `wall` are given by tests."""

    def __init__(
        self,
        finder: CameraFinder,
        open_capture: Callable[[str, CameraMode], Capture] = open_v4l,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._finder = finder
        self._open_capture = open_capture
        self._wall = wall
        self._worker: Worker | None = None

    def presence(self) -> DeviceState:
        """Whether it is plugged in and is a camera."""
        return presence_of(self._finder.find)

    def open(self, mode: CameraMode, on_frame: OnFrame, on_fault: OnFault) -> None:
        """Start; the pictures have the size the camera gives, the nearest to what was asked."""
        if self._worker is not None:
            raise DeviceFailed("the camera is open already")
        capture = self._open_capture(str(self._finder.find()), mode)
        self._worker = Worker("camera", lambda stopping: self._run(capture, stopping, on_frame, on_fault))
        self._worker.start()

    def close(self) -> None:
        """Stop, and wait for the picture that is on its way (2 s at most, when the camera is stuck)."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()

    def _run(self, capture: Capture, stopping: threading.Event, on_frame: OnFrame, on_fault: OnFault) -> None:
        try:
            while not stopping.is_set():
                taken, bgr = capture.read()
                captured = self._wall()
                if stopping.is_set():
                    return
                if not taken:
                    on_fault("stalled" if self.presence() == "ok" else "unplugged")
                    return
                i420 = to_i420(bgr)
                on_frame(Frame(i420, i420.shape[1], i420.shape[0] * 2 // 3, captured))
        finally:
            capture.release()
