"""The processor's temperature. Source: the kernel's thermal zones (sysfs-class-thermal); else the Pi's firmware."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from device.health import read

_CPU = re.compile(r"cpu|soc|pkg", re.IGNORECASE)
_FIRMWARE = re.compile(r"temp=(-?\d{1,3}(?:\.\d)?)'C")
_FIRMWARE_WITHIN_S = 2.0  # vcgencmd can hang with the firmware
_PLAUSIBLE = (-60.0, 200.0)


def temperature(root: Path = read.MACHINE, vcgencmd: str = "vcgencmd") -> float | None:
    """Degrees Celsius of the processor, or of the hottest zone where none is the processor's."""
    zones = [(zone, _zone(zone)) for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*"))]
    known = [(zone, degrees) for zone, degrees in zones if degrees is not None]
    of_cpu = [degrees for zone, degrees in known if _CPU.search(read.text(zone / "type") or "")]
    if known:
        return of_cpu[0] if of_cpu else max(degrees for _, degrees in known)
    return _from_firmware(vcgencmd)


def _zone(zone: Path) -> float | None:
    millidegrees = read.number(zone / "temp")
    return None if millidegrees is None else _plausible(millidegrees / 1000)


def _from_firmware(vcgencmd: str) -> float | None:
    try:
        done = subprocess.run(
            [vcgencmd, "measure_temp"], capture_output=True, text=True, timeout=_FIRMWARE_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _FIRMWARE.search(done.stdout)
    return _plausible(float(found[1])) if found else None


def _plausible(degrees: float) -> float | None:
    return round(degrees, 1) if _PLAUSIBLE[0] <= degrees <= _PLAUSIBLE[1] else None
