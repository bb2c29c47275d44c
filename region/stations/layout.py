"""What can be done with places and with what their levels say: by pages, API and command line alike. All audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from messaging.clock import Clock
from provisioning.authority.profiles import Change, Document, Level, Merged, Path, copied, difference, put, without
from region.registry import NotFound, Registry, Transaction
from region.registry.actions import AuditAction
from region.registry.changes import of_field, of_layer
from region.registry.naming import Place
from region.registry.place_upkeep import NamedPlace
from region.registry.records import Cluster, LayerRecord, Municipality, Site, Station, Touched
from region.stations.service import tell_change


@dataclass(frozen=True)
class Where:
    """A level and one of its places, with the name that people know it by."""

    level: Level
    place: str
    name: str


@dataclass(frozen=True)
class Copying:
    """What copying a site's profile to another changes there; `onto` is the version it was compared with."""

    source: Where
    target: Where
    document: Document
    changes: list[Change]
    onto: int


class LayoutService:
    """`actor` is whom the audit names: as `region.registry.actors` has it."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def add_cluster(self, actor: str, name: str) -> Cluster:
        """A new cluster."""
        async with self._registry.begin() as t:
            made = await t.clusters.add(name, self._clock.wall())
            await t.audit.add(actor, "cluster.add", "done", self._clock.wall(), name=made.name)
        return made

    async def add_municipality(self, actor: str, name: str, cluster: str = "") -> Municipality:
        """A new municipality, in that cluster or in none."""
        async with self._registry.begin() as t:
            number = (await t.clusters.named(cluster)).id if cluster else None
            made = await t.municipalities.add(name, number, self._clock.wall())
            await t.audit.add(actor, "municipality.add", "done", self._clock.wall(), name=made.name)
        return made

    async def move_municipality(self, actor: str, name: str, cluster: str) -> tuple[str, ...]:
        """Let it belong to another cluster (empty: none); the stations whose config changes by that."""
        async with self._registry.begin() as t:
            known = await t.municipalities.named(name)
            touched = await t.municipalities.move(known.id, (await t.clusters.named(cluster)).id if cluster else None)
            await t.audit.add(
                actor, "municipality.move", "done", self._clock.wall(), of_field("cluster", known.cluster, cluster),
                name=name, stations=len(touched),
            )  # fmt: skip
        return touched

    async def move_site(self, actor: str, name: str, municipality: str) -> tuple[str, ...]:
        """Let it belong to another municipality (empty: none); the stations whose config changes by that."""
        async with self._registry.begin() as t:
            known: Site = await t.sites.named(name)
            number = (await t.municipalities.named(municipality)).id if municipality else None
            touched = await t.sites.move(known.id, number)
            await t.audit.add(
                actor, "site.move", "done", self._clock.wall(),
                of_field("municipality", known.municipality, municipality), site=name, stations=len(touched),
            )  # fmt: skip
        return touched

    async def move_station(self, actor: str, station_id: str, site: str | None, room: str) -> Station:
        """Stand it in that room, of another site if one is named; what it says itself it goes on saying."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            before = await t.stations.get(station_id)
            site_id = before.site_id if site is None else (await t.sites.named(site)).id
            station = await t.stations.move(station_id, site_id, room, now)
            await tell_change(t, actor, before, station, now)
        return station

    async def rename(self, actor: str, kind: Place, number: int, name: str) -> tuple[str, ...]:
        """Another name for a place; the stations that are told, as it is on their screens."""
        done: dict[Place, AuditAction] = {
            "cluster": "cluster.rename", "municipality": "municipality.rename", "site": "site.rename",
            "room": "room.rename",
        }  # fmt: skip
        now = self._clock.wall()
        async with self._registry.begin() as t:
            before = await t.places.get(kind, number)
            touched = await t.places.rename(kind, number, name)
            after = await t.places.get(kind, number)
            if after != before:
                where, called = await _site_of(t, after), of_field("name", before.name, after.name)
                await t.audit.add(actor, done[kind], "done", now, called, stations=len(touched), **where)
                for station in touched if kind == "room" else ():  # they are called as the room is
                    await t.audit.add(actor, "station.change", "done", now, called, station_id=station)
        return touched

    async def remove(self, actor: str, kind: Place, number: int) -> NamedPlace:
        """Remove a place that nothing hangs on; Conflict says what does."""
        done: dict[Place, AuditAction] = {
            "cluster": "cluster.remove", "municipality": "municipality.remove", "site": "site.remove",
            "room": "room.remove",
        }  # fmt: skip
        now = self._clock.wall()
        async with self._registry.begin() as t:
            gone = await t.places.remove(kind, number, now)
            await t.audit.add(actor, done[kind], "done", now, name=gone.name, **await _site_of(t, gone))
        return gone

    async def find(self, level: Level, name: str = "") -> Where:
        """The place of that name at that level; a station is known by its id. NotFound."""
        async with self._registry.read() as t:
            return await find_place(t, level, name)

    async def said(self, where: Where) -> LayerRecord:
        """What the level says there, secrets and all: not for showing."""
        async with self._registry.read() as t:
            return await t.layers.get(where.level, where.place)

    async def merged(self, where: Where) -> Merged:
        """What comes of the layers down to there, and where each value came from."""
        async with self._registry.read() as t:
            return await t.layers.merged(where.level, where.place)

    async def say(self, actor: str, where: Where, values: Sequence[tuple[Path, Any]]) -> Touched:
        """Set these values there; None takes a value away, so that the layers above say it."""
        async with self._registry.begin() as t:
            await t.layers.alone()
            document = (await t.layers.get(where.level, where.place)).document
            return await self._put(t, actor, where, _with(document, values), None)

    async def say_each(
        self, actor: str, stations: Sequence[Station], values: Sequence[tuple[Path, Any]]
    ) -> dict[str, list[Change]]:
        """Set these values at each of the stations, None takes one away; what changed at each, in their order.

        All of them or none: Refused where it cannot be.
        """
        now = self._clock.wall()
        async with self._registry.begin() as t:
            await t.layers.alone()
            said = await t.layers.of_stations()
            before = {one.id: said.get(one.id, {}) for one in stations}
            after = {station: _with(document, values) for station, document in before.items()}
            changes = {station: difference(before[station], after[station]) for station in before}
            changed = {station: after[station] for station, some in changes.items() if some}
            await t.layers.put_each(changed, actor, now)
            for station in changed:
                await t.audit.add(
                    actor, "layer.change", "done", now, of_layer(changes[station]), station_id=station,
                    level="station",
                )  # fmt: skip
        return changes

    async def say_all(self, actor: str, where: Where, document: Document, after: int | None = None) -> Touched:
        """Have the whole document there in place of what it was; Conflict where that is not version `after`."""
        async with self._registry.begin() as t:
            await t.layers.alone()
            return await self._put(t, actor, where, document, after)

    async def compare(self, source: Where, target: Where, only: Sequence[str], but: Sequence[str]) -> Copying:
        """What copying would change; nothing is."""
        async with self._registry.read() as t:
            from_there = await t.layers.get(source.level, source.place)
            there = await t.layers.get(target.level, target.place)
        document = copied(from_there.document, there.document, only, but)
        return Copying(source, target, document, difference(there.document, document), there.version)

    async def copy(self, actor: str, copying: Copying) -> Touched:
        """Do what was compared; Conflict where the target has changed since."""
        target = copying.target
        async with self._registry.begin() as t:
            touched = await t.layers.put(
                target.level, target.place, copying.document, actor, self._clock.wall(), after=copying.onto
            )
            await t.audit.add(
                actor, "profile.copy", "done", self._clock.wall(), of_layer(copying.changes),
                source=copying.source.name, target=target.name, version=touched.layer.version,
                stations=len(touched.stations),
            )  # fmt: skip
        return touched

    async def _put(self, t: Transaction, actor: str, where: Where, document: Document, after: int | None) -> Touched:
        now = self._clock.wall()
        before = (await t.layers.get(where.level, where.place)).document
        touched = await t.layers.put(where.level, where.place, document, actor, now, after=after)
        if changes := difference(before, document):
            await t.audit.add(
                actor, "layer.change", "done", now, of_layer(changes),
                station_id=where.place if where.level == "station" else None,
                level=where.level, name=where.name, version=touched.layer.version, stations=len(touched.stations),
            )  # fmt: skip
        return touched


async def _site_of(t: Transaction, place: NamedPlace) -> dict[str, str]:
    """Of a room, the site that it is of, for the audit."""
    return {"site": (await t.sites.get(place.site_id)).name} if place.kind == "room" and place.site_id else {}


async def find_place(t: Transaction, level: Level, name: str) -> Where:
    """The place of that name at that level; a station is known by its id. NotFound."""
    match level:
        case "region":
            return Where(level, "", "")
        case "cluster":
            return Where(level, str((await t.clusters.named(name)).id), name)
        case "municipality":
            return Where(level, str((await t.municipalities.named(name)).id), name)
        case "site":
            return Where(level, str((await t.sites.named(name)).id), name)
        case "station":
            if await t.stations.find(name) is None:
                raise NotFound(f"no station {name}: see region station list")
            return Where(level, name, name)


def _with(document: Document, values: Sequence[tuple[Path, Any]]) -> Document:
    for path, value in values:
        document = without(document, path) if value is None else put(document, path, value)
    return document
