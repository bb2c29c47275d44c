"""The pages of clinics, sites and stations; for IT."""

from __future__ import annotations

import base64
from typing import Annotated, get_args

from fastapi import APIRouter, Form
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from messaging.command import DISTURBING
from messaging.enrolment import write_code_file
from messaging.twin import Language
from region.reasons import read
from region.registry import Conflict, Invalid, NotFound, RegistryError
from region.registry.records import Station, WebSession
from region.stations.admission import Admission, Why
from region.stations.codes import CodeService
from region.stations.command_pages import COMMAND_REFUSALS, ON_THE_PAGE, WITH_FIELDS, CommandForm, lines_of
from region.stations.commanding import Commanding, Whom
from region.stations.service import Change, Settings, StationService
from region.stations.standing import enrolment_of
from region.web import fields
from region.web.audit import Teller
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.forms import Refusals, choice, number, refusal, told

REASONS: tuple[Why, ...] = get_args(Why)
Text = Annotated[str, Form(max_length=120)]
Typed = Annotated[str, Field(max_length=120)]
_REFUSALS: Refusals = {
    Conflict: ("stations.error.conflict", 409), Invalid: ("stations.error.invalid", 422),
    NotFound: ("stations.error.not_found", 404),
}  # fmt: skip


class StationForm(BaseModel):
    """What the form of a new station says; a field that is not in it is empty. No clinic: as the layers above say."""

    name: Typed = ""
    site: Typed = ""
    clinic: Typed = ""


class SettingsForm(StationForm):
    """What the form of a station says of it. No clinic: it calls nobody."""

    room: Typed = ""
    language: Language = "da"
    volume: Typed = ""

    def change(self) -> Change:
        """As the service takes it; Invalid for what is no number where one is meant."""
        return Change(
            self.name, number("site", self.site), choice(self.clinic), self.language, number("volume", self.volume),
            self.room,
        )  # fmt: skip


def build_router(
    service: StationService, codes: CodeService, admission: Admission, commanding: Commanding
) -> APIRouter:
    """The pages; what they do is the service's."""
    router = APIRouter(include_in_schema=False)

    @router.get("/sites")
    async def show_sites(request: Request, session: ItAdmin, saved: bool = False) -> Response:
        return await _sites(request, session, saved=saved)

    @router.post("/sites")
    async def add_site(request: Request, session: ItAdmin, name: Text) -> Response:
        try:
            await service.add_site(session.person.name, name)
        except RegistryError as error:
            return await _sites(request, session, error)
        return RedirectResponse("/sites?saved=true", 303)

    @router.post("/clinics")
    async def add_clinic(request: Request, session: ItAdmin, name: Text, phone: Text = "") -> Response:
        try:
            await service.add_clinic(session.person.name, name, phone)
        except RegistryError as error:
            return await _sites(request, session, error)
        return RedirectResponse("/sites?saved=true", 303)

    @router.post("/clinics/{clinic_id}")
    async def change_clinic(
        request: Request, session: ItAdmin, clinic_id: fields.Number, name: Text, phone: Text = ""
    ) -> Response:
        try:
            await service.change_clinic(session.person.name, clinic_id, name, phone)
        except RegistryError as error:
            return await _sites(request, session, error)
        return RedirectResponse("/sites?saved=true", 303)

    @router.post("/clinics/{clinic_id}/remove")
    async def remove_clinic(request: Request, session: ItAdmin, clinic_id: fields.Number) -> Response:
        try:
            await service.remove_clinic(session.person.name, clinic_id)
        except RegistryError as error:
            return await _sites(request, session, error)
        return RedirectResponse("/sites?saved=true", 303)

    @router.post("/stations")
    async def add_station(request: Request, session: ItAdmin, form: Annotated[StationForm, Form()]) -> Response:
        try:
            settings = Settings(form.name, number("site", form.site), choice(form.clinic))
            station = await service.add_station(session.person.name, settings)
        except RegistryError as error:
            return await _sites(request, session, error, wanted=form)
        return RedirectResponse(f"/stations/{station.id}", 303)

    @router.get("/stations/{station_id}")
    async def show_station(
        request: Request, session: ItAdmin, station_id: str, saved: bool = False, given: bool = False
    ) -> Response:
        return await _station(request, session, station_id, saved=saved, given=given)

    @router.post("/stations/{station_id}")
    async def change_station(
        request: Request, session: ItAdmin, station_id: str, form: Annotated[SettingsForm, Form()]
    ) -> Response:
        try:
            await service.change_station(session.person.name, station_id, form.change())
        except RegistryError as error:
            return await _station(request, session, station_id, error, wanted=form)
        return RedirectResponse(f"/stations/{station_id}?saved=true", 303)

    @router.post("/stations/{station_id}/code")
    async def make_code(request: Request, session: ItAdmin, station_id: str) -> Response:
        content = write_code_file(await codes.make(session.person.name, station_id))
        return await _station(request, session, station_id, code_file=content)

    @router.post("/stations/{station_id}/revoke")
    async def revoke(session: ItAdmin, station_id: str, why: Annotated[Why, Form()]) -> Response:
        await admission.revoke(session.person.name, station_id, why)
        return RedirectResponse(f"/stations/{station_id}", 303)

    @router.post("/stations/{station_id}/release")
    async def release(session: ItAdmin, station_id: str) -> Response:
        await admission.release(session.person.name, station_id)
        return RedirectResponse(f"/stations/{station_id}", 303)

    @router.post("/stations/{station_id}/commands")
    async def give_command(
        request: Request, session: ItAdmin, station_id: str, form: Annotated[CommandForm, Form()]
    ) -> Response:
        try:
            asked = form.asked(ON_THE_PAGE, region_of(request).clock.wall())
            await commanding.give(session.person.name, Whom((station_id,)), asked)
        except RegistryError as error:
            return await _station(request, session, station_id, error, refusals=COMMAND_REFUSALS, typed=form)
        return RedirectResponse(f"/stations/{station_id}?given=true#commands", 303)

    @router.post("/stations/{station_id}/commands/{cid}/cancel")
    async def cancel_command(request: Request, session: ItAdmin, station_id: str, cid: str) -> Response:
        try:
            await commanding.cancel(session.person.name, cid)
        except Conflict as error:
            return await _station(request, session, station_id, error, refusals=COMMAND_REFUSALS)
        return RedirectResponse(f"/stations/{station_id}#commands", 303)

    return router


async def _sites(
    request: Request, session: WebSession, error: RegistryError | None = None, *, saved: bool = False,
    wanted: StationForm | None = None,
) -> Response:  # fmt: skip
    region = region_of(request)
    async with region.registry.read() as t:
        clinics, sites, counts = await t.clinics.all(), await t.sites.all(), await t.stations.per_site()
    message, status = refusal(request, session, error, _REFUSALS)
    if error is not None and read(str(error)) is not None:
        message = told(request, session, error)
    return region.pages.page(
        request, "stations/sites.html", session, status, clinics=clinics, sites=sites, counts=counts, error=message,
        saved=saved, wanted=wanted,
    )  # fmt: skip


async def _station(
    request: Request, session: WebSession, station_id: str, error: RegistryError | None = None, *, code_file: str = "",
    saved: bool = False, given: bool = False, refusals: Refusals = _REFUSALS, wanted: SettingsForm | None = None,
    typed: CommandForm | None = None,
) -> Response:  # fmt: skip
    region = region_of(request)
    async with region.registry.read() as t:
        station = await t.stations.get(station_id)
        clinics, sites = await t.clinics.all(), await t.sites.all()
        history, tokens = await t.audit.recent(20, station_id=station_id), await t.api_tokens.names()
        words, has, now = region.pages.translator(request, session), region.pages.has_words, region.clock.wall()
        commands, enrolment = await lines_of(t, station_id, now, words, has), await enrolment_of(t, station_id, now)
    message, status = refusal(request, session, error, refusals)
    teller = Teller(words, has, {station.id: station}, tokens)
    told = [teller.tell(row) for row in history]
    return region.pages.page(
        request, "stations/station.html", session, status, station=station, clinics=clinics, sites=sites,
        enrolment=enrolment, certificates=enrolment.certificates, reasons=REASONS, commands=commands,
        history=told, code_file=code_file, saved=saved, given=given, error=message, on_the_page=ON_THE_PAGE,
        with_fields=WITH_FIELDS, waiting=DISTURBING,
        code_file_data=base64.b64encode(code_file.encode()).decode(), wanted=wanted or _as_it_is(station), typed=typed,
    )  # fmt: skip


def _as_it_is(station: Station) -> SettingsForm:
    clinic = "" if station.clinic_id is None else str(station.clinic_id)
    return SettingsForm(
        name=station.name, room=station.room, site=str(station.site_id), clinic=clinic,
        language=station.language, volume=str(station.volume),
    )  # fmt: skip
