"""How far the wall clock can be trusted: a Pi boots without a clock of its own.

`ntp`    a time server has set it since the machine started
`floor`  nobody has, but it is not before a moment that is certainly past
`unset`  it is before that moment: wrong for certain

The moment is the newest of: this software's release, the time saved when the clock was last good, and the start of the
station's certificate. systemd-timesyncd leaves `/run/systemd/timesync/synchronized` when it has set the clock
(systemd-timesyncd.service(8)); the kernel's own word, adjtimex(2), is barred to a service with ProtectClock=.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from device.health import read
from messaging.envelope import ClockTrust

RELEASED = 1_790_000_000.0  # 2026-09-21: no clock that is right is before it; moved with each release
_SYNCHRONISED = "run/systemd/timesync/synchronized"
_SAVE_EVERY_S = 3600.0


class ClockProbe:
    """The clock's trust, and the saved moment: `saved` is a file in the state directory, which `write` replaces."""

    def __init__(
        self,
        saved: Path,
        write: Callable[[Path, bytes], None],
        certificate_begins: Callable[[], float | None],
        root: Path = read.MACHINE,
    ) -> None:
        self._saved = saved
        self._write = write
        self._certificate_begins = certificate_begins
        self._root = root
        self._last_good = _saved_time(saved)

    def trust(self, wall: float) -> ClockTrust:
        """How far `wall` (Unix seconds) can be trusted."""
        if wall < self.floor():
            return "unset"
        return "ntp" if (self._root / _SYNCHRONISED).exists() else "floor"

    def floor(self) -> float:
        """The newest moment that is certainly past, Unix seconds."""
        return max(RELEASED, self._last_good, self._certificate_begins() or 0.0)

    def save(self, wall: float, *, now: bool = False) -> None:
        """Remember a good clock across a power cut: once an hour, and `now` at an orderly end. OSError if it cannot."""
        due = wall - self._last_good >= (1.0 if now else _SAVE_EVERY_S)
        if due and self.trust(wall) == "ntp":
            self._write(self._saved, f"{wall:.0f}\n".encode())
            self._last_good = wall


def _saved_time(path: Path) -> float:
    found = re.fullmatch(r"(\d{9,11})\n?", read.text(path) or "", re.ASCII)
    return float(found[1]) if found else 0.0
