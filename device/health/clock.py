"""How far the wall clock can be trusted: a Pi boots without a clock of its own.

`ntp`    a time server, or the region by its signed word, has set it since the machine started
`floor`  nobody has, but it is not before a moment that is certainly past
`unset`  it is before that moment, or far from what the region says: wrong for certain

The moment is the newest of: this software's release, the time saved when the clock was last good, and the start of the
station's certificate. The region's word (`provisioning.station.region_time`) is held on to by the monotonic clock and
stands above a time server's, which nobody signs: a server that contradicts it is wrong, and so is a saved time after
it. systemd-timesyncd leaves `/run/systemd/timesync/synchronized` when it has set the clock
(systemd-timesyncd.service(8)); the kernel's own word, adjtimex(2), is barred to a service with ProtectClock=.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from device.health import read
from messaging.envelope import ClockTrust

RELEASED = 1_790_000_000.0  # 2026-09-21: no clock that is right is before it; moved with each release
WRONG_S = 300.0  # as far from the region's word as this, a clock is wrong whoever has set it
_SYNCHRONISED = "run/systemd/timesync/synchronized"
_SAVE_EVERY_S = 3600.0


class ClockProbe:
    """The clock's trust, and the saved moment: `saved` is a file in the state directory, which `write` replaces."""

    def __init__(
        self,
        saved: Path,
        write: Callable[[Path, bytes], None],
        certificate_begins: Callable[[], float | None],
        monotonic: Callable[[], float],
        root: Path = read.MACHINE,
    ) -> None:
        self._saved = saved
        self._write = write
        self._certificate_begins = certificate_begins
        self._monotonic = monotonic
        self._root = root
        self._last_good = _saved_time(saved)
        self._ahead: float | None = None  # how far the region's time is ahead of the monotonic clock

    def trust(self, wall: float) -> ClockTrust:
        """How far `wall` (Unix seconds) can be trusted."""
        if wall < self.floor():
            return "unset"
        told = self.told()
        if told is not None:
            return "ntp" if abs(wall - told) <= WRONG_S else "unset"
        return "ntp" if self.is_synchronised() else "floor"

    def floor(self) -> float:
        """The newest moment that is certainly past, Unix seconds."""
        return max(self._firm_floor(), self._last_good)

    def told(self) -> float | None:
        """What time it is now by the region's word, Unix seconds; None when it has not given it in this run."""
        return None if self._ahead is None else self._ahead + self._monotonic()

    def is_synchronised(self) -> bool:
        """Whether a time server has set the clock since the machine started."""
        return (self._root / _SYNCHRONISED).exists()

    def believe(self, at: float, monotonic: float) -> bool:
        """The region says that it was `at` (Unix seconds) at `monotonic`. False, and forgotten: that cannot be.

        A time that was saved after it came from a clock that ran ahead, and is no floor any more.
        """
        if at < self._firm_floor():
            return False
        self._ahead = at - monotonic
        if self._last_good > at + WRONG_S:
            self._last_good = 0.0
        return True

    def save(self, wall: float, *, now: bool = False) -> None:
        """Remember a good clock across a power cut: once an hour, and `now` at an orderly end. OSError if it cannot."""
        due = wall - self._last_good >= (1.0 if now else _SAVE_EVERY_S)
        if due and self.trust(wall) == "ntp":
            self._write(self._saved, f"{wall:.0f}\n".encode())
            self._last_good = wall

    def _firm_floor(self) -> float:
        """The floor that no clock of this station's has had a hand in."""
        return max(RELEASED, self._certificate_begins() or 0.0)


def _saved_time(path: Path) -> float:
    found = re.fullmatch(r"(\d{9,11})\n?", read.text(path) or "", re.ASCII)
    return float(found[1]) if found else 0.0
