"""A site's own page: its staff see which of their stations can call now, and what they can do about one that cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from messaging.opening import is_open, opens_next
from messaging.times import UnixTime
from messaging.twin import Config
from region.daytime import local_time
from region.fleet.standing import Standing
from region.fleet.whole import StationStanding, find_in_fleet, one_of_the_fleet
from region.registry import NotFound
from region.registry.filters import Filter
from region.registry.records import Station, WebSession
from region.web.auth import SiteStaff, live
from region.web.context import region_of
from region.web.fields import StationId
from region.web.rights import scope_of

# What somebody at the site can do something about; all else is IT's, and is said so.
_THEIRS = {
    "offline": "plug", "unheard": "unheard", "never_seen": "plug", "weak_wifi": "wifi", "camera_missing": "camera",
    "no_devices": "devices", "microphone_missing": "microphone", "speaker_missing": "speaker",
    "call_offline": "wait", "call_unheard": "wait", "locked": "locked", "no_clinic": "no_clinic", "no_screen": "screen",
}  # fmt: skip

_REGION = "region"


@dataclass(frozen=True)
class AtHome:
    """One station as its site's staff see it. `advice`: stable words, keys of `fleet.home.do.`.

    `closed`: the clinic is, by the hours that the station goes by; then its button calls the `fallback`, if there is
    one. `opens`: when the clinic is there again, in Unix seconds, None where nobody has said.
    """

    id: str
    name: str
    room: str
    site: str
    clinic: str
    phone: str
    ready: bool
    in_call: bool
    advice: tuple[str, ...]
    closed: bool = False
    opens: UnixTime | None = None
    fallback: str = ""
    fallback_phone: str = ""


def at_home(station: Station, standing: Standing, now: datetime, *, heard: bool) -> AtHome:
    """What the staff are told of a station: nothing of calls, versions or networks. `now` by the clock on the wall.

    `heard`: the region hears its stations; else nobody knows how this one is, and it could reach nobody.
    """
    config = standing.reported.config if standing.reported is not None else Config()
    opens = opens_next(config.opening, now)
    advice = tuple(_advice(standing)) if heard else (_REGION,)
    return AtHome(
        station.id, station.name, station.room, station.site, station.clinic, station.phone,
        standing.ready and heard, standing.in_call, advice, not is_open(config.opening, now),
        None if opens is None else opens.timestamp(), config.fallback, config.fallback_phone,
    )  # fmt: skip


def _advice(standing: Standing) -> Iterable[str]:
    theirs = {_THEIRS[remark.code]: None for remark in standing.remarks if remark.code in _THEIRS}
    yield from theirs
    if not standing.ready and not theirs:
        yield "ask"


def build_router() -> APIRouter:
    """The pages and the API of a site's staff."""
    router = APIRouter()

    @router.get("/home", include_in_schema=False)
    async def show_home(request: Request, session: SiteStaff) -> Response:
        return await _page(request, session, "fleet/home.html")

    @router.get("/home/stations", include_in_schema=False)
    async def home_fragment(request: Request, session: SiteStaff) -> Response:
        return await _page(request, session, "fleet/home_stations.html")

    @router.get("/home/events", include_in_schema=False)
    async def home_events(request: Request, session: SiteStaff) -> Response:
        own = await _own(request, session)
        return live(request, session, [f"station:{one.station.id}" for one in own])

    @router.get("/api/home", tags=["home"])
    async def home(request: Request, session: SiteStaff) -> list[AtHome]:
        """List the stations of one's own sites."""
        return await _told(request, session)

    @router.get("/api/home/{station_id}", tags=["home"])
    async def station_at_home(request: Request, session: SiteStaff, station_id: StationId) -> AtHome:
        """One station of one's own sites."""
        region = region_of(request)
        one = await one_of_the_fleet(region.registry, station_id, region.clock.wall())
        if not scope_of(session.person).has(one.station):
            raise NotFound(f"no station {station_id}")
        return at_home(one.station, one.standing, local_time(region.clock.wall()), heard=region.downlink.is_up)

    return router


async def _own(request: Request, session: WebSession) -> list[StationStanding]:
    region = region_of(request)
    sites = scope_of(session.person).sites
    return (await find_in_fleet(region.registry, Filter(), region.clock.wall(), within=sites)).stations


async def _told(request: Request, session: WebSession) -> list[AtHome]:
    now = local_time(region_of(request).clock.wall())
    heard = region_of(request).downlink.is_up
    return [at_home(one.station, one.standing, now, heard=heard) for one in await _own(request, session)]


async def _page(request: Request, session: WebSession, template: str) -> Response:
    stations = await _told(request, session)
    sites = [(site, list(there)) for site, there in groupby(stations, key=lambda one: one.site)]
    return region_of(request).pages.page(request, template, session, sites=sites)
