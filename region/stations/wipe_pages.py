"""A station erased for good, from its page: what will happen is told first, and who does it types which one it is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from region.registry import Conflict, Invalid, RegistryError
from region.registry.records import Station, WebSession
from region.stations.command_pages import COMMAND_REFUSALS, GOOD_FOR_S, Text, TimedForm
from region.stations.commanding import Commanding, Whom
from region.stations.importing.cells import folded
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.forms import Refusals, refusal


class NotTheOne(Invalid):
    """What was typed is neither the station's name nor its serial number."""


_REFUSALS: Refusals = {**COMMAND_REFUSALS, NotTheOne: ("stations.wipe.error.not_the_one", 422)}


class WipeForm(TimedForm):
    """Which station is meant, as somebody typed it."""

    named: Text = ""


def is_meant(station: Station, typed: str) -> bool:
    """Whether that is the station's name or its serial number; large and small letters and blanks aside."""
    name, serial = folded(typed).casefold(), "".join(typed.split()).lower()
    return name == folded(station.name).casefold() or (serial != "" and serial == station.serial)


def build_router(commanding: Commanding) -> APIRouter:
    """The page that asks, and what it does; that is the service's."""
    router = APIRouter(include_in_schema=False)

    @router.get("/stations/{station_id}/wipe")
    async def ask(request: Request, session: ItAdmin, station_id: str) -> Response:
        return await _page(request, session, station_id)

    @router.post("/stations/{station_id}/wipe")
    async def wipe(request: Request, session: ItAdmin, station_id: str, form: Annotated[WipeForm, Form()]) -> Response:
        region = region_of(request)
        async with region.registry.read() as t:
            station = await t.stations.get(station_id)
        try:
            if not is_meant(station, form.named):
                raise NotTheOne(f"{station_id}: named otherwise")
            asked = form.timed("wipe", {"station": station_id}, region.clock.wall())
            await commanding.give(session.person.name, Whom((station_id,)), asked)
        except (Conflict, Invalid) as error:
            return await _page(request, session, station_id, error, form)
        return RedirectResponse(f"/stations/{station_id}?given=true#commands", 303)

    return router


async def _page(
    request: Request, session: WebSession, station_id: str, error: RegistryError | None = None,
    typed: TimedForm | None = None,
) -> Response:  # fmt: skip
    region = region_of(request)
    async with region.registry.read() as t:
        station = await t.stations.get(station_id)
    message, status = refusal(request, session, error, _REFUSALS)
    return region.pages.page(
        request, "stations/wipe.html", session, status, station=station, spans=[*GOOD_FOR_S], error=message,
        typed=typed, not_the_one=isinstance(error, NotTheOne),
    )  # fmt: skip
