"""The stations, and what each should work by."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Select, func, insert, select, update

from messaging.twin import Language
from region.registry import schema
from region.registry.errors import Invalid, NotFound
from region.registry.records import Admission, Station
from region.registry.table import Subject, text

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, in lower case


def new_station_id() -> str:
    """`st-` and eight letters: 40 bits, easy to read out on a telephone."""
    return "st-" + "".join(secrets.choice(_LETTERS) for _ in range(8))


class Stations(Subject):
    """The stations. Every change of what a station works by makes `desired_version` grow."""

    async def add(
        self, name: str, site_id: int, clinic_id: int | None, now: float, *, language: Language = "da", volume: int = 70
    ) -> Station:
        """A new station with an id of its own; NotFound for an unknown site or clinic."""
        await self._check_places(site_id, clinic_id)
        station_id = new_station_id()
        await self._run(
            insert(schema.station).values(
                id=station_id, name=text(name, "station", 80), site_id=site_id, clinic_id=clinic_id,
                language=_language(language), volume=_volume(volume), desired_version=1, published_version=0,
                created_at=now,
            )
        )  # fmt: skip
        return await self.get(station_id)

    async def get(self, station_id: str) -> Station:
        """The station, or NotFound."""
        station = await self.find(station_id)
        if station is None:
            raise NotFound(f"no station {station_id}")
        return station

    async def find(self, station_id: str) -> Station | None:
        """The station, if there is one."""
        row = await self._row(_select().where(schema.station.c.id == station_id))
        return None if row is None else Station(**row)

    async def all(self) -> list[Station]:
        """Every station, by site and name."""
        return await self._list(_select())

    async def of_clinic(self, clinic_id: int) -> list[Station]:
        """The stations that call this clinic."""
        return await self._list(_select().where(schema.station.c.clinic_id == clinic_id))

    async def change(
        self, station_id: str, *, name: str, site_id: int, clinic_id: int | None, language: Language, volume: int
    ) -> Station:
        """Set what the station should work by. The version grows only if something really changes."""
        before = await self.get(station_id)
        await self._check_places(site_id, clinic_id)
        values: dict[str, Any] = {
            "name": text(name, "station", 80), "site_id": site_id, "clinic_id": clinic_id,
            "language": _language(language), "volume": _volume(volume),
        }  # fmt: skip
        if any(getattr(before, key) != value for key, value in values.items()):
            grown = schema.station.c.desired_version + 1
            await self._run(
                update(schema.station).where(schema.station.c.id == station_id).values(desired_version=grown, **values)
            )
        return await self.get(station_id)

    async def touch_clinic(self, clinic_id: int) -> list[Station]:
        """The clinic's name or number changed: the version of each of its stations grows. Gives those stations."""
        grown = schema.station.c.desired_version + 1
        await self._run(
            update(schema.station).where(schema.station.c.clinic_id == clinic_id).values(desired_version=grown)
        )
        return await self.of_clinic(clinic_id)

    async def unpublished(self) -> list[Station]:
        """The stations whose desired config the broker has not taken yet."""
        newer = schema.station.c.desired_version > schema.station.c.published_version
        return await self._list(_select().where(newer))

    async def published(self, station_id: str, version: int) -> None:
        """The broker has taken that version of the station's desired config."""
        older = schema.station.c.published_version < version
        await self._run(
            update(schema.station).where(schema.station.c.id == station_id, older).values(published_version=version)
        )

    async def forget_published(self) -> None:
        """The broker has lost what it retained: everything is to be published again."""
        await self._run(update(schema.station).values(published_version=0))

    async def set_admission(self, station_id: str, admission: Admission) -> bool:
        """Let the station in, or shut it out; True when that is news."""
        done = await self._run(
            update(schema.station)
            .where(schema.station.c.id == station_id, schema.station.c.admission != admission)
            .values(admission=admission)
        )
        return done.rowcount == 1

    async def shut_out(self) -> list[Station]:
        """The stations that nobody lets in: revoked, or in quarantine."""
        return await self._list(_select().where(schema.station.c.admission != "admitted"))

    async def _list(self, statement: Select[Any]) -> list[Station]:
        ordered = statement.order_by(schema.site.c.name, schema.station.c.name, schema.station.c.id)
        return [Station(**row) for row in await self._rows(ordered)]

    async def _check_places(self, site_id: int, clinic_id: int | None) -> None:
        if await self._row(select(schema.site.c.id).where(schema.site.c.id == site_id)) is None:
            raise NotFound("no such site")
        if clinic_id is not None and not await self._row(
            select(schema.clinic.c.id).where(schema.clinic.c.id == clinic_id)
        ):
            raise NotFound("no such clinic")


def _select() -> Select[Any]:
    station, site, clinic = schema.station.c, schema.site.c, schema.clinic.c
    return (
        select(
            station.id, station.name, station.site_id, site.name.label("site"), station.clinic_id,
            func.coalesce(clinic.name, "").label("clinic"), func.coalesce(clinic.phone, "").label("phone"),
            station.language, station.volume, station.desired_version, station.published_version, station.created_at,
            station.admission,
        )
        .join(schema.site, site.id == station.site_id)
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
