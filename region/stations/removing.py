"""Stations taken out of the registry, once they are shut out for good. The gate tells the broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from messaging.clock import Clock
from region.reasons import say
from region.registry import Conflict, Invalid, Registry, Transaction
from region.registry.records import Admission, Station

_NOT_YET: Mapping[Admission, str] = {"admitted": "not_shut_out", "quarantined": "is_quarantined"}


class RemovalService:
    """`actor` is whom the audit names: a sign-in name, or `command line`."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def remove(self, actor: str, stations: Sequence[str]) -> tuple[Station, ...]:
        """Take these out of the registry, all of them or none; gives what they were.

        NotFound for one that there is not; Conflict where one is not shut out for good yet, or a call goes on. What was
        done, figures and revoked certificates stay; its settings, code, commands and diagnostics go. The same computer
        with a new card is another station.
        """
        if not stations:
            raise Invalid(say("no_stations_named"))
        now = self._clock.wall()
        async with self._registry.begin() as t:
            found = [await t.stations.get(one) for one in dict.fromkeys(stations)]
            await _check(t, found)
            for station in found:
                await t.certificates.revoke(station.id, now)
                await t.removals.remove(station, now)
                await t.audit.add(
                    actor, "station.remove", "done", now, station_id=station.id, name=station.name, site=station.site,
                    room=station.room, serial=station.serial or "",
                )  # fmt: skip
        return tuple(found)


async def _check(t: Transaction, stations: Sequence[Station]) -> None:
    against = [
        say(_NOT_YET[one.admission], station=one.id) for one in stations if one.admission in _NOT_YET
    ] or [say("call_goes_on", station=one.id) for one in stations if await t.calls.open(station_id=one.id)]  # fmt: skip
    if against:
        more = len(against) - 1
        raise Conflict(say("and_more", why=against[0], count=more) if more else against[0])
