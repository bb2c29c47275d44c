"""The upkeep of places: another name for one, and the removal of one that was made by mistake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, Select, Table, and_, delete, func, select, update

from region.reasons import say
from region.registry import schema
from region.registry.errors import Conflict, NotFound
from region.registry.layers import Layers
from region.registry.table import Subject, text

Paged = Literal["cluster", "municipality", "site"]  # what has a page of its own; rooms are on their site's
Kind = Literal["cluster", "municipality", "site", "room"]
_TABLES: dict[Kind, Table] = {
    "cluster": schema.cluster, "municipality": schema.municipality, "site": schema.site, "room": schema.room,
}  # fmt: skip
# What may hang on a place, by the reason that tells of it; in the order in which somebody would clear it.
_HANGING: dict[Kind, tuple[tuple[str, Column[Any]], ...]] = {
    "cluster": (("has_municipalities", schema.municipality.c.cluster_id),),
    "municipality": (("has_sites", schema.site.c.municipality_id),),
    "site": (
        ("has_stations", schema.station.c.site_id), ("has_rooms", schema.room.c.site_id),
        ("has_people", schema.person_site.c.site_id),
    ),
    "room": (("has_stations", schema.station.c.room_id),),
}  # fmt: skip


@dataclass(frozen=True)
class NamedPlace:
    """A place by its number and name; of a room, the site that it is of."""

    kind: Kind
    id: int
    name: str
    site_id: int | None = None


class PlaceUpkeep(Subject):
    """Renames places, and removes those that nothing hangs on."""

    async def get(self, kind: Kind, number: int) -> NamedPlace:
        """The place, or NotFound."""
        table = _TABLES[kind]
        site = table.c.id if kind == "site" else table.c.site_id if kind == "room" else None
        columns = [table.c.id, table.c.name] + ([] if site is None else [site.label("site_id")])
        row = await self._row(select(*columns).where(table.c.id == number))
        if row is None:
            raise NotFound(f"no such {kind}")
        return NamedPlace(kind, **row)

    async def rename(self, kind: Kind, number: int, name: str) -> tuple[str, ...]:
        """Give it another name; Conflict where there is one of that name.

        A site's name is on its stations' screens, and so is a room's on those that are called as it is: they are called
        anew with it. Their versions grow. Gives them.
        """
        name, layers = text(name, kind, 80), Layers(self._connection)
        await layers.alone()
        before = await self.get(kind, number)
        if await self._called(before, name) not in (None, number):
            raise Conflict(say("there_already", kind=kind, name=name))
        if name == before.name:
            return ()
        table = _TABLES[kind]
        await self._run(update(table).where(table.c.id == number).values(name=name))
        if kind == "site":
            return await layers.site_renamed(number)
        return await layers.room_renamed(number, before.name, name) if kind == "room" else ()

    async def remove(self, kind: Kind, number: int, now: float) -> NamedPlace:
        """Remove a place that nothing hangs on, and give what it was; Conflict, with what hangs on it and what to do.

        API tokens that have ended are no hindrance, and are bound to it no more.
        """
        await Layers(self._connection).alone()
        place = await self.get(kind, number)
        for reason, column in _HANGING[kind]:
            await self._check_none(reason, place, select(func.count().label("count")).where(column == number))
        if kind == "site":
            await self._unbind_tokens(place, now)
        if kind != "room":
            await self._forget_layer(place)
        await self._run(delete(_TABLES[kind]).where(_TABLES[kind].c.id == number))
        return place

    async def _called(self, place: NamedPlace, name: str) -> int | None:
        """Which place of its kind has that name; of rooms, at its site."""
        table = _TABLES[place.kind]
        statement = select(table.c.id).where(table.c.name == name)
        if place.kind == "room":
            statement = statement.where(table.c.site_id == place.site_id)
        row = await self._row(statement)
        return None if row is None else int(row["id"])

    async def _check_none(self, reason: str, place: NamedPlace, statement: Select[Any]) -> None:
        row: Mapping[str, Any] = await self._row(statement) or {"count": 0}
        if row["count"]:
            raise Conflict(say(reason, name=place.name, count=row["count"]))

    async def _unbind_tokens(self, place: NamedPlace, now: float) -> None:
        token, bound = schema.api_token.c, schema.api_token_site.c
        good = and_(token.revoked_at.is_(None), token.expires_at > now)
        there = select(func.count().label("count")).where(bound.site_id == place.id, bound.token_id == token.id)
        await self._check_none("has_tokens", place, there.where(good))
        await self._run(delete(schema.api_token_site).where(bound.site_id == place.id))

    async def _forget_layer(self, place: NamedPlace) -> None:
        """The number may be given again: whatever has it then must not begin with this one's settings."""
        layer, here = schema.layer.c, str(place.id)
        row = await self._row(select(layer.document).where(layer.level == place.kind, layer.place == here))
        if row is not None and row["document"]:
            raise Conflict(say("has_settings", name=place.name))
        await self._run(delete(schema.layer).where(layer.level == place.kind, layer.place == here))
