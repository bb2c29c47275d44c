"""Whether a process was quick, told apart from how much else this machine has to do."""

from __future__ import annotations

import os

import psutil


def crowded() -> bool:
    """Whether the machine has more to do than it has cores: the wall clock then tells of the others' work."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def prompt(taken_s: float, within_s: float, pid: int, work_s: float) -> bool:
    """Whether it came in time; where the machine is crowded, whether it took no more than this CPU time of its own."""
    used = psutil.Process(pid).cpu_times()
    return taken_s < within_s or (crowded() and used.user + used.system < work_s)
