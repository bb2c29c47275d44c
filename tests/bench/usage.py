"""What processes cost: processor time and proportional memory, read from /proc."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil


def family(pid: int) -> list[psutil.Process]:
    """A process and all its descendants."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def pss_mb(processes: Iterable[psutil.Process]) -> float:
    """Proportional set size in MiB: shared pages are counted in proportion. Source: proc_pid_smaps(5)."""
    return memory_mb(processes)["Pss"]


def memory_mb(processes: Iterable[psutil.Process]) -> dict[str, float]:
    """All that the kernel tells of their memory, in MiB, by its names. Source: proc_pid_smaps(5).

    `Anonymous` is what they have allocated: unlike the others it does not change with who else runs the same program.
    """
    total: dict[str, float] = {}
    for process in processes:
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        for line in rollup.splitlines()[1:]:
            name, size, _ = line.split()
            total[name[:-1]] = total.get(name[:-1], 0.0) + int(size) / 1024
    return total


@dataclass
class Meter:
    """Processor time of some processes since it was made."""

    processes: list[psutil.Process]

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._at_start = self._spent()

    def percent(self) -> float:
        """Of one core, since the start."""
        return 100 * (self._spent() - self._at_start) / (time.monotonic() - self._began)

    def _spent(self) -> float:
        times = (process.cpu_times() for process in self.processes if process.is_running())
        return sum(spent.user + spent.system for spent in times)
