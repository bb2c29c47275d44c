"""A camera that sees a scene or a video file; it can be unplugged, frozen, broken, covered and left in the dark."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from device.hardware.errors import DeviceFailed, DeviceMissing, HardwareError
from device.hardware.ports import STILL_S, CameraMode, Crop, Frame, OnFault, OnFrame
from device.hardware.sim.device import SimDevice
from device.hardware.sim.files import VideoLoop
from device.hardware.sim.lens import Lens, through
from device.hardware.sim.scene import LEAST_HEIGHT, LEAST_WIDTH, Scene
from device.hardware.sim.scenes import SCENES
from device.hardware.still import StillDesk

FULL = CameraMode(2592, 1944, 15)  # the sensor of a common camera for a Pi
SLOW_S = 1.5  # a USB camera that has just been plugged in takes about so long to open
Painter = Callable[[float], NDArray[np.uint8]]


class SimCamera(SimDevice):
    """`source` is one of `SCENES` or the path of a video file."""

    def __init__(
        self,
        source: str = "scene",
        wall: Callable[[], float] = time.time,
        name: str = "camera",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(name)
        self._source = source
        self._wall = wall
        self._sleep = sleep
        self._scenes: dict[tuple[int, int], Scene] = {}
        self._frozen = False
        self._stalled = False
        self._slow = False
        self._lens: Lens = "clear"
        self._video: VideoLoop | None = None
        self._stills: StillDesk | None = None

    def prepare(self, mode: CameraMode) -> None:
        """Paint the still part of the scene ahead of time, so that opening is quick; HardwareError for a bad size."""
        size = (mode.width, mode.height)
        if mode.width % 2 or mode.height % 2 or mode.width < LEAST_WIDTH or mode.height < LEAST_HEIGHT:
            least = f"{LEAST_WIDTH}x{LEAST_HEIGHT}"
            raise HardwareError(f"[media] {mode.width}x{mode.height}: both must be even, and at least {least}")
        if self._source in SCENES and size not in self._scenes:
            self._scenes[size] = SCENES[self._source](*size)

    def modes(self) -> tuple[CameraMode, ...]:
        """The full sensor, and the usual sizes; it gives any other as well."""
        if self.presence() == "missing":
            raise DeviceMissing(f"the simulated {self._name} is unplugged")
        return (FULL, CameraMode(1920, 1080, 30), CameraMode(1280, 720, 60), CameraMode(640, 480, 60))

    def open(self, mode: CameraMode, on_frame: OnFrame, on_fault: OnFault) -> None:
        """Deliver pictures of exactly that size and rate from a thread."""
        self._check()
        if self._slow:
            self._sleep(SLOW_S)
        self._stalled = False
        paint = self._painter(mode)
        stills = self._stills = StillDesk()

        def deliver() -> None:
            if not (self._frozen or self._stalled):
                stills.serve(self._still)
                captured = self._wall()
                on_frame(Frame(through(self._lens, paint(captured)), mode.width, mode.height, captured))

        self._start(1 / mode.fps, deliver, on_fault)

    def zoom(self, crop: Crop) -> None:
        """Not by this one: the part is cut out of its pictures."""

    def capture_still(self, timeout_s: float = STILL_S) -> Frame:
        """A scene on the full sensor; a video file in its own size."""
        stills = self._stills
        if stills is None:
            raise DeviceFailed(f"the simulated {self._name} is not open")
        if self._source in SCENES:
            self.prepare(FULL)
        return stills.ask(timeout_s)

    def close(self) -> None:
        """Stop."""
        super().close()
        stills, self._stills = self._stills, None
        if stills is not None:
            stills.shut()
        video, self._video = self._video, None
        if video is not None:
            video.close()

    def plug(self) -> None:
        """Plug in one that works, at once: it is neither frozen nor slow."""
        self._frozen = self._stalled = self._slow = False
        super().plug()

    def plug_slowly(self) -> None:
        """Plug in one that takes its time to open, as one on USB does."""
        self.plug()
        self._slow = True

    def freeze(self) -> None:
        """It delivers nothing more and does not say so, however often it is opened."""
        self._frozen = True

    def thaw(self) -> None:
        """It delivers again."""
        self._frozen = False

    def stall(self) -> None:
        """It delivers nothing more and does not say so, until it is opened anew."""
        self._stalled = True

    def before_lens(self, lens: Lens) -> None:
        """Clear the view, make it night, or cover the lens."""
        self._lens = lens

    def _still(self) -> Frame:
        captured = self._wall()
        if self._video is not None:
            picture = self._video.whole()
        else:
            picture = self._scenes[FULL.width, FULL.height].paint(captured)
        picture = through(self._lens, picture)
        return Frame(picture, picture.shape[1], picture.shape[0] * 2 // 3, captured)

    def _painter(self, mode: CameraMode) -> Painter:
        self.prepare(mode)
        if self._source not in SCENES:
            self._video = VideoLoop(self._source, mode.width, mode.height)
            return self._video.at
        return self._scenes[mode.width, mode.height].paint
