"""The clinician looks closer: a part of the picture, the other camera, one still. docs/decisions/0019.

None of it opens a camera that is shut: it changes which part is shown, and which of the cameras is the open one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.hardware.errors import HardwareError
from device.hardware.ports import WHOLE, Crop
from device.media.cameras import Cameras, Which
from device.media.devices import DeviceSet
from device.media.errors import CodecFailed, NoStill
from device.media.viewing.jpeg import as_jpeg
from device.media.viewing.lens import LensState
from device.media.viewing.room import RoomView
from messaging.clock import Clock
from messaging.local import Looking
from messaging.settings import CameraPolicy

MOST_BYTES = 12_000_000  # of a still: what a browser is asked to hold, and a thin line to carry
SHOWN_S = 3.0  # the resident's screen says for at least so long that a still is taken


@dataclass(frozen=True)
class Still:
    """One picture of the whole sensor as JPEG. In memory only; `wipe` when it is not needed any more."""

    data: NDArray[np.uint8]
    width: int
    height: int

    def wipe(self) -> None:
        """Overwrite the picture."""
        self.data.fill(0)


@dataclass(frozen=True)
class Seeing:
    """What the clinician's page is told of the picture it gets; `crop` in shares of all that the camera sees."""

    crop: Crop
    by_hand: bool
    following: bool
    lens: LensState
    brightened: bool
    camera: Which
    cameras: tuple[Which, ...]
    zoom: bool = True  # the clinician may look closer
    still: bool = True  # and may ask for stills


class Closer:
    """On the loop only. `on_change` is called when what the resident's screen says of it may have changed."""

    def __init__(
        self, cameras: Cameras, view: RoomView, devices: DeviceSet, clock: Clock, on_change: Callable[[], None]
    ) -> None:
        self._cameras = cameras
        self._view = view
        self._devices = devices
        self._clock = clock
        self._on_change = on_change
        self._there: tuple[Which, ...] = ()
        self._open = False
        self._framing = True
        self._policy = CameraPolicy()
        self._taking = False
        self._still_until = 0.0
        self._switching = asyncio.Lock()

    def begin(self) -> None:
        """The camera is about to open, for a call: what was chosen in the last one is forgotten."""
        self._open = True
        self._view.start()
        self._view.follow(self._framing)

    def opened(self) -> None:
        """A camera has been opened, in whatever thread: another one than before begins with all that it sees."""
        near = self._cameras.which == "examination"
        if near != self._view.near:
            self._view.aim(near=near)
        elif self._view.view.by_hand:
            self._cameras.zoom(self._view.view.crop)

    def end(self) -> None:
        """The camera has closed."""
        self._open, self._still_until = False, 0.0
        self._view.stop()

    def set_framing(self, on: bool) -> None:
        """Whether people are framed when a call begins, and from now on in one that runs."""
        if on != self._framing:
            self._framing = on
            self._view.follow(on)

    def set_policy(self, policy: CameraPolicy) -> None:
        """What cameras may do here. It is kept at the station, whatever the page asks for."""
        self._policy = policy

    def look(self, crop: Crop) -> None:
        """Show this part, whoever moves; nothing happens where nobody may look closer."""
        if self._open and self._policy.zoom:
            self._view.choose(crop)
            self._cameras.zoom(crop.inside())
            self._on_change()

    def follow(self, on: bool) -> None:
        """Frame people, or show everything; ends what `look` chose."""
        if self._open:
            self._cameras.zoom(WHOLE)
            self._view.follow(on)
            self._on_change()

    async def use(self, which: Which) -> None:
        """Shut the open camera and open this one. Nothing happens while none is open, or if this one is not there."""
        async with self._switching:
            await self.find_cameras()
            if not self._open or which == self._cameras.which or which not in self._there:
                return
            with self._devices.camera_pauses():
                await self._devices.exchange("camera", lambda: self._cameras.choose(which))
        self._on_change()

    async def find_cameras(self) -> None:
        """Look which cameras are plugged in, of those that may be used."""
        there = await asyncio.to_thread(self._cameras.there)
        self._there = tuple(which for which in there if which == "room" or self._policy.examination)

    async def still(self) -> Still:
        """One picture of the open camera at its full resolution; NoStill, whose code says why not."""
        if self._taking:
            raise NoStill("busy")
        if not self._open:
            raise NoStill("closed")
        if not self._policy.still:
            raise NoStill("not_allowed")
        self._taking, self._still_until = True, self._clock.monotonic() + SHOWN_S
        self._on_change()  # said before it is taken
        try:
            with self._devices.camera_pauses():
                return await asyncio.to_thread(self._take)
        finally:
            self._taking = False
            self._on_change()

    def seeing(self) -> Seeing:
        """As it is now."""
        view = self._view.view
        return Seeing(
            view.crop, view.by_hand, view.framing, view.lens, view.brightened, self._cameras.which, self._there,
            self._policy.zoom, self._policy.still,
        )  # fmt: skip

    @property
    def looking(self) -> Looking:
        """What the resident's screen says of it."""
        if not self._open:
            return ""
        if self._taking or self._clock.monotonic() < self._still_until:
            return "still"
        if self._cameras.which == "examination":
            return "examination"
        view = self._view.view
        return "closer" if view.by_hand and view.crop != WHOLE else ""

    @property
    def lens(self) -> LensState:
        """What of the open camera's lens."""
        return self._view.view.lens

    def _take(self) -> Still:
        try:
            frame = self._cameras.capture_still()
            jpeg = as_jpeg(frame)
        except HardwareError as error:
            raise NoStill("no_camera") from error
        except CodecFailed as error:
            raise NoStill("failed") from error
        if len(jpeg) > MOST_BYTES:
            raise NoStill("too_large")
        return Still(jpeg, frame.width, frame.height)
