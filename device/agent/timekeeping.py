"""What the station knows of the time: how far its clock can be trusted, and what is gated on that."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from device.health.clock import ClockProbe
from messaging.clock import Clock
from messaging.envelope import ClockTrust, Sealer
from provisioning.station.files import write_whole
from provisioning.station.region_time import Told

_log = logging.getLogger(__name__)


class Timekeeping:
    """The clock, its trust and its floor; `sealer` puts both on what is sent.

    `certificate_begins` is Unix seconds, None without a certificate. `kept` tells of a clock that somebody else keeps
    right, as a simulated machine's is.
    """

    def __init__(
        self, clock: Clock, saved: Path, certificate_begins: Callable[[], float | None], root: Path, *, kept: bool
    ) -> None:
        self._clock = clock
        self._kept = kept
        self._probe = ClockProbe(saved, write_whole, certificate_begins, clock.monotonic, root)
        self.sealer = Sealer(clock.monotonic, clock.wall, self.trust)

    def trust(self) -> ClockTrust:
        """How far the clock can be trusted now."""
        return self._probe.trust(self._clock.wall())

    def is_right(self) -> bool:
        """Whether something that expires may be judged by the clock."""
        trust = self.trust()
        return trust == "ntp" or (trust == "floor" and self._kept)

    def present(self) -> float:
        """Unix seconds now; by a clock that is not right the region's word, or the newest moment that is past."""
        return self._clock.wall() if self.is_right() else self._probe.told() or self._probe.floor()

    def believe(self, told: Told) -> bool:
        """The region has told the time. False: it is one that is certainly past, and nothing has changed."""
        return self._probe.believe(told.at, told.monotonic)

    def is_synchronised(self) -> bool:
        """Whether a time server has set the clock."""
        return self._probe.is_synchronised()

    def save(self, *, now: bool = False) -> None:
        """Remember a good clock across a power cut; a disk that refuses is logged."""
        try:
            self._probe.save(self._clock.wall(), now=now)
        except OSError as error:
            _log.warning("the time cannot be saved: %s", error)
