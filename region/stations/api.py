"""The JSON API of clinics, sites and stations; for IT's scripts. Described at /api/openapi.json."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from messaging.enrolment import write_code_file
from messaging.twin import Language
from region.registry.records import AuditRow, Clinic, Site, Station
from region.stations.admission import Admission, Why
from region.stations.service import Settings, StationService
from region.web.auth import ItAdmin
from region.web.context import region_of


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewClinic(_Strict):
    """A clinic to make."""

    name: str = Field(max_length=80)
    phone: str = Field("", max_length=24)


class NewSite(_Strict):
    """A site to make."""

    name: str = Field(max_length=80)


class StationSettings(_Strict):
    """What a station should work by."""

    name: str = Field(max_length=80)
    site_id: int
    clinic_id: int | None = None
    language: Language = "da"
    volume: int = Field(70, ge=0, le=100)

    def settings(self) -> Settings:
        """As the service takes it."""
        return Settings(self.name, self.site_id, self.clinic_id, self.language, self.volume)


class Reason(_Strict):
    """Why a station is revoked."""

    why: Why = "other"


class CodeFileText(BaseModel):
    """A code file: told once, kept nowhere."""

    station: str
    toml: str


def build_router(service: StationService, admission: Admission) -> APIRouter:
    """The routes below /api."""
    router = APIRouter(prefix="/api", tags=["stations"])

    @router.get("/clinics")
    async def clinics(request: Request, _session: ItAdmin) -> list[Clinic]:
        async with region_of(request).registry.read() as t:
            return await t.clinics.all()

    @router.post("/clinics", status_code=201)
    async def add_clinic(session: ItAdmin, new: NewClinic) -> Clinic:
        return await service.add_clinic(session.person.name, new.name, new.phone)

    @router.put("/clinics/{clinic_id}")
    async def change_clinic(session: ItAdmin, clinic_id: int, new: NewClinic) -> Clinic:
        return await service.change_clinic(session.person.name, clinic_id, new.name, new.phone)

    @router.get("/sites")
    async def sites(request: Request, _session: ItAdmin) -> list[Site]:
        async with region_of(request).registry.read() as t:
            return await t.sites.all()

    @router.post("/sites", status_code=201)
    async def add_site(session: ItAdmin, new: NewSite) -> Site:
        return await service.add_site(session.person.name, new.name)

    @router.get("/stations")
    async def stations(request: Request, _session: ItAdmin) -> list[Station]:
        async with region_of(request).registry.read() as t:
            return await t.stations.all()

    @router.post("/stations", status_code=201)
    async def add_station(session: ItAdmin, new: StationSettings) -> Station:
        return await service.add_station(session.person.name, new.settings())

    @router.get("/stations/{station_id}")
    async def station(request: Request, _session: ItAdmin, station_id: str) -> Station:
        async with region_of(request).registry.read() as t:
            return await t.stations.get(station_id)

    @router.put("/stations/{station_id}")
    async def change_station(session: ItAdmin, station_id: str, new: StationSettings) -> Station:
        return await service.change_station(session.person.name, station_id, new.settings())

    @router.post("/stations/{station_id}/code", status_code=201)
    async def make_code(session: ItAdmin, station_id: str) -> CodeFileText:
        code_file = await service.make_code(session.person.name, station_id)
        return CodeFileText(station=station_id, toml=write_code_file(code_file))

    @router.post("/stations/{station_id}/revoke")
    async def revoke(session: ItAdmin, station_id: str, why: Reason) -> Station:
        return await admission.revoke(session.person.name, station_id, why.why)

    @router.post("/stations/{station_id}/release")
    async def release(session: ItAdmin, station_id: str) -> Station:
        return await admission.release(session.person.name, station_id)

    @router.get("/audit")
    async def audit(
        request: Request, _session: ItAdmin, station: str | None = None, before: int | None = None
    ) -> list[AuditRow]:
        async with region_of(request).registry.read() as t:
            return await t.audit.recent(100, station_id=station, before=before)

    return router
