"""How long the machine has been up, and which run of it this is. Source: proc_uptime(5), random(4)."""

from __future__ import annotations

import re
from pathlib import Path

from device.health import read

_BOOT_ID = "proc/sys/kernel/random/boot_id"


def uptime(root: Path = read.MACHINE) -> float | None:
    """Seconds since the machine started."""
    found = re.match(r"(\d{1,10}(?:\.\d{1,2})?) ", read.text(root / "proc/uptime") or "", re.ASCII)
    return float(found[1]) if found else None


def boot_id(root: Path = read.MACHINE) -> str:
    """The kernel's name for this run of the machine, another one each time it starts; '' without one."""
    return (read.text(root / _BOOT_ID) or "").strip()[:64]
