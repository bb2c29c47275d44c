"""Clinics, and the places: clusters, municipalities, sites, rooms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import Select, func, insert, select, update

from region.reasons import of, say
from region.registry import schema
from region.registry.errors import Conflict, Invalid, NotFound
from region.registry.layers import Layers
from region.registry.naming import check_name_free, open_places
from region.registry.ordering import as_read
from region.registry.records import Clinic, Cluster, Municipality, Room, Site
from region.registry.table import Subject, text

T = TypeVar("T")

_CLINIC = [column for column in schema.clinic.c if column.name != "closed_at"]
_PHONE = re.compile(r"\+?[0-9 ]{3,24}")


class Clinics(Subject):
    """Whom buttons call."""

    async def add(self, name: str, phone: str, now: float) -> Clinic:
        """A new clinic; Conflict if there is one of that name, Invalid for a bad name or telephone number."""
        name, phone = text(name, "clinic", 80), telephone(phone)
        if await self.find(name) is not None:
            raise Conflict(say("there_already", kind="clinic", name=name))
        await open_places(self._connection, "clinic", [{"name": name, "phone": phone}], now)
        return await self.named(name)

    async def get(self, clinic_id: int) -> Clinic:
        """The clinic, or NotFound."""
        row = await self._row(_clinics().where(schema.clinic.c.id == clinic_id))
        if row is None:
            raise NotFound("no such clinic")
        return Clinic(**row)

    async def find(self, name: str) -> Clinic | None:
        """The clinic of that name."""
        row = await self._row(_clinics().where(schema.clinic.c.name == name))
        return None if row is None else Clinic(**row)

    async def named(self, name: str) -> Clinic:
        """The clinic of that name, or NotFound."""
        return there(await self.find(name), "clinic", name)

    async def all(self) -> list[Clinic]:
        """Every clinic, by name."""
        return [Clinic(**row) for row in await self._rows(_clinics().order_by(as_read(schema.clinic.c.name)))]

    async def ever(self) -> list[Clinic]:
        """Those too that are closed, for the calls of before."""
        rows = await self._rows(select(*_CLINIC).order_by(as_read(schema.clinic.c.name)))
        return [Clinic(**row) for row in rows]

    async def change(self, clinic_id: int, name: str, phone: str) -> Clinic:
        """Give it another name or number. The version of each station grows that calls it, or falls back on it."""
        name, phone = text(name, "clinic", 80), telephone(phone)
        layers = Layers(self._connection)
        await layers.alone()
        before = await self.get(clinic_id)
        await check_name_free(self._connection, "clinic", name, clinic_id)
        await self._run(update(schema.clinic).where(schema.clinic.c.id == clinic_id).values(name=name, phone=phone))
        after = await self.get(clinic_id)
        if after != before:
            await layers.clinic_changed(before, after)
        return after

    async def set_phones(self, phones: Mapping[str, str]) -> None:
        """Give clinics, by name, other numbers (`telephone`). The versions of their stations grow."""
        ids = {one.name: one.id for one in await self.all()}
        await self._set_each(schema.clinic, "phone", {ids[name]: phone for name, phone in phones.items()})
        await Layers(self._connection).phones_changed(phones)


class Clusters(Subject):
    """Municipalities that belong together."""

    async def add(self, name: str, now: float) -> Cluster:
        """A new cluster; Conflict if there is one of that name."""
        name = text(name, "cluster", 80)
        if await self.find(name) is not None:
            raise Conflict(say("there_already", kind="cluster", name=name))
        await self._run(insert(schema.cluster).values(name=name, created_at=now))
        return await self.named(name)

    async def find(self, name: str) -> Cluster | None:
        """The cluster of that name."""
        row = await self._row(select(schema.cluster).where(schema.cluster.c.name == name))
        return None if row is None else Cluster(**row)

    async def named(self, name: str) -> Cluster:
        """The cluster of that name, or NotFound."""
        return there(await self.find(name), "cluster", name)

    async def all(self) -> list[Cluster]:
        """Every cluster, by name."""
        return [
            Cluster(**row) for row in await self._rows(select(schema.cluster).order_by(as_read(schema.cluster.c.name)))
        ]


class Municipalities(Subject):
    """Where sites are."""

    async def add(self, name: str, cluster_id: int | None, now: float) -> Municipality:
        """A new municipality; Conflict if there is one of that name."""
        name = text(name, "municipality", 80)
        if await self.find(name) is not None:
            raise Conflict(say("there_already", kind="municipality", name=name))
        await self._run(insert(schema.municipality).values(name=name, cluster_id=cluster_id, created_at=now))
        return await self.named(name)

    async def find(self, name: str) -> Municipality | None:
        """The municipality of that name."""
        row = await self._row(_municipalities().where(schema.municipality.c.name == name))
        return None if row is None else Municipality(**row)

    async def named(self, name: str) -> Municipality:
        """The municipality of that name, or NotFound."""
        return there(await self.find(name), "municipality", name)

    async def all(self) -> list[Municipality]:
        """Every municipality, by name."""
        rows = await self._rows(_municipalities().order_by(as_read(schema.municipality.c.name)))
        return [Municipality(**row) for row in rows]

    async def move(self, municipality_id: int, cluster_id: int | None) -> tuple[str, ...]:
        """Let it belong to another cluster; gives the stations whose config changes by that."""
        return await self.move_each({municipality_id: cluster_id})

    async def move_each(self, clusters: Mapping[int, int | None]) -> tuple[str, ...]:
        """The same for many, each to its cluster."""
        layers = Layers(self._connection)
        await layers.alone()
        before = await layers.chains()
        after = before.moved(municipalities=clusters)
        await self._set_each(schema.municipality, "cluster_id", clusters)
        return await layers.settle(before, after, before.under("municipality", *map(str, clusters)))


class Sites(Subject):
    """Where stations stand."""

    async def add(self, name: str, now: float, municipality_id: int | None = None) -> Site:
        """A new site; Conflict if there is one of that name."""
        name = text(name, "site", 80)
        if await self.find(name) is not None:
            raise Conflict(say("there_already", kind="site", name=name))
        await open_places(self._connection, "site", [{"name": name, "municipality_id": municipality_id}], now)
        return await self.named(name)

    async def get(self, site_id: int) -> Site:
        """The site, or NotFound."""
        row = await self._row(_sites().where(schema.site.c.id == site_id))
        if row is None:
            raise NotFound("no such site")
        return Site(**row)

    async def find(self, name: str) -> Site | None:
        """The site of that name."""
        row = await self._row(_sites().where(schema.site.c.name == name))
        return None if row is None else Site(**row)

    async def named(self, name: str) -> Site:
        """The site of that name, or NotFound."""
        return there(await self.find(name), "site", name)

    async def all(self) -> list[Site]:
        """Every site, by name."""
        return [Site(**row) for row in await self._rows(_sites().order_by(as_read(schema.site.c.name)))]

    async def ever(self) -> list[Site]:
        """Those too that are closed, for the calls of before."""
        return [Site(**row) for row in await self._rows(_all_sites().order_by(as_read(schema.site.c.name)))]

    async def move(self, site_id: int, municipality_id: int | None) -> tuple[str, ...]:
        """Let it belong to another municipality; gives the stations whose config changes by that."""
        return await self.move_each({site_id: municipality_id})

    async def move_each(self, municipalities: Mapping[int, int | None]) -> tuple[str, ...]:
        """The same for many, each to its municipality."""
        layers = Layers(self._connection)
        await layers.alone()
        before = await layers.chains()
        after = before.moved(sites=municipalities)
        await self._set_each(schema.site, "municipality_id", municipalities)
        return await layers.settle(before, after, before.under("site", *map(str, municipalities)))


class Rooms(Subject):
    """The rooms of sites."""

    async def add(self, site_id: int, name: str, now: float) -> Room:
        """A new room; Conflict if the site has one of that name."""
        name = text(name, "room", 80)
        if await self.find(site_id, name) is not None:
            raise Conflict(say("there_already", kind="room", name=name))
        return await self.ensure(site_id, name, now)

    async def ensure(self, site_id: int, name: str, now: float) -> Room:
        """The room of that name at the site, made if need be; two at once make one."""
        name = text(name, "room", 80)
        await self._add_missing(schema.room, {"site_id": site_id, "name": name}, {"created_at": now})
        return there(await self.find(site_id, name), "room", name)

    async def find(self, site_id: int, name: str) -> Room | None:
        """The site's room of that name."""
        row = await self._row(_rooms().where(schema.room.c.site_id == site_id, schema.room.c.name == name))
        return None if row is None else Room(**row)

    async def all(self, site_id: int | None = None) -> list[Room]:
        """The rooms of a site or of all, by site and name."""
        statement = _rooms().order_by(as_read(schema.site.c.name), as_read(schema.room.c.name))
        if site_id is not None:
            statement = statement.where(schema.room.c.site_id == site_id)
        return [Room(**row) for row in await self._rows(statement)]

    async def empty(self, site_id: int) -> list[Room]:
        """The rooms of a site in which no station stands, by name."""
        stood_in = select(schema.station.c.id).where(schema.station.c.room_id == schema.room.c.id).exists()
        statement = _rooms().where(schema.room.c.site_id == site_id, ~stood_in).order_by(as_read(schema.room.c.name))
        return [Room(**row) for row in await self._rows(statement)]


def there(found: T | None, what: str, name: str) -> T:
    """What was found, or NotFound with its name."""
    if found is None:
        raise NotFound(say("not_there", kind=what, name=name))
    return found


def _municipalities() -> Select[Any]:
    municipality, cluster = schema.municipality.c, schema.cluster.c
    return select(
        municipality.id, municipality.name, municipality.cluster_id,
        func.coalesce(cluster.name, "").label("cluster"), municipality.created_at,
    ).outerjoin(schema.cluster, cluster.id == municipality.cluster_id)  # fmt: skip


def _clinics() -> Select[Any]:
    return select(*_CLINIC).where(schema.clinic.c.closed_at.is_(None))


def _sites() -> Select[Any]:
    return _all_sites().where(schema.site.c.closed_at.is_(None))


def _all_sites() -> Select[Any]:
    site, municipality = schema.site.c, schema.municipality.c
    return select(
        site.id, site.name, site.created_at, site.municipality_id,
        func.coalesce(municipality.name, "").label("municipality"),
    ).outerjoin(schema.municipality, municipality.id == site.municipality_id)  # fmt: skip


def _rooms() -> Select[Any]:
    room, site = schema.room.c, schema.site.c
    return select(room.id, room.site_id, site.name.label("site"), room.name, room.created_at).join(
        schema.site, site.id == room.site_id
    )


def telephone(value: str) -> str:
    """A clinic's number as it is stored; Invalid for what is none."""
    value = text(value, "phone", 24, empty=True)
    if value and not _PHONE.fullmatch(value):
        raise Invalid(of("phone", "phone"))
    return value
