"""The choice of a backend, by its name in the station's config."""

from __future__ import annotations

import importlib

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
    """The hardware of the backend that `config.station.hardware` names (`load_config` has put $STATION_HARDWARE there).

    Opens no device. HardwareError if there is no such backend, or if one of its settings cannot be understood.
    """
    name = config.station.hardware
    if name not in BACKENDS:
        raise HardwareError(f"there is no hardware {name!r}; there are {', '.join(BACKENDS)}")
    hardware: Hardware = importlib.import_module(BACKENDS[name]).make(config)
    return hardware
