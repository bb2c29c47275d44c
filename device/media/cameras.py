"""The station's cameras as one, of which one at a time is open: the room's, and perhaps one that a nurse holds."""

from __future__ import annotations

import logging
from typing import Literal

from device.hardware.errors import DeviceMissing, HardwareError
from device.hardware.ports import STILL_S, Camera, CameraMode, Crop, Frame, OnFault, OnFrame
from messaging.call import DeviceState

_log = logging.getLogger(__name__)

Which = Literal["room", "examination"]


class Cameras:
    """Which of them `open` opens is said by `choose`, and holds until `close`: the room's is the one that comes back.

    So whatever becomes of the second camera (pulled out, frozen, the call over), what is opened next shows the room.
    `open`, `close`, `capture_still` and `there` wait, as those of a camera do.
    """

    def __init__(self, room: Camera, examination: Camera | None) -> None:
        self._cameras: dict[Which, Camera] = {"room": room}
        if examination is not None:
            self._cameras["examination"] = examination
        self._in_use: Camera | None = None
        self.which: Which = "room"

    def there(self) -> tuple[Which, ...]:
        """Those that are plugged in; asking opens none."""
        return tuple(which for which, camera in self._cameras.items() if camera.presence() != "missing")

    def presence(self) -> DeviceState:
        """Of the one that `open` would open."""
        return self._cameras[self.which].presence()

    def choose(self, which: Which) -> None:
        """What `open` is to open; DeviceMissing if the station has no such camera. Only while none is open."""
        if which not in self._cameras:
            raise DeviceMissing(f"this station has no {which} camera")
        self.which = which

    def open(self, mode: CameraMode, on_frame: OnFrame, on_fault: OnFault) -> None:
        """Open the chosen one, or the room's when the second does not open; HardwareError if that does not either."""
        if self.which == "examination":
            try:
                self._open(mode, on_frame, on_fault)
            except HardwareError as error:
                _log.warning("the second camera does not open, the room's is used: %s", error)
                self.which = "room"
            else:
                return
        self._open(mode, on_frame, on_fault)

    def zoom(self, crop: Crop) -> None:
        """As Camera.zoom, of the open one."""
        if (camera := self._in_use) is not None:
            camera.zoom(crop)

    def capture_still(self, timeout_s: float = STILL_S) -> Frame:
        """As Camera.capture_still, of the chosen one."""
        return self._cameras[self.which].capture_still(timeout_s)

    def close(self) -> None:
        """Close the open one."""
        camera, self._in_use, self.which = self._in_use, None, "room"
        if camera is not None:
            camera.close()

    def _open(self, mode: CameraMode, on_frame: OnFrame, on_fault: OnFault) -> None:
        camera = self._cameras[self.which]
        camera.open(mode, on_frame, on_fault)
        self._in_use = camera
