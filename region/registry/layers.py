"""The layers in the database: who says what, what comes of it for each station, and which stations a change touches.

Two clinics' names stand in documents as they are called; when a clinic is renamed, so are they (`clinic_changed`).
Whoever changes layers, or where things stand, does so alone (`_alone`): a change must see every station it touches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

from sqlalchemy import select, true, update

from messaging import reasons
from messaging.twin import Config
from provisioning.authority import profiles
from provisioning.authority.profiles import Document, Level, Merged
from region.reasons import say
from region.registry import schema
from region.registry.chains import REGION, Chains
from region.registry.errors import Conflict, Invalid, NotFound, Refused
from region.registry.records import Clinic, LayerRecord, Station, Touched
from region.registry.table import Subject, chunks

_MOST_TOLD = 5
_MOST_AT = 100  # stations at which it cannot be; more are not looked for
_TABLES = {"cluster": schema.cluster, "municipality": schema.municipality, "site": schema.site}


class Layers(Subject):
    """What each level says, and what comes of it."""

    async def get(self, level: Level, place: str = REGION) -> LayerRecord:
        """What the level says there; an empty document of version 0 where nothing was ever said."""
        layer = schema.layer.c
        row = await self._row(select(schema.layer).where(layer.level == level, layer.place == place))
        if row is not None:
            return LayerRecord(**row)
        await self._check_place(level, place)
        return LayerRecord(level, place, {}, 0, 0.0, "")

    async def put(
        self, level: Level, place: str, document: Document, by: str, now: float, *, after: int | None = None
    ) -> Touched:
        """Have the level say that, and let the version of each station grow whose config changes by it.

        Refused with a reason for each field; Conflict where the layer is not of version `after` any more.
        """
        await self.alone()
        known = await self.get(level, place)
        if after is not None and known.version != after:
            raise Conflict(say("changed", level=level, by=known.changed_by))
        if refused := profiles.refusals(level, document) | await self._unknown_clinics(document):
            raise Refused(refused)
        if document == known.document:
            return Touched(known, ())
        before = await self.chains()
        later = before.saying(level, place, document)
        if heavy := _too_heavy(later.merged(level, place).document):
            raise Refused({"document": heavy})
        touched = await self.settle(before, later, before.under(level, place))
        made = LayerRecord(level, place, document, known.version + 1, now, by[:80])
        await self._store(made)
        return Touched(made, touched)

    async def put_each(self, documents: Mapping[str, Document], by: str, now: float) -> tuple[str, ...]:
        """Have each of these stations say its document; gives those whose config changes by that. All of them or none:
        Refused with the reasons of the first that cannot be."""
        await self.alone()
        for document in documents.values():
            if refused := profiles.refusals("station", document) | await self._unknown_clinics(document):
                raise Refused(refused)
        before = await self.chains()
        touched = await self.settle(before, before.each_saying("station", documents), documents)
        await self.say_each("station", documents, by, now)
        return touched

    async def of_stations(self) -> dict[str, Document]:
        """What each station says itself, of those that say something."""
        layer = schema.layer.c
        rows = await self._rows(select(layer.place, layer.document).where(layer.level == "station"))
        return {row["place"]: row["document"] for row in rows}

    async def merged(self, level: Level, place: str = REGION) -> Merged:
        """What comes of the layers down to that one, and where each value came from; NotFound."""
        await self._check_place(level, place)
        return (await self.chains([place] if level == "station" else [])).merged(level, place)

    async def above(self, level: Level, place: str = REGION) -> Merged:
        """What comes of the layers above that one alone; NotFound."""
        await self._check_place(level, place)
        chains = await self.chains([place] if level == "station" else [])
        return chains.saying(level, place, {}).merged(level, place)

    async def desired(self, stations: Iterable[Station]) -> dict[str, Document]:
        """The whole config of these stations, as it travels: the layers, and what the registry knows itself."""
        wanted = list(stations)
        chains = await self.chains([station.id for station in wanted])
        phones = {row["name"]: row["phone"] for row in await self._rows(select(schema.clinic))}
        return {station.id: _whole(chains.document(station.id), station, phones) for station in wanted}

    async def clinic_changed(self, before: Clinic, after: Clinic) -> list[str]:
        """A clinic has another name or number: documents name it anew, its stations' versions grow. Gives them."""
        await self.alone()
        chains = await self.chains()
        for (level, place), document in chains.documents.items():
            renamed = {
                key: after.name if key in ("clinic", "fallback") and value == before.name else value
                for key, value in document.items()
            }
            if renamed != document:
                await self._rewrite(level, place, renamed)
        return await self._grow_of(chains, {before.name})

    async def site_renamed(self, site_id: int) -> tuple[str, ...]:
        """A site has another name, which is on its stations' screens: their versions grow. Gives them."""
        await self.alone()
        rows = await self._rows(select(schema.station.c.id).where(schema.station.c.site_id == site_id))
        stations = tuple(row["id"] for row in rows)
        await self._grow(stations)
        return stations

    async def room_renamed(self, room_id: int, before: str, after: str) -> tuple[str, ...]:
        """A room has another name: its stations that were called as it was are called as it is. Gives them."""
        await self.alone()
        station = schema.station.c
        rows = await self._rows(select(station.id).where(station.room_id == room_id, station.name == before))
        stations = tuple(row["id"] for row in rows)
        await self._grow(stations, name=after)
        return stations

    async def phones_changed(self, clinics: Collection[str]) -> list[str]:
        """Those clinics have other numbers: the versions of their stations grow. Gives them."""
        await self.alone()
        return await self._grow_of(await self.chains(), clinics)

    async def chains(self, stations: Iterable[str] | None = None) -> Chains:
        """Where these stations stand (or all), and what every level above them says."""
        station, layer = schema.station.c, schema.layer.c
        where = select(station.id, station.site_id)
        own = select(layer.level, layer.place, layer.document).where(layer.level == "station")
        if stations is None:
            places, documents = await self._rows(where), await self._rows(own)
        else:
            places, documents = [], []
            for some in chunks(stations):
                places += await self._rows(where.where(station.id.in_(some)))
                documents += await self._rows(own.where(layer.place.in_(some)))
        documents += await self._rows(select(layer.level, layer.place, layer.document).where(layer.level != "station"))
        sites = await self._rows(select(schema.site.c.id, schema.site.c.municipality_id))
        municipalities = await self._rows(select(schema.municipality.c.id, schema.municipality.c.cluster_id))
        return Chains(
            {row["id"]: row["site_id"] for row in places},
            {row["id"]: row["municipality_id"] for row in sites},
            {row["id"]: row["cluster_id"] for row in municipalities},
            {(row["level"], row["place"]): row["document"] for row in documents},
        )

    async def settle(self, before: Chains, after: Chains, stations: Iterable[str]) -> tuple[str, ...]:
        """Let the version grow of those whose config is not the same after; gives them. Refused where it cannot be."""
        changed = [one for one in stations if before.document(one) != after.document(one)]
        await self.object_to(after, changed)
        await self.apply(after, changed)
        return tuple(changed)

    async def apply(self, chains: Chains, stations: Iterable[str]) -> None:
        """Let the version of each grow, and keep beside it what the desk and the pages ask for often."""
        ids = {row["name"]: row["id"] for row in await self._rows(select(schema.clinic.c.name, schema.clinic.c.id))}
        alike: dict[tuple[int | None, str, int], list[str]] = {}
        for one in stations:
            document = chains.document(one)
            alike.setdefault(_kept(document, ids), []).append(one)
        for (clinic_id, language, volume), some in alike.items():
            await self._grow(some, clinic_id=clinic_id, language=language, volume=volume)

    async def say(self, level: Level, place: str, document: Document, by: str, now: float) -> None:
        """Store what a level says, without looking whom it touches: for who settles that."""
        await self.say_each(level, {place: document}, by, now)

    async def say_each(self, level: Level, documents: Mapping[str, Document], by: str, now: float) -> None:
        """The same for many places at once."""
        layer = schema.layer.c
        known: dict[str, tuple[Document, int]] = {}
        for some in chunks(documents):
            statement = select(layer.place, layer.document, layer.version)
            rows = await self._rows(statement.where(layer.level == level, layer.place.in_(some)))
            known |= {row["place"]: (row["document"], row["version"]) for row in rows}
        nothing: tuple[Document, int] = {}, 0
        changed = [
            {"level": level, "place": place, "document": document, "version": known.get(place, nothing)[1] + 1,
             "changed_at": now, "changed_by": by[:80]}
            for place, document in documents.items() if document != known.get(place, nothing)[0]
        ]  # fmt: skip
        await self._upsert_all(schema.layer, ("level", "place"), changed)

    async def alone(self) -> None:
        """Until the transaction ends nobody else changes layers, or where things stand."""
        await self._alone("layout")

    async def object_to(self, chains: Chains, stations: Iterable[str]) -> None:
        """Refused where values of what comes of the layers do not go together."""
        judged: dict[int, dict[str, str]] = {}  # by identity: stations of a site that say the same share a document
        at: dict[str, dict[str, str]] = {}
        for one in stations:
            document = chains.document(one)
            if id(document) not in judged:
                heavy = _too_heavy(document)
                judged[id(document)] = profiles.objected(document) | ({"document": heavy} if heavy else {})
            if judged[id(document)]:
                at[one] = judged[id(document)]
            if len(at) >= _MOST_AT:
                break
        if at:
            seen: dict[str, str] = {}
            for one, fields in at.items():
                for field, why in fields.items():
                    seen.setdefault(field, reasons.say("at_station", why=why, station=one))
            raise Refused(dict(list(seen.items())[:_MOST_TOLD]), at)

    async def _unknown_clinics(self, document: Document) -> dict[str, str]:
        named = {key: document[key] for key in ("clinic", "fallback") if isinstance(document.get(key), str)}
        open_ = select(schema.clinic.c.name).where(schema.clinic.c.closed_at.is_(None))
        known = {row["name"] for row in await self._rows(open_)}
        return {
            key: reasons.say("no_clinic")
            for key, name in named.items() if name and name not in known
        }  # fmt: skip

    async def _check_place(self, level: Level, place: str) -> None:
        if level == "region":
            if place != REGION:
                raise Invalid("the region is one place")
            return
        if level == "station":
            found = await self._row(select(schema.station.c.id).where(schema.station.c.id == place))
        elif place.isascii() and place.isdigit():
            table = _TABLES[level]
            there = true() if "closed_at" not in table.c else table.c.closed_at.is_(None)
            found = await self._row(select(table.c.id).where(table.c.id == int(place), there))
        else:
            found = None
        if found is None:
            raise NotFound(f"no such {level}")

    async def _store(self, made: LayerRecord) -> None:
        values = {
            "document": made.document, "version": made.version, "changed_at": made.changed_at,
            "changed_by": made.changed_by,
        }  # fmt: skip
        await self._upsert(schema.layer, {"level": made.level, "place": made.place}, values)

    async def _rewrite(self, level: str, place: str, document: Document) -> None:
        layer = schema.layer.c
        await self._run(
            update(schema.layer)
            .where(layer.level == level, layer.place == place)
            .values(document=document, version=layer.version + 1)
        )

    async def _grow_of(self, chains: Chains, clinics: Collection[str]) -> list[str]:
        theirs = [one for one in chains.stations if not {*clinics}.isdisjoint(_clinics_of(chains.document(one)))]
        await self._grow(theirs)
        return theirs

    async def _grow(self, stations: Iterable[str], **values: Any) -> None:
        grown = schema.station.c.desired_version + 1
        for some in chunks(stations):
            await self._run(
                update(schema.station).where(schema.station.c.id.in_(some)).values(desired_version=grown, **values)
            )


def _too_heavy(document: Document) -> str:
    weight = profiles.weight(document)
    if weight <= profiles.MOST_BYTES:
        return ""
    return reasons.say("heavy", bytes=weight, most=profiles.MOST_BYTES)


def _clinics_of(document: Document) -> tuple[Any, Any]:
    return document.get("clinic"), document.get("fallback")


def _kept(document: Document, clinics: Mapping[str, int]) -> tuple[int | None, str, int]:
    default = Config()
    language, volume = document.get("language", default.language), document.get("volume", default.volume)
    return clinics.get(str(document.get("clinic", ""))), cast("str", language), cast("int", volume)


def _whole(document: Document, station: Station, phones: Mapping[str, str]) -> Document:
    clinic, fallback = (str(name or "") for name in _clinics_of(document))
    return document | {
        "clinic": clinic, "phone": phones.get(clinic, ""), "fallback": fallback,
        "fallback_phone": phones.get(fallback, ""), "site": station.site, "station": station.name,
    }  # fmt: skip
