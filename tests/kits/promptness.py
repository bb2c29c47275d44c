"""Whether something was quick, told apart from how much else this machine has to do.

A promise to people ("told within five seconds") is one of a machine that has the time for it. Where processes wait for
a core, the wall clock also tells of what they wait for; the kernel knows for how long they did (PSI, kernel.org's
Documentation/accounting/psi.rst), and a hypervisor how long it gave its cores to others.
"""

from __future__ import annotations

import math
import os
import re
import time
from pathlib import Path

import psutil

_PRESSURE = Path("/proc/pressure/cpu")
_SOME = re.compile(r"^some .*total=(\d+)$", re.MULTILINE)


def crowded() -> bool:
    """Whether the machine has more to do than it has cores: the wall clock then tells of the others' work."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def waited_s() -> float:
    """For how many seconds since its boot somebody on this machine has waited for a core, or a core was taken away.

    NaN on a kernel that does not keep it.
    """
    try:
        found = _SOME.search(_PRESSURE.read_text())
    except OSError:
        found = None
    return int(found[1]) / 1e6 + getattr(psutil.cpu_times(), "steal", 0.0) if found else math.nan


class Stopwatch:
    """Runs from its making."""

    def __init__(self) -> None:
        self._began, self._waited = time.monotonic(), waited_s()

    @property
    def taken_s(self) -> float:
        """By the wall clock."""
        return time.monotonic() - self._began

    @property
    def waited_s(self) -> float:
        """For how much of it somebody waited for a core; where the kernel does not tell, the load decides on all."""
        waited = waited_s() - self._waited
        return self.taken_s * crowded() if math.isnan(waited) else waited

    @property
    def served_s(self) -> float:
        """The rest: in which nobody waited."""
        return max(0.0, self.taken_s - self.waited_s)

    def within(self, limit_s: float, *, pid: int | None = None, work_s: float = 0.0) -> bool:
        """Whether it came in time, not counting the time in which somebody waited for a core.

        Where that is left out, a process `pid` that began with the watch has used less than `work_s` of processor time
        as well: what it waits for must not be its own work.
        """
        if self.taken_s < limit_s:
            return True
        if self.served_s >= limit_s:
            return False
        if pid is None:
            return True
        used = psutil.Process(pid).cpu_times()
        return used.user + used.system < work_s

    def __str__(self) -> str:
        return f"{self.taken_s:.2f} s (for {self.waited_s:.2f} s of it somebody waited for a core)"
