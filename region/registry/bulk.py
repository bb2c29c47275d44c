"""Many places and stations at once: a table that somebody brings, in a handful of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from messaging.twin import Config
from provisioning.authority.profiles import Document
from region.registry import schema
from region.registry.layers import Layers
from region.registry.naming import TABLES, Kind, open_places
from region.registry.table import Subject, chunks

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """A station as it is to be: `own` is what it says itself. `new`: it is not there yet."""

    id: str
    new: bool
    name: str
    serial: str | None
    site_id: int
    room: str
    own: Document


class Bulk(Subject):
    """Puts stations and what they stand in; names, serials and clinics have been looked at."""

    async def add(self, kind: Kind, rows: Sequence[Facts], now: float) -> None:
        """Add as many of that kind as there are rows."""
        if kind == "site" or kind == "clinic":
            await open_places(self._connection, kind, rows, now)
        elif rows:
            await self._connection.execute(insert(TABLES[kind]), [{**row, "created_at": now} for row in rows])

    async def put(self, wanted: Sequence[Wanted], by: str, now: float) -> None:
        """Have all of them so. Refused where what a station says cannot be; Conflict for a serial taken twice."""
        layers = Layers(self._connection)
        await layers.alone()
        before = await layers.chains()
        rooms = await self._rooms(wanted, now)
        standing: dict[str, Facts] = {
            one.id: {
                "name": one.name, "site_id": one.site_id, "room_id": rooms[one.site_id, one.room], "serial": one.serial
            }
            for one in wanted
        }  # fmt: skip
        known = [one for one in wanted if not one.new]
        moved = await self._elsewhere(standing, [one.id for one in known])
        await self._add([{**standing[one.id], "id": one.id} for one in wanted if one.new], now)
        await self._change([{**standing[one.id], "key": one.id} for one in known])
        await layers.say_each("station", {one.id: one.own for one in wanted}, by, now)
        after = await layers.chains()
        settled = set(moved) | {one.id for one in wanted if one.new}
        await layers.object_to(after, [one.id for one in wanted])
        await layers.apply(after, [one.id for one in wanted if one.id in settled])
        await layers.settle(before, after, [one.id for one in known if one.id not in settled])

    async def _rooms(self, wanted: Sequence[Wanted], now: float) -> dict[tuple[int, str], int]:
        statement = select(schema.room.c.site_id, schema.room.c.name, schema.room.c.id)
        there = {(row["site_id"], row["name"]): row["id"] for row in await self._rows(statement)}
        missing = {(one.site_id, one.room) for one in wanted} - set(there)
        if not missing:
            return there
        await self.add("room", [{"site_id": site, "name": name} for site, name in sorted(missing)], now)
        return {(row["site_id"], row["name"]): row["id"] for row in await self._rows(statement)}

    async def _elsewhere(self, standing: Mapping[str, Facts], known: Sequence[str]) -> list[str]:
        """Those whose name or site is another than it was: their config says so."""
        rows = {row["id"]: row for row in await self._rows(
            select(schema.station.c.id, schema.station.c.name, schema.station.c.site_id))}  # fmt: skip
        return [one for one in known if any(rows[one][key] != standing[one][key] for key in ("name", "site_id"))]

    async def _add(self, rows: Sequence[Facts], now: float) -> None:
        default = Config()
        common = {
            "clinic_id": None, "language": default.language, "volume": default.volume, "desired_version": 0,
            "published_version": 0, "created_at": now,
        }  # fmt: skip
        if rows:
            await self._connection.execute(insert(schema.station), [{**row, **common} for row in rows])

    async def _change(self, rows: Sequence[Facts]) -> None:
        if rows:
            for some in chunks([row["key"] for row in rows]):  # so that two may swap their serial numbers
                await self._run(update(schema.station).where(schema.station.c.id.in_(some)).values(serial=None))
            statement = update(schema.station).where(schema.station.c.id == bindparam("key"))
            values: Facts = {name: bindparam(name) for name in ("name", "site_id", "room_id", "serial")}
            await self._connection.execute(statement.values(**values), rows)
