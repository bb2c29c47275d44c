"""Which camera: found by its identity, opened by a path that names it, never by its number, which changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from device.hardware.errors import DeviceFailed, DeviceMissing, HardwareError
from device.hardware.linux.usb import UsbDevice, UsbId, devices

_FIRST = "-video-index0"  # a camera's other nodes carry metadata
_NUMBER = re.compile(r"/dev/video\d+|\d+")


class CameraFinder:
    """Finds the camera that the config names.

    `wanted` is a path under /dev/v4l, a USB id (vendor:product[:serial]), or empty for the only USB camera. `dev` and
    `sys` are the roots of the device files and of sysfs, `usb` lists the bus.
    """

    def __init__(
        self,
        wanted: str = "",
        dev: Path = Path("/dev"),
        sys: Path = Path("/sys"),
        usb: Callable[[], list[UsbDevice]] = devices,
    ) -> None:
        if _NUMBER.fullmatch(wanted):
            raise HardwareError(
                f"[linux] camera = {wanted!r}: numbers change at every boot. Name vendor:product[:serial]"
            )
        self._path = Path(wanted) if wanted.startswith("/") else None
        self._id = UsbId.parse(wanted) if wanted and self._path is None else None
        self._by_id = dev / "v4l/by-id"
        self._sys = sys
        self._usb = usb

    def find(self) -> Path:
        """The path to open; DeviceMissing if it is not there, DeviceFailed if it is plugged in but has no video."""
        if self._path is not None:
            if not self._path.exists():
                raise DeviceMissing(f"there is no camera at {self._path}")
            return self._path
        if self._id is not None:
            return self._by_usb(self._id)
        cameras = self._cameras()
        if not cameras:
            raise DeviceMissing("there is no USB camera")
        if len(cameras) > 1:
            names = ", ".join(path.name for path in cameras)
            raise DeviceMissing(f"there are several cameras, and [linux] camera names none: {names}")
        return cameras[0]

    def _by_usb(self, wanted: UsbId) -> Path:
        plugged = [device for device in self._usb() if device.is_a(wanted)]
        if not plugged:
            raise DeviceMissing(f"the camera {wanted} is not plugged in")
        for path in self._cameras():
            node = (self._sys / "class/video4linux" / path.resolve().name / "device").resolve()
            if any(device.port in node.parts for device in plugged):
                return path
        raise DeviceFailed(f"{wanted} is plugged in and is no camera to the kernel")

    def _cameras(self) -> list[Path]:
        return sorted(path for path in self._by_id.glob("*" + _FIRST) if path.exists())
