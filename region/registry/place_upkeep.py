"""The upkeep of places and clinics: another name for one, and the removal of one that is used no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, Select, and_, delete, func, select, update

from region.reasons import say
from region.registry import schema
from region.registry.errors import Conflict, NotFound
from region.registry.layers import Layers
from region.registry.naming import TABLES, Kind, Place, check_name_free
from region.registry.table import Subject, text

Paged = Literal["cluster", "municipality", "site"]  # what has a page of its own; rooms are on their site's
# What may hang on a place, by the reason that tells of it; in the order in which somebody would clear it.
_HANGING: dict[Kind, tuple[tuple[str, Column[Any]], ...]] = {
    "cluster": (("has_municipalities", schema.municipality.c.cluster_id),),
    "municipality": (("has_sites", schema.site.c.municipality_id),),
    "site": (
        ("has_stations", schema.station.c.site_id), ("has_rooms", schema.room.c.site_id),
        ("has_people", schema.person_site.c.site_id),
    ),
    "room": (("has_stations", schema.station.c.room_id),),
    "clinic": (("has_callers", schema.station.c.clinic_id),),
}  # fmt: skip
# What may go on naming a place that nothing hangs on: it is closed then.
_CLOSING: Mapping[str, tuple[Column[Any], ...]] = {
    "site": (schema.removed_station.c.site_id,),
    "clinic": (
        schema.call.c.clinic_id, schema.removed_station.c.clinic_id, schema.person.c.clinic_id,
        schema.api_token.c.clinic_id,
    ),
}  # fmt: skip
_MOST_TOLD = 3  # of the places whose settings name a clinic


@dataclass(frozen=True)
class NamedPlace:
    """A place or clinic by its number and name; of a room, the site that it is of."""

    kind: Kind
    id: int
    name: str
    site_id: int | None = None


class PlaceUpkeep(Subject):
    """Renames places, and removes those that nothing hangs on."""

    async def get(self, kind: Kind, number: int) -> NamedPlace:
        """The place, or NotFound."""
        table = TABLES[kind]
        site = table.c.id if kind == "site" else table.c.site_id if kind == "room" else None
        columns = [table.c.id, table.c.name] + ([] if site is None else [site.label("site_id")])
        statement = select(*columns).where(table.c.id == number)
        row = await self._row(statement if kind not in _CLOSING else statement.where(table.c.closed_at.is_(None)))
        if row is None:
            raise NotFound(f"no such {kind}")
        return NamedPlace(kind, **row)

    async def rename(self, kind: Place, number: int, name: str) -> tuple[str, ...]:
        """Give it another name; Conflict where there is one of that name.

        A site's name is on its stations' screens, and so is a room's on those that are called as it is: they are called
        anew with it. Their versions grow. Gives them.
        """
        name, layers = text(name, kind, 80), Layers(self._connection)
        await layers.alone()
        before = await self.get(kind, number)
        await check_name_free(self._connection, kind, name, number, before.site_id)
        if name == before.name:
            return ()
        table = TABLES[kind]
        await self._run(update(table).where(table.c.id == number).values(name=name))
        if kind == "site":
            return await layers.site_renamed(number)
        return await layers.room_renamed(number, before.name, name) if kind == "room" else ()

    async def remove(self, kind: Kind, number: int, now: float) -> NamedPlace:
        """Remove a place that nothing hangs on, and give what it was; Conflict, with what hangs on it and what to do.

        API tokens that have ended are no hindrance, and are bound to it no more. A site or clinic of which there have
        been calls is closed: it is there for their figures only, and opens again when one of its name is added.
        """
        await Layers(self._connection).alone()
        place = await self.get(kind, number)
        for reason, column in _HANGING[kind]:
            await self._check_none(reason, place, select(func.count().label("count")).where(column == number))
        if kind == "site":
            await self._unbind_tokens(place, now)
        if kind == "clinic":
            await self._check_clinic(place, now)
        elif kind != "room":
            await self._forget_layer(place)
        table = TABLES[kind]
        if await self._is_named(place):
            nowhere = {"municipality_id": None} if kind == "site" else {}
            await self._run(update(table).where(table.c.id == number).values(closed_at=now, **nowhere))
        else:
            await self._run(delete(table).where(table.c.id == number))
        return place

    async def _is_named(self, place: NamedPlace) -> bool:
        """Whether calls, or people who are blocked, are of it."""
        for column in _CLOSING.get(place.kind, ()):
            if await self._row(select(column).where(column == place.id).limit(1)) is not None:
                return True
        return False

    async def _check_clinic(self, clinic: NamedPlace, now: float) -> None:
        """Nobody may call it, fall back on it, work for it or be in a call with it."""
        if where := await self._said_by(clinic.name):
            raise Conflict(say("is_said", name=clinic.name, where=", ".join(where[:_MOST_TOLD]), count=len(where)))
        person, token, call = schema.person.c, schema.api_token.c, schema.call.c
        count = select(func.count().label("count"))
        works = count.where(person.clinic_id == clinic.id, person.active.is_(True))
        await self._check_none("has_people", clinic, works)
        good = count.where(token.clinic_id == clinic.id, token.revoked_at.is_(None), token.expires_at > now)
        await self._check_none("has_tokens", clinic, good)
        talks = count.where(call.clinic_id == clinic.id, call.state != "ended")
        await self._check_none("has_calls", clinic, talks)

    async def _said_by(self, clinic: str) -> list[str]:
        """The places whose settings name it: whom buttons call, or fall back on."""
        layer, where = schema.layer.c, []
        for row in await self._rows(select(layer.level, layer.place, layer.document).order_by(layer.level)):
            if clinic in (row["document"].get("clinic"), row["document"].get("fallback")):
                level, place = row["level"], row["place"]
                named = place if level in ("region", "station") else (await self.get(level, int(place))).name
                where.append(f"{level} {named}".strip())
        return where

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
