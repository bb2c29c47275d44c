"""When a device is tried again, and when it is said to be broken: a pure table."""

from __future__ import annotations

from dataclasses import dataclass, replace

MANY = 3  # failures in a row that make a fault of it
STEADY_S = 10.0  # a device that has worked for so long has not failed "in a row" with what comes next
_FIRST_WAIT_S, _LONGEST_WAIT_S = 2.0, 30.0


@dataclass(frozen=True)
class Attempts:
    """What is remembered of one device. `again`: not to be tried before (monotonic seconds)."""

    failures: int = 0
    again: float = 0.0
    well_since: float | None = None

    @property
    def broken(self) -> bool:
        """Whether it has failed so often in a row that somebody should look at it."""
        return self.failures >= MANY

    def may_try(self, now: float) -> bool:
        """Whether it is time for the next try."""
        return now >= self.again

    def failed(self, now: float) -> Attempts:
        """It is there and does not work: the first tries follow at once, then 2, 4, 8, 16 and 30 s lie between them."""
        failures = self.failures + 1
        wait = 0.0
        if failures >= MANY:
            wait = min(_FIRST_WAIT_S * 2.0 ** min(failures - MANY, 10), _LONGEST_WAIT_S)
        return Attempts(failures, now + wait)

    def works(self, now: float) -> Attempts:
        """It works at this moment; once it has done so for a while, what was is forgotten."""
        since = self.well_since if self.well_since is not None else now
        if now - since >= STEADY_S:
            return Attempts(well_since=since)
        return replace(self, well_since=since)

    def hurried(self) -> Attempts:
        """Something was plugged in: perhaps this is mended, so it is tried at once."""
        return replace(self, again=0.0)
