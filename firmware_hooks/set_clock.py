"""Set the machine's clock as station-agent asks, who has the region's signed word for it and may not set it himself.

Runs as the station's user with the one right that it takes (CAP_SYS_TIME), started by `laegeknap-clock.path` when the
request is there. A request counts in the boot and for the minutes it was made in, and for no time that cannot be.

    <boot id> <Unix seconds> <seconds of CLOCK_MONOTONIC at which it was so>
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from firmware_hooks.machine import Machine
from firmware_hooks.outcome import Finding

WANTED = (
    "clock-wanted"  # in the runtime directory, as device.agent.region_clock has it; these hooks import nothing of it
)
EARLIEST = 1_790_000_000.0  # 2026-09-21, device.health.clock.RELEASED: no clock that is right is before it
LATEST = 4_102_444_800.0  # the year 2100
OLDEST_S = 600.0
_MOST_BYTES = 128
_REQUEST = re.compile(r"([0-9a-f-]{1,64}) (\d{1,12}\.\d{3}) (\d{1,12}\.\d{3})\n", re.ASCII)


def check(machine: Machine) -> tuple[Finding, ...]:
    """Take the request away, and do as it says if it counts."""
    try:
        request = _take(machine.runtime_dir / WANTED)
    except OSError:
        return (Finding("set_clock", "degraded", "unreadable"),)
    if request is None:
        return (Finding("set_clock", "ok", "none"),)
    found = _REQUEST.fullmatch(request)
    if found is None:
        return (Finding("set_clock", "degraded", "malformed"),)
    age = machine.monotonic() - float(found[3])
    if found[1] != (machine.boot_id() or "-") or not 0 <= age <= OLDEST_S:
        return (Finding("set_clock", "degraded", "stale"),)
    wanted = float(found[2]) + age
    if not EARLIEST <= wanted < LATEST:
        return (Finding("set_clock", "degraded", "impossible"),)
    try:
        machine.set_wall(wanted)
    except OSError:
        return (Finding("set_clock", "failed", "not_permitted"),)
    return (Finding("set_clock", "ok", "set"),)


def _take(path: Path) -> str | None:
    """What the request says; None if there is none. It is gone then, whatever it says: it is the next that counts."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError:
        path.unlink()
        raise
    with os.fdopen(handle, "rb") as file:
        path.unlink()
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("not a file")
        return file.read(_MOST_BYTES).decode("ascii", errors="replace")
