"""Clinics and sites."""

from __future__ import annotations

import re

from sqlalchemy import insert, select, update

from region.registry import schema
from region.registry.errors import Conflict, Invalid, NotFound
from region.registry.records import Clinic, Site
from region.registry.table import Subject, text

_PHONE = re.compile(r"\+?[0-9 ]{3,24}")


class Clinics(Subject):
    """Whom buttons call."""

    async def add(self, name: str, phone: str, now: float) -> Clinic:
        """A new clinic; Conflict if there is one of that name, Invalid for a bad name or telephone number."""
        name, phone = text(name, "clinic", 80), _phone(phone)
        if await self.find(name) is not None:
            raise Conflict(f"there is a clinic called {name} already")
        await self._run(insert(schema.clinic).values(name=name, phone=phone, created_at=now))
        made = await self.find(name)
        if made is None:
            raise NotFound("no such clinic")
        return made

    async def get(self, clinic_id: int) -> Clinic:
        """The clinic, or NotFound."""
        row = await self._row(select(schema.clinic).where(schema.clinic.c.id == clinic_id))
        if row is None:
            raise NotFound("no such clinic")
        return Clinic(**row)

    async def find(self, name: str) -> Clinic | None:
        """The clinic of that name."""
        row = await self._row(select(schema.clinic).where(schema.clinic.c.name == name))
        return None if row is None else Clinic(**row)

    async def all(self) -> list[Clinic]:
        """Every clinic, by name."""
        return [Clinic(**row) for row in await self._rows(select(schema.clinic).order_by(schema.clinic.c.name))]

    async def change(self, clinic_id: int, name: str, phone: str) -> Clinic:
        """Give it another name or number. Its stations' config changes with it: see `Stations.touch_clinic`."""
        name, phone = text(name, "clinic", 80), _phone(phone)
        other = await self.find(name)
        if other is not None and other.id != clinic_id:
            raise Conflict(f"there is a clinic called {name} already")
        await self._run(update(schema.clinic).where(schema.clinic.c.id == clinic_id).values(name=name, phone=phone))
        return await self.get(clinic_id)


class Sites(Subject):
    """Where stations stand."""

    async def add(self, name: str, now: float) -> Site:
        """A new site; Conflict if there is one of that name."""
        name = text(name, "site", 80)
        if await self.find(name) is not None:
            raise Conflict(f"there is a site called {name} already")
        await self._run(insert(schema.site).values(name=name, created_at=now))
        made = await self.find(name)
        if made is None:
            raise NotFound("no such site")
        return made

    async def get(self, site_id: int) -> Site:
        """The site, or NotFound."""
        row = await self._row(select(schema.site).where(schema.site.c.id == site_id))
        if row is None:
            raise NotFound("no such site")
        return Site(**row)

    async def find(self, name: str) -> Site | None:
        """The site of that name."""
        row = await self._row(select(schema.site).where(schema.site.c.name == name))
        return None if row is None else Site(**row)

    async def all(self) -> list[Site]:
        """Every site, by name."""
        return [Site(**row) for row in await self._rows(select(schema.site).order_by(schema.site.c.name))]


def _phone(value: str) -> str:
    value = text(value, "phone", 24, empty=True)
    if value and not _PHONE.fullmatch(value):
        raise Invalid("phone: digits and spaces, a plus in front if need be")
    return value
