"""Stations that are taken out of the registry, and who they were: for calls, figures and revocation lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, Table, delete, func, insert, select, update

from region.registry import schema
from region.registry.layers import Layers
from region.registry.records import RemovedStation, Station
from region.registry.table import Subject, chunks

# What is of a station alone, and goes with it.
_ITS_OWN: tuple[Table, ...] = (
    schema.invitation, schema.process_state, schema.station_report, schema.standing, schema.command, schema.diagnostics,
    schema.claim,
)  # fmt: skip


class Removals(Subject):
    """Takes stations out. The audit, calls and certificates stay; nobody has a removed station's id again."""

    async def remove(self, station: Station, now: float) -> None:
        """Take it out; its certificates count no more. Whether it may be is for who asks."""
        await Layers(self._connection).alone()
        certificate, layer = schema.certificate.c, schema.layer.c
        row = await self._row(
            select(func.max(certificate.expires_at).label("last")).where(certificate.station_id == station.id)
        )
        last = None if row is None else row["last"]
        await self._run(
            insert(schema.removed_station).values(
                id=station.id, name=station.name, site_id=station.site_id, room=station.room,
                clinic_id=station.clinic_id, created_at=station.created_at, removed_at=now,
                shut_out_until=now if last is None else last, cleared_at=None,
            )
        )  # fmt: skip
        for table in _ITS_OWN:
            await self._run(delete(table).where(table.c.station_id == station.id))
        await self._run(delete(schema.layer).where(layer.level == "station", layer.place == station.id))
        await self._run(delete(schema.station).where(schema.station.c.id == station.id))

    async def all(self) -> list[RemovedStation]:
        """Every station that was removed, the oldest removal first."""
        return [RemovedStation(**row) for row in await self._rows(_select())]

    async def of(self, stations: Iterable[str]) -> dict[str, RemovedStation]:
        """Those of these that were removed, by id."""
        found: dict[str, RemovedStation] = {}
        for some in chunks(stations):
            rows = await self._rows(_select().where(schema.removed_station.c.id.in_(some)))
            found |= {row["id"]: RemovedStation(**row) for row in rows}
        return found

    async def shut_out(self, now: float) -> frozenset[str]:
        """Those whom the broker still has to be told of: it keeps something of theirs, or a certificate is not over."""
        removed = schema.removed_station.c
        rows = await self._rows(select(removed.id).where(removed.cleared_at.is_(None) | (removed.shut_out_until > now)))
        return frozenset(row["id"] for row in rows)

    async def uncleared(self) -> frozenset[str]:
        """Those of whom the broker keeps something yet."""
        removed = schema.removed_station.c
        return frozenset(row["id"] for row in await self._rows(select(removed.id).where(removed.cleared_at.is_(None))))

    async def cleared(self, stations: Iterable[str], now: float) -> None:
        """The broker keeps nothing of these any more."""
        removed = schema.removed_station.c
        await self._run(update(schema.removed_station).where(removed.id.in_([*stations])).values(cleared_at=now))


def _select() -> Select[Any]:
    removed = schema.removed_station.c
    return (
        select(
            removed.id, removed.name, removed.site_id, schema.site.c.name.label("site"), removed.room,
            removed.clinic_id, removed.created_at, removed.removed_at, removed.shut_out_until, removed.cleared_at,
        )
        .join(schema.site, schema.site.c.id == removed.site_id)
        .order_by(removed.removed_at, removed.id)
    )  # fmt: skip
