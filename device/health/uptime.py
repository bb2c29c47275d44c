"""How long the machine has been up. Source: proc_uptime(5)."""

from __future__ import annotations

import re
from pathlib import Path

from device.health import read


def uptime(root: Path = read.MACHINE) -> float | None:
    """Seconds since the machine started."""
    found = re.match(r"(\d{1,10}(?:\.\d{1,2})?) ", read.text(root / "proc/uptime") or "", re.ASCII)
    return float(found[1]) if found else None
