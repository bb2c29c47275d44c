"""A camera that sees a scene or a video file, and that can be unplugged, frozen and broken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from device.hardware.errors import DeviceFailed, DeviceMissing
from device.hardware.pace import PacedThread
from device.hardware.ports import CameraMode, Frame, OnFault, OnFrame
from device.hardware.sim.files import VideoLoop
from device.hardware.sim.scene import Scene
from messaging.call import DeviceState

Painter = Callable[[float], NDArray[np.uint8]]


class SimCamera:
    """`source` is `scene` or the path of a video file."""

    def __init__(self, source: str = "scene", wall: Callable[[], float] = time.time) -> None:
        self._source = source
        self._wall = wall
        self._lock = threading.Lock()
        self._scenes: dict[tuple[int, int], Scene] = {}
        self._state: DeviceState = "ok"
        self._frozen = False
        self._thread: PacedThread | None = None
        self._video: VideoLoop | None = None
        self._on_fault: OnFault | None = None

    def prepare(self, mode: CameraMode) -> None:
        """Paint the still part of the scene ahead of time, so that opening is quick."""
        size = (mode.width, mode.height)
        if self._source == "scene" and size not in self._scenes:
            self._scenes[size] = Scene(*size)

    def presence(self) -> DeviceState:
        """As the knobs have it."""
        return self._state

    @property
    def is_open(self) -> bool:
        """Whether it delivers pictures: its own light would be on."""
        return self._thread is not None

    def open(self, mode: CameraMode, on_frame: OnFrame, on_fault: OnFault) -> None:
        """Deliver pictures of exactly that size and rate from a thread."""
        if self._thread is not None:
            raise DeviceFailed("the simulated camera is open already")
        if self._state == "missing":
            raise DeviceMissing("the simulated camera is unplugged")
        if self._state == "fault":
            raise DeviceFailed("the simulated camera is broken")
        paint = self._painter(mode)

        def deliver() -> None:
            if not self._frozen:
                captured = self._wall()
                on_frame(Frame(paint(captured), mode.width, mode.height, captured))

        self._on_fault = on_fault
        self._thread = PacedThread("sim-camera", 1 / mode.fps, deliver)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        with self._lock:
            thread, self._thread, self._on_fault = self._thread, None, None
        if thread is not None:
            thread.stop()
        if self._video is not None:
            self._video.close()
            self._video = None

    def unplug(self) -> None:
        """Pull its plug; in use, it says so."""
        self._state = "missing"
        self._fail("unplugged")

    def plug(self) -> None:
        """Plug it in again, and mend and thaw it: as new."""
        self._state = "ok"
        self._frozen = False

    def stop_working(self) -> None:
        """It is there and cannot be opened; in use, it says so."""
        self._state = "fault"
        self._fail("failed")

    def freeze(self) -> None:
        """It delivers nothing more and does not say so."""
        self._frozen = True

    def _fail(self, word: str) -> None:
        with self._lock:
            thread, on_fault = self._thread, self._on_fault
        if thread is not None and on_fault is not None:
            thread.stop()
            on_fault(word)

    def _painter(self, mode: CameraMode) -> Painter:
        if self._source != "scene":
            self._video = VideoLoop(self._source, mode.width, mode.height)
            return self._video.at
        self.prepare(mode)
        return self._scenes[mode.width, mode.height].paint
