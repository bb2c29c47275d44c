"""The choice of a backend, by its name in the station's config."""

from __future__ import annotations

import importlib
import os

from device.hardware.errors import HardwareError
from device.hardware.ports import Hardware
from device.runtime.config import StationConfig

# Named, not imported: a backend's libraries are loaded only where the backend is chosen.
BACKENDS = {
    "sim": "device.hardware.sim.station",
    "linux": "device.hardware.linux.station",
    "rpi": "device.hardware.rpi.station",
}


def make_hardware(config: StationConfig) -> Hardware:
    """The hardware of the backend that $STATION_HARDWARE, else `config.station.hardware`, names. Opens no device.

    HardwareError if there is no such backend, or if one of its settings cannot be understood.
    """
    name = os.environ.get("STATION_HARDWARE") or config.station.hardware
    if name not in BACKENDS:
        raise HardwareError(f"there is no hardware {name!r}; there are {', '.join(BACKENDS)}")
    hardware: Hardware = importlib.import_module(BACKENDS[name]).make(config)
    return hardware
