"""Stations removed by a page, one or many: which they are and what stays is told first."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from region.registry import Conflict, Invalid, RegistryError
from region.registry.records import Station, WebSession
from region.stations.bulk import Many
from region.stations.commanding import Commanding, Whom
from region.stations.removing import RemovalService
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.forms import told


def build_router(removal: RemovalService, commanding: Commanding) -> APIRouter:
    """The pages; what they do is the service's."""
    router = APIRouter(include_in_schema=False)

    @router.get("/stations/{station_id}/remove")
    async def ask(request: Request, session: ItAdmin, station_id: str) -> Response:
        async with region_of(request).registry.read() as t:
            station = await t.stations.get(station_id)
        return await _page(request, session, [station])

    @router.post("/stations/{station_id}/remove")
    async def remove(request: Request, session: ItAdmin, station_id: str) -> Response:
        try:
            await removal.remove(session.person.name, (station_id,))
        except Conflict as error:
            async with region_of(request).registry.read() as t:
                station = await t.stations.get(station_id)
            return await _page(request, session, [station], error)
        return RedirectResponse(f"/audit?station={station_id}", 303)

    @router.post("/bulk/removal")
    async def ask_of_many(request: Request, session: ItAdmin, stations: Many, where: Many = "") -> Response:
        return await _page(request, session, await commanding.look(_named(stations)), where=where, many=True)

    @router.post("/bulk/remove")
    async def remove_many(request: Request, session: ItAdmin, stations: Many, where: Many = "") -> Response:
        found = await commanding.look(_named(stations))
        try:
            await removal.remove(session.person.name, [one.id for one in found])
        except (Conflict, Invalid) as error:
            return await _page(request, session, found, error, where=where, many=True)
        return await _page(request, session, found, where=where, many=True, done=True)

    return router


def _named(stations: str) -> Whom:
    return Whom(tuple(dict.fromkeys(stations.split())))


async def _page(
    request: Request, session: WebSession, stations: Sequence[Station], error: RegistryError | None = None, *,
    where: str = "", many: bool = False, done: bool = False,
) -> Response:  # fmt: skip
    status = 200 if error is None else 409 if isinstance(error, Conflict) else 422
    return region_of(request).pages.page(
        request, "stations/remove.html", session, status, stations=stations, count=len(stations), where=where,
        many=many, done=done, error="" if error is None else told(request, session, error),
        in_use=sum(one.admission != "revoked" for one in stations), ids=" ".join(one.id for one in stations),
    )  # fmt: skip
