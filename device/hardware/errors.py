"""The error tree of the hardware, drawn in `device/hardware/__init__.py`, and how a backend keeps to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from device.runtime.errors import StationError
from messaging.call import DeviceState


class HardwareError(StationError):
    """The hardware, or the choice of it, cannot do what was asked."""


class DeviceMissing(HardwareError):
    """The device is not there."""


class DeviceFailed(HardwareError):
    """The device is there and does not work."""


@contextmanager
def wrapping(what: str) -> Iterator[None]:
    """Turns whatever a vendor's library raises inside into `DeviceFailed("<what>: ...")`, the original as its cause."""
    try:
        yield
    except HardwareError:
        raise
    except Exception as error:
        raise DeviceFailed(f"{what}: {str(error) or type(error).__name__}") from error


def presence_of(find: Callable[[], object]) -> DeviceState:
    """The state of a device that `find` looks for: `missing` or `fault` by the HardwareError it raises, else `ok`."""
    try:
        find()
    except DeviceMissing:
        return "missing"
    except HardwareError:
        return "fault"
    return "ok"
