"""Room on the disk that holds the station's state."""

from __future__ import annotations

import os
from pathlib import Path

_MIB = 1024 * 1024


def disk(directory: Path) -> tuple[int | None, int | None]:
    """(free, total) MiB of the file system below `directory`; what only root may use is not free."""
    try:
        status = os.statvfs(directory)
    except OSError:
        return None, None
    return status.f_bavail * status.f_frsize // _MIB, status.f_blocks * status.f_frsize // _MIB
