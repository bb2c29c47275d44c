"""The error tree of station-call; drawn in `device/call/__init__.py`."""

from __future__ import annotations

from device.runtime.errors import StationError


class CallError(StationError):
    """station-call cannot go on."""


class DevicesStuck(CallError):
    """Camera or microphone will not close."""


class IdentityReplaced(CallError):
    """This station has been enrolled as another one."""
