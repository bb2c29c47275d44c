"""The stations, and what each should work by."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final

from sqlalchemy import Select, func, insert, select, update

from messaging.claim import SERIAL
from messaging.twin import Config, Language
from provisioning.authority.profiles import Document, put, without
from region.reasons import of
from region.registry import schema
from region.registry.errors import Invalid, NotFound
from region.registry.layers import Layers
from region.registry.ordering import by_place
from region.registry.places import Rooms
from region.registry.records import Admission, Station
from region.registry.table import Subject, chunks, text


class Kept(Enum):
    """For a value whose None says something: that it is to stay as it is."""

    KEPT = "as it is"


KEPT: Final = Kept.KEPT
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, in lower case


def new_station_id() -> str:
    """`st-` and eight letters: 40 bits, easy to read out on a telephone."""
    return "st-" + "".join(secrets.choice(_LETTERS) for _ in range(8))


class Stations(Subject):
    """The stations. Every change of what a station works by makes `desired_version` grow."""

    async def add(
        self, name: str, site_id: int, clinic_id: int | None, now: float, *, language: Language | None = None,
        volume: int | None = None, room: str = "", serial: str | None = None, by: str = "region",
    ) -> Station:  # fmt: skip
        """A new station with an id of its own; NotFound for an unknown site or clinic.

        Without `room` it stands in the room of its own name. What is not None and not as the layers above say, the
        station says itself.
        """
        name, station_id = text(name, "station", 80), new_station_id()
        layers = Layers(self._connection)
        await layers.alone()
        asked = await self._asked(site_id, clinic_id, language, volume)
        standing = await Rooms(self._connection).ensure(site_id, room or name, now)
        await self._run(
            insert(schema.station).values(
                id=station_id, name=name, site_id=site_id, room_id=standing.id, serial=serial_number(serial),
                clinic_id=None, language=Config().language, volume=Config().volume, desired_version=0,
                published_version=0, created_at=now,
            )
        )  # fmt: skip
        chains = await layers.chains([station_id])
        own = _own({}, chains.above(station_id), asked)
        will = chains.saying("station", station_id, own)
        await layers.say("station", station_id, own, by, now)
        await layers.object_to(will, [station_id])
        await layers.apply(will, [station_id])
        return await self.get(station_id)

    async def get(self, station_id: str) -> Station:
        """The station, or NotFound."""
        station = await self.find(station_id)
        if station is None:
            raise NotFound(f"no station {station_id}")
        return station

    async def find(self, station_id: str) -> Station | None:
        """The station, if there is one."""
        row = await self._row(select_stations().where(schema.station.c.id == station_id))
        return None if row is None else Station(**row)

    async def all(self) -> list[Station]:
        """Every station, by site and name."""
        return await self._list(select_stations())

    async def of_clinic(self, clinic_id: int) -> list[Station]:
        """The stations that call this clinic."""
        return await self._list(select_stations().where(schema.station.c.clinic_id == clinic_id))

    async def change(
        self, station_id: str, *, name: str | None = None, site_id: int | None = None,
        clinic_id: int | Kept | None = KEPT, language: Language | None = None, volume: int | None = None,
        room: str | None = None, by: str = "region", now: float = 0.0,
    ) -> Station:  # fmt: skip
        """Set what the station should work by, and where it stands. The version grows only if something changes.

        What is None stays as it is, said by whom it is said; a `clinic_id` of None has it call nobody. Of what is
        asked for, what is as the layers above say is left to them; the rest the station says itself. Without `room`
        it stays in its room, or at another site in the room of the same name.
        """
        layers = Layers(self._connection)
        await layers.alone()
        before = await self.get(station_id)
        name = before.name if name is None else text(name, "station", 80)
        site_id = before.site_id if site_id is None else site_id
        asked = await self._asked(site_id, None if clinic_id is KEPT else clinic_id, language, volume)
        if clinic_id is None:
            asked["clinic"] = ""
        standing = await Rooms(self._connection).ensure(site_id, before.room if room is None else room, now)
        was = await layers.chains([station_id])
        moved = was.moved(stations={station_id: site_id})
        own = _own(was.documents.get(("station", station_id), {}), moved.above(station_id), asked)
        will = moved.saying("station", station_id, own)
        facts = {"name": name, "site_id": site_id, "room_id": standing.id}
        await self._run(update(schema.station).where(schema.station.c.id == station_id).values(**facts))
        await layers.say("station", station_id, own, by, now)
        if (before.name, before.site_id) != (name, site_id):
            await layers.object_to(will, [station_id])
            await layers.apply(will, [station_id])
        else:
            await layers.settle(was, will, [station_id])
        return await self.get(station_id)

    async def move(self, station_id: str, site_id: int, room: str, now: float) -> Station:
        """Stand it in that room of that site, made if need be; the version grows where its config changes by that."""
        layers = Layers(self._connection)
        await layers.alone()
        before = await self.get(station_id)
        await self._asked(site_id, None, None, None)
        standing = await Rooms(self._connection).ensure(site_id, room, now)
        was = await layers.chains([station_id])
        will = was.moved(stations={station_id: site_id})
        await self._run(
            update(schema.station).where(schema.station.c.id == station_id).values(site_id=site_id, room_id=standing.id)
        )
        if before.site_id != site_id:
            await layers.object_to(will, [station_id])
            await layers.apply(will, [station_id])
        return await self.get(station_id)

    async def set_serial(self, station_id: str, serial: str | None) -> None:
        """Which computer it is; Conflict if that is another station's."""
        await self._run(
            update(schema.station).where(schema.station.c.id == station_id).values(serial=serial_number(serial))
        )

    async def with_serial(self, serial: str) -> Station | None:
        """The station of that serial number, known in advance."""
        row = await self._row(select_stations().where(schema.station.c.serial == serial_number(serial)))
        return None if row is None else Station(**row)

    async def count(self) -> int:
        """How many stations there are."""
        row = await self._row(select(func.count().label("stations")).select_from(schema.station))
        return 0 if row is None else int(row["stations"])

    async def per_site(self) -> dict[int, int]:
        """How many stations each site has, by its number; a site without any is not there."""
        site = schema.station.c.site_id
        rows = await self._rows(select(site, func.count().label("stations")).group_by(site))
        return {row["site_id"]: int(row["stations"]) for row in rows}

    async def unpublished(self, most: int = 500) -> list[Station]:
        """Stations whose desired config the broker has not taken yet, `most` of them."""
        newer = schema.station.c.desired_version > schema.station.c.published_version
        rows = await self._rows(select_stations().where(newer).order_by(schema.station.c.id).limit(most))
        return [Station(**row) for row in rows]

    async def published(self, versions: Mapping[str, int]) -> None:
        """The broker has taken these versions of the stations' desired config."""
        alike: dict[int, list[str]] = {}
        for station_id, version in versions.items():
            alike.setdefault(version, []).append(station_id)
        for version, stations in alike.items():
            older = schema.station.c.published_version < version
            for some in chunks(stations):
                await self._run(
                    update(schema.station).where(schema.station.c.id.in_(some), older).values(published_version=version)
                )

    async def forget_published(self) -> None:
        """The broker has lost what it retained: everything is to be published again."""
        await self._run(update(schema.station).values(published_version=0))

    async def publish_again(self, versions: Mapping[str, int]) -> list[str]:
        """Have published again what is newer than these versions, which the stations have; whose it is."""
        station, lacking = schema.station.c, []
        for some in chunks(versions):
            published = station.published_version >= station.desired_version
            rows = await self._rows(select(station.id, station.desired_version).where(station.id.in_(some), published))
            lacking += [row["id"] for row in rows if row["desired_version"] > versions[row["id"]]]
        for some in chunks(lacking):
            await self._run(update(schema.station).where(station.id.in_(some)).values(published_version=0))
        return lacking

    async def set_admission(self, station_id: str, admission: Admission) -> bool:
        """Let the station in, or shut it out; True when that is news."""
        done = await self._run(
            update(schema.station)
            .where(schema.station.c.id == station_id, schema.station.c.admission != admission)
            .values(admission=admission)
        )
        return done.rowcount == 1

    async def admissions(self, stations: Iterable[str]) -> dict[str, Admission]:
        """How those of these stations stand that there are."""
        found: dict[str, Admission] = {}
        station = schema.station.c
        for some in chunks(stations):
            rows = await self._rows(select(station.id, station.admission).where(station.id.in_(some)))
            found |= {row["id"]: row["admission"] for row in rows}
        return found

    async def shut_out(self) -> list[Station]:
        """The stations that nobody lets in: revoked, or in quarantine."""
        return await self._list(select_stations().where(schema.station.c.admission != "admitted"))

    async def _list(self, statement: Select[Any]) -> list[Station]:
        return [Station(**row) for row in await self._rows(statement.order_by(*by_place()))]

    async def _asked(
        self, site_id: int, clinic_id: int | None, language: Language | None, volume: int | None
    ) -> dict[str, Any]:
        site = select(schema.site.c.id).where(schema.site.c.id == site_id, schema.site.c.closed_at.is_(None))
        if await self._row(site) is None:
            raise NotFound("no such site")
        clinic = None
        if clinic_id is not None:
            named = select(schema.clinic.c.name).where(schema.clinic.c.id == clinic_id)
            clinic = await self._row(named.where(schema.clinic.c.closed_at.is_(None)))
            if clinic is None:
                raise NotFound("no such clinic")
        asked = {
            "clinic": None if clinic is None else clinic["name"],
            "language": None if language is None else _language(language),
            "volume": None if volume is None else _volume(volume),
        }
        return {key: value for key, value in asked.items() if value is not None}


def _own(own: Document, above: Document, asked: Mapping[str, Any]) -> Document:
    """What the station has to say itself so that it works as asked."""
    default = {"clinic": "", "language": Config().language, "volume": Config().volume}
    for key, value in asked.items():
        as_above = value == above.get(key, default[key])
        own = without(own, (key,)) if as_above else put(own, (key,), value)
    return own


def serial_number(value: str | None) -> str | None:
    """A computer's serial number as it is stored: without spaces, in lower case. None where there is none."""
    value = "".join((value or "").split()).lower()
    if value and not SERIAL.fullmatch(value):
        raise Invalid(of("serial", "serial"))
    return value or None


def select_stations() -> Select[Any]:
    """The columns of a `Station`, of station, site, room and clinic."""
    station, site, clinic = schema.station.c, schema.site.c, schema.clinic.c
    return (
        select(
            station.id, station.name, station.site_id, site.name.label("site"), station.clinic_id,
            func.coalesce(clinic.name, "").label("clinic"), func.coalesce(clinic.phone, "").label("phone"),
            station.language, station.volume, station.desired_version, station.published_version, station.created_at,
            station.admission, station.serial, station.room_id, schema.room.c.name.label("room"),
        )
        .join(schema.site, site.id == station.site_id)
        .join(schema.room, schema.room.c.id == station.room_id)
        .outerjoin(schema.clinic, clinic.id == station.clinic_id)
    )  # fmt: skip


def _language(value: str) -> str:
    if value not in ("da", "en"):
        raise Invalid("language: da or en")
    return value


def _volume(value: int) -> int:
    if not 0 <= value <= 100:
        raise Invalid("volume: from 0 to 100")
    return value
