"""Main memory. Source: proc_meminfo(5)."""

from __future__ import annotations

import re
from pathlib import Path

from device.health import read


def memory(root: Path = read.MACHINE) -> tuple[int | None, int | None]:
    """(available, total) MiB."""
    content = read.text(root / "proc/meminfo") or ""
    return _row(content, "MemAvailable"), _row(content, "MemTotal")


def _row(content: str, name: str) -> int | None:
    found = re.search(rf"^{name}:\s+(\d{{1,15}}) kB$", content, re.MULTILINE | re.ASCII)
    return int(found[1]) // 1024 if found else None
