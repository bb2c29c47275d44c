"""The subject `fleet`: its pages, API and live updates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from region.fleet import words
from region.fleet.intake import Intake
from region.fleet.standing import Standing, standing
from region.registry import Registry
from region.registry.records import ProcessPresence, Report, Station
from region.web.auth import ItAdmin, live
from region.web.context import Region, region_of
from region.web.subject import Nav, Subject

T = TypeVar("T", ProcessPresence, Report)
TELL_EVERY_S = 1.0
_PAGE = 100


@dataclass(frozen=True)
class StationStanding:
    """A station and how it stands."""

    station: Station
    standing: Standing


def subject(region: Region) -> Subject:
    """Pages, API, and what comes from the stations."""
    intake = Intake(region.registry, region.clock)

    async def tell_pages() -> None:
        while True:
            if intake.changed:
                intake.changed = False
                region.hub.publish("fleet", "fleet", "")
            await region.clock.sleep(TELL_EVERY_S)

    return Subject(
        name="fleet",
        folder=Path(__file__).parent,
        router=_router(),
        words=words.WORDS,
        nav=(Nav("/fleet", "fleet.nav", "it_admin"), Nav("/audit", "fleet.audit.nav", "it_admin")),
        up={"birth": intake, "reported": intake, "m": intake, "e": intake},
        presence=intake.presence,
        run=tell_pages,
    )


async def whole_fleet(registry: Registry, now: float) -> list[StationStanding]:
    """Every station and how it stands, by site and name."""
    async with registry.read() as t:
        stations = await t.stations.all()
        presence, reports = await t.reports.all_presence(), await t.reports.all_reports()
    processes = _grouped(presence)
    told = _grouped(reports)
    return [
        StationStanding(one, standing(one, processes.get(one.id, ()), told.get(one.id, ()), now)) for one in stations
    ]


def _grouped(records: Iterable[T]) -> dict[str, list[T]]:
    groups: dict[str, list[T]] = {}
    for record in records:
        groups.setdefault(record.station_id, []).append(record)
    return groups


def _router() -> APIRouter:
    router = APIRouter()

    @router.get("/fleet", include_in_schema=False)
    async def show_fleet(request: Request, session: ItAdmin) -> Response:
        return await _fleet(request, session, "fleet/fleet.html")

    @router.get("/fleet/stations", include_in_schema=False)
    async def fleet_fragment(request: Request, session: ItAdmin) -> Response:
        return await _fleet(request, session, "fleet/stations.html")

    @router.get("/fleet/events", include_in_schema=False)
    async def fleet_events(request: Request, session: ItAdmin) -> Response:
        return live(request, session, ["fleet"])

    @router.get("/audit", include_in_schema=False)
    async def show_audit(request: Request, session: ItAdmin, before: int | None = None) -> Response:
        region = region_of(request)
        async with region.registry.read() as t:
            rows = await t.audit.recent(_PAGE + 1, before=before)
        older = rows[_PAGE - 1].id if len(rows) > _PAGE else None
        return region.pages.page(request, "fleet/audit.html", session, rows=rows[:_PAGE], older=older)

    @router.get("/api/fleet", tags=["fleet"])
    async def fleet(request: Request, _session: ItAdmin) -> list[StationStanding]:
        region = region_of(request)
        return await whole_fleet(region.registry, region.clock.wall())

    return router


async def _fleet(request: Request, session: ItAdmin, template: str) -> Response:
    region = region_of(request)
    stations = await whole_fleet(region.registry, region.clock.wall())
    ready = sum(one.standing.ready for one in stations)
    return region.pages.page(request, template, session, stations=stations, ready=ready)
