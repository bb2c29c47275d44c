"""Which camera: found by its identity, opened by a path that names it, never by its number, which changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from device.hardware.errors import DeviceFailed, DeviceMissing, HardwareError
from device.hardware.linux.usb import UsbDevice, UsbId, devices

_FIRST = "-video-index0"  # a camera's other nodes carry metadata
_INTERFACE = re.compile(r"\d+-[\d.]+:\d+\.\d+")  # of USB in sysfs, e.g. 1-1.2:1.0
_NUMBER = re.compile(r"/dev/video\d+|\d+")


class CameraFinder:
    """Finds the camera that the config names.

    `wanted` is a path under /dev/v4l, a USB id (vendor:product[:serial][@port]), or empty for the only USB camera that
    is not `other`'s. `dev` and `sys` are the roots of the device files and of sysfs, `usb` lists the bus. `key` is what
    the config calls this camera.
    """

    def __init__(
        self,
        wanted: str = "",
        dev: Path = Path("/dev"),
        sys: Path = Path("/sys"),
        usb: Callable[[], list[UsbDevice]] = devices,
        key: str = "camera",
        other: CameraFinder | None = None,
    ) -> None:
        if _NUMBER.fullmatch(wanted):
            raise HardwareError(
                f"[linux] {key} = {wanted!r}: numbers change at every boot. Name vendor:product[:serial]"
            )
        self._key = key
        self._other = other
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
        cameras = self._unclaimed()
        if not cameras:
            raise DeviceMissing("there is no USB camera")
        if len(cameras) > 1:
            names = ", ".join(path.name for path in cameras)
            raise DeviceMissing(f"there are several cameras, and [linux] {self._key} names none: {names}")
        return cameras[0]

    def cameras(self) -> list[tuple[Path, str]]:
        """Every USB camera: its path, and the port it is plugged into ("" if the kernel does not tell)."""
        return [(path, self._port(path)) for path in self._cameras()]

    def _unclaimed(self) -> list[Path]:
        cameras = self._cameras()
        if self._other is None:
            return cameras
        try:
            theirs = self._other.find().resolve()
        except HardwareError:
            return cameras  # it is not there, so none of these is it
        return [path for path in cameras if path.resolve() != theirs]

    def _port(self, path: Path) -> str:
        node = (self._sys / "class/video4linux" / path.resolve().name / "device").resolve()
        interfaces = [part for part in node.parts if ":" in part and _INTERFACE.fullmatch(part)]
        return interfaces[-1].partition(":")[0] if interfaces else ""

    def _by_usb(self, wanted: UsbId) -> Path:
        plugged = [device for device in self._usb() if device.is_a(wanted)]
        if not plugged:
            raise DeviceMissing(f"the camera {wanted} is not plugged in")
        ports = {device.port for device in plugged}
        for path in self._cameras():
            if self._port(path) in ports:
                return path
        raise DeviceFailed(f"{wanted} is plugged in and is no camera to the kernel")

    def _cameras(self) -> list[Path]:
        return sorted(path for path in self._by_id.glob("*" + _FIRST) if path.exists())
