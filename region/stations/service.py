"""What can be done with clinics, sites and stations: by pages, API and command line alike. Each change is audited."""

from __future__ import annotations

from dataclasses import dataclass

from messaging.clock import Clock
from messaging.twin import Language
from region.registry import Registry, Transaction
from region.registry.changes import of_clinic, of_move, of_station
from region.registry.place_upkeep import NamedPlace
from region.registry.records import Clinic, Site, Station
from region.registry.stations import KEPT, Kept


@dataclass(frozen=True)
class Settings:
    """What a new station should work by. `room` None: the one of its name; clinic, language or volume None: as the
    layers above say."""

    name: str
    site_id: int
    clinic_id: int | None
    language: Language | None = None
    volume: int | None = None
    room: str | None = None
    serial: str | None = None


@dataclass(frozen=True)
class Change:
    """What is to be another about a station; None: as it is, save `clinic_id`, where None has it call nobody.

    A `serial` that is empty: not known.
    """

    name: str | None = None
    site_id: int | None = None
    clinic_id: int | Kept | None = KEPT
    language: Language | None = None
    volume: int | None = None
    room: str | None = None
    serial: str | None = None


async def tell_change(t: Transaction, actor: str, before: Station, after: Station, now: float) -> None:
    """What somebody changed of a station: a move is told by itself, with where from."""
    if moved := of_move(before, after):
        await t.audit.add(actor, "station.move", "done", now, moved, station_id=after.id)
    if changes := of_station(before, after):
        await t.audit.add(actor, "station.change", "done", now, changes, station_id=after.id)


class StationService:
    """`actor` is whom the audit names: as `region.registry.actors` has it."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def add_clinic(self, actor: str, name: str, phone: str) -> Clinic:
        """A new clinic; RegistryError if it cannot be."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            clinic = await t.clinics.add(name, phone, now)
            await t.audit.add(actor, "clinic.add", "done", now, clinic=clinic.name)
        return clinic

    async def change_clinic(self, actor: str, clinic_id: int, name: str | None, phone: str | None) -> Clinic:
        """Another name or number, None: as it is; its stations are told."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            before = await t.clinics.get(clinic_id)
            name, phone = before.name if name is None else name, before.phone if phone is None else phone
            clinic = await t.clinics.change(clinic_id, name, phone)
            if clinic != before:
                await t.audit.add(actor, "clinic.change", "done", now, of_clinic(before, clinic), clinic=before.name)
        return clinic

    async def remove_clinic(self, actor: str, clinic_id: int) -> NamedPlace:
        """Remove a clinic that nobody calls or works for; Conflict says who does. The figures of its calls stay."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            gone = await t.places.remove("clinic", clinic_id, now)
            await t.audit.add(actor, "clinic.remove", "done", now, clinic=gone.name)
        return gone

    async def add_site(self, actor: str, name: str) -> Site:
        """A new site."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            site = await t.sites.add(name, now)
            await t.audit.add(actor, "site.add", "done", now, site=site.name)
        return site

    async def add_station(self, actor: str, settings: Settings) -> Station:
        """A new station, with an id of its own."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            station = await t.stations.add(
                settings.name, settings.site_id, settings.clinic_id, now,
                language=settings.language, volume=settings.volume, room=settings.room or "", serial=settings.serial,
                by=actor,
            )  # fmt: skip
            await t.audit.add(
                actor, "station.add", "done", now, station_id=station.id, name=station.name, site=station.site,
                room=station.room,
            )  # fmt: skip
        return station

    async def change_station(self, actor: str, station_id: str, change: Change) -> Station:
        """What the station should work by; it is told as soon as the broker has it."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            before = await t.stations.get(station_id)
            station = await t.stations.change(
                station_id, name=change.name, site_id=change.site_id, clinic_id=change.clinic_id,
                language=change.language, volume=change.volume, room=change.room, by=actor, now=now,
            )  # fmt: skip
            if change.serial is not None and (change.serial or None) != before.serial:
                await t.stations.set_serial(station_id, change.serial)
                station = await t.stations.get(station_id)
            await tell_change(t, actor, before, station, now)
        return station
