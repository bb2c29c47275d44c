"""The JSON API of clinics, sites and stations; for IT's scripts. Described at /api/openapi.json."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from messaging.enrolment import write_code_file
from messaging.twin import Language
from region.registry.records import AuditRow, Clinic, Site, Station
from region.registry.stations import KEPT
from region.stations.admission import Admission, Why
from region.stations.codes import CodeService
from region.stations.service import Change, Settings, StationService
from region.stations.standing import EnrolmentTold, enrolment_of
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.fields import Body, Number, StationId

Name = Annotated[str, Field(max_length=80)]
Volume = Annotated[int, Field(ge=0, le=100)]
Serial = Annotated[str, Field(max_length=64)]


class NewClinic(Body):
    """A clinic to make."""

    name: str = Field(max_length=80)
    phone: str = Field(default="", max_length=24)


class ClinicChange(Body):
    """What is to be another about a clinic; what is not named, or null, stays as it is."""

    name: str | None = Field(default=None, max_length=80)
    phone: str | None = Field(default=None, max_length=24)


class NewSite(Body):
    """A site to make."""

    name: str = Field(max_length=80)


class NewStation(Body):
    """A station to make. What is not named, or null, is as the layers above say; the room: of the station's name."""

    name: Name
    site_id: Number
    clinic_id: Number | None = None
    language: Language | None = None
    volume: Volume | None = None
    room: Name | None = None
    serial: Serial | None = None

    def settings(self) -> Settings:
        """As the service takes it."""
        return Settings(
            self.name, self.site_id, self.clinic_id, self.language, self.volume, self.room, self.serial
        )  # fmt: skip


class StationChange(Body):
    """What is to be another about a station: what is not named, or null, stays as it is.

    `clinic_id` alone means something as null: the button calls nobody, whatever the layers above say. To have them say
    a value again, name it in `unset` of `PATCH /api/profiles/station`.
    """

    name: Name | None = None
    site_id: Number | None = None
    clinic_id: Number | None = None
    language: Language | None = None
    volume: Volume | None = None
    room: Name | None = None
    serial: Serial | None = Field(default=None, description="of its computer; an empty one: not known")

    def change(self) -> Change:
        """As the service takes it."""
        clinic_id = self.clinic_id if "clinic_id" in self.model_fields_set else KEPT
        return Change(
            self.name, self.site_id, clinic_id, self.language, self.volume, self.room, self.serial
        )  # fmt: skip


class Reason(Body):
    """Why a station is revoked."""

    why: Why = "other"


class CodeFileText(BaseModel):
    """A code file: told once, kept nowhere."""

    station: str
    toml: str


def build_router(service: StationService, codes: CodeService, admission: Admission) -> APIRouter:
    """The routes below /api."""
    router = APIRouter(prefix="/api", tags=["stations"])

    @router.get("/clinics")
    async def clinics(request: Request, _session: ItAdmin) -> list[Clinic]:
        """List the clinics."""
        async with region_of(request).registry.read() as t:
            return await t.clinics.all()

    @router.post("/clinics", status_code=201)
    async def add_clinic(session: ItAdmin, new: NewClinic) -> Clinic:
        """Add a clinic."""
        return await service.add_clinic(session.person.name, new.name, new.phone)

    @router.patch("/clinics/{clinic_id}")
    async def change_clinic(session: ItAdmin, clinic_id: Number, change: ClinicChange) -> Clinic:
        """Give a clinic another name or telephone number; its stations are told."""
        return await service.change_clinic(session.person.name, clinic_id, change.name, change.phone)

    @router.delete("/clinics/{clinic_id}", status_code=204)
    async def remove_clinic(session: ItAdmin, clinic_id: Number) -> None:
        """Remove a clinic that no station calls or falls back on, and for which nobody works.

        The figures of its calls stay; one that is added with its name is that clinic again.
        """
        await service.remove_clinic(session.person.name, clinic_id)

    @router.get("/sites")
    async def sites(request: Request, _session: ItAdmin) -> list[Site]:
        """List the sites."""
        async with region_of(request).registry.read() as t:
            return await t.sites.all()

    @router.post("/sites", status_code=201)
    async def add_site(session: ItAdmin, new: NewSite) -> Site:
        """Add a site."""
        return await service.add_site(session.person.name, new.name)

    @router.get("/stations")
    async def stations(request: Request, _session: ItAdmin) -> list[Station]:
        """List the stations, by site and name."""
        async with region_of(request).registry.read() as t:
            return await t.stations.all()

    @router.post("/stations", status_code=201)
    async def add_station(session: ItAdmin, new: NewStation) -> Station:
        """Add a station; it enrols with a code (`make_code`), or is claimed."""
        return await service.add_station(session.person.name, new.settings())

    @router.get("/stations/{station_id}")
    async def station(request: Request, _session: ItAdmin, station_id: StationId) -> Station:
        """One station."""
        async with region_of(request).registry.read() as t:
            return await t.stations.get(station_id)

    @router.get("/stations/{station_id}/enrolment")
    async def station_enrolment(request: Request, _session: ItAdmin, station_id: StationId) -> EnrolmentTold:
        """How a station came in: its code, and its certificates, the newest first."""
        region = region_of(request)
        async with region.registry.read() as t:
            return await enrolment_of(t, station_id, region.clock.wall())

    @router.patch("/stations/{station_id}")
    async def change_station(session: ItAdmin, station_id: StationId, change: StationChange) -> Station:
        """Change what a station works by; it is told as soon as it is there.

        What is not named stays as it is, and goes on being said by the layer that says it.
        """
        return await service.change_station(session.person.name, station_id, change.change())

    @router.post("/stations/{station_id}/code", status_code=201)
    async def make_code(session: ItAdmin, station_id: StationId) -> CodeFileText:
        """Make a code file, in place of any before it.

        It is a secret, works once, and is told here and nowhere else.
        """
        code_file = await codes.make(session.person.name, station_id)
        return CodeFileText(station=station_id, toml=write_code_file(code_file))

    @router.post("/stations/{station_id}/revoke")
    async def revoke(session: ItAdmin, station_id: StationId, why: Reason) -> Station:
        """Shut a station out for good, and revoke its certificates.

        A running region cuts it off within seconds, its call included.
        """
        return await admission.revoke(session.person.name, station_id, why.why)

    @router.post("/stations/{station_id}/release")
    async def release(session: ItAdmin, station_id: StationId) -> Station:
        """Let a station in again that was in quarantine or revoked.

        One that was revoked needs a new code.
        """
        return await admission.release(session.person.name, station_id)

    @router.get("/audit")
    async def audit(
        request: Request, _session: ItAdmin, station: StationId | None = None, before: Number | None = None
    ) -> list[AuditRow]:
        """Read the log, the latest hundred rows first; those before the row `before`."""
        async with region_of(request).registry.read() as t:
            return await t.audit.recent(100, station_id=station, before=before)

    return router
