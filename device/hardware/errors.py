"""The error tree of the hardware; drawn in `device/hardware/__init__.py`."""

from __future__ import annotations

from device.runtime.errors import StationError


class HardwareError(StationError):
    """The hardware, or the choice of it, cannot do what was asked."""


class DeviceMissing(HardwareError):
    """The device is not there."""


class DeviceFailed(HardwareError):
    """The device is there and does not work."""
