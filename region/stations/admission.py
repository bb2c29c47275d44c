"""Who is let in: revoking, quarantine and release. Only the registry is changed here; `gate` tells the broker."""

from __future__ import annotations

import logging
from typing import Literal

from messaging.clock import Clock
from region.registry import Registry
from region.registry.records import Station
from region.web.subject import PresenceChange

_log = logging.getLogger(__name__)
Why = Literal["lost", "stolen", "retired", "cloned", "other"]
Misuse = Literal["used_twice", "hoards"]


class Admission:
    """`actor` is whom the audit names. Methods raise NotFound for an unknown station."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def revoke(self, actor: str, station_id: str, why: Why = "other") -> Station:
        """Nobody lets the station in any more, and none of its certificates ever counts again."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            station = await t.stations.get(station_id)
            await t.stations.set_admission(station_id, "revoked")
            revoked = await t.certificates.revoke(station_id, now)
            await t.audit.add(
                actor, "station.revoke", "done", now, station_id=station_id, why=why, certificates=revoked
            )  # fmt: skip
            return await t.stations.get(station.id)

    async def release(self, actor: str, station_id: str) -> Station:
        """Let the station in again. What quarantine held back counts again; what was revoked needs a new code."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            before = await t.stations.get(station_id)
            if await t.stations.set_admission(station_id, "admitted"):
                await t.reports.forget_previous(station_id)
                await t.audit.add(actor, "station.release", "done", now, station_id=station_id, was=before.admission)
            return await t.stations.get(station_id)

    async def quarantine(self, station_id: str, why: Misuse, process: str = "") -> bool:
        """Its key is in other hands, so it seems: whoever has it waits for IT. True when new."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            station = await t.stations.get(station_id)
            if station.admission != "admitted":
                return False
            await t.stations.set_admission(station_id, "quarantined")
            await t.audit.add(
                "region", "station.quarantine", "done", now, station_id=station_id, why=why, process=process
            )
        if why == "hoards":
            _log.error("ALARM: whoever has the key of %s fills the broker; shut out until IT decides", station_id)
        else:
            _log.error(
                "ALARM: the key of %s is in use by two stations at once; both are shut out until IT decides", station_id
            )
        return True

    async def hoards(self, station_id: str) -> None:
        """It has the broker keep what nobody is to keep, on and on: no program of ours does."""
        await self.quarantine(station_id, "hoards")


class CloneWatch:
    """Hears every coming and going of a station's processes."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    async def presence(self, change: PresenceChange) -> None:
        """Two runs of one process by turns: the same card runs in two stations."""
        if change.runs_twice:
            await self._admission.quarantine(change.station, "used_twice", change.now.process)
