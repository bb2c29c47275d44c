"""A camera that sees a scene or a video file, and that can be unplugged, frozen and broken."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from device.hardware.errors import HardwareError
from device.hardware.ports import CameraMode, Frame, OnFault, OnFrame
from device.hardware.sim.device import SimDevice
from device.hardware.sim.files import VideoLoop
from device.hardware.sim.scene import LEAST_HEIGHT, LEAST_WIDTH, Scene

Painter = Callable[[float], NDArray[np.uint8]]


class SimCamera(SimDevice):
    """`source` is `scene` or the path of a video file."""

    def __init__(self, source: str = "scene", wall: Callable[[], float] = time.time) -> None:
        super().__init__("camera")
        self._source = source
        self._wall = wall
        self._scenes: dict[tuple[int, int], Scene] = {}
        self._frozen = False
        self._video: VideoLoop | None = None

    def prepare(self, mode: CameraMode) -> None:
        """Paint the still part of the scene ahead of time, so that opening is quick; HardwareError for a bad size."""
        size = (mode.width, mode.height)
        if mode.width % 2 or mode.height % 2 or mode.width < LEAST_WIDTH or mode.height < LEAST_HEIGHT:
            least = f"{LEAST_WIDTH}x{LEAST_HEIGHT}"
            raise HardwareError(f"[media] {mode.width}x{mode.height}: both must be even, and at least {least}")
        if self._source == "scene" and size not in self._scenes:
            self._scenes[size] = Scene(*size)

    def open(self, mode: CameraMode, on_frame: OnFrame, on_fault: OnFault) -> None:
        """Deliver pictures of exactly that size and rate from a thread."""
        self._check()
        paint = self._painter(mode)

        def deliver() -> None:
            if not self._frozen:
                captured = self._wall()
                on_frame(Frame(paint(captured), mode.width, mode.height, captured))

        self._start(1 / mode.fps, deliver, on_fault)

    def close(self) -> None:
        """Stop."""
        super().close()
        video, self._video = self._video, None
        if video is not None:
            video.close()

    def plug(self) -> None:
        """Plug in one that works, and is not frozen."""
        super().plug()
        self._frozen = False

    def freeze(self) -> None:
        """It delivers nothing more and does not say so."""
        self._frozen = True

    def _painter(self, mode: CameraMode) -> Painter:
        self.prepare(mode)
        if self._source != "scene":
            self._video = VideoLoop(self._source, mode.width, mode.height)
            return self._video.at
        return self._scenes[mode.width, mode.height].paint
