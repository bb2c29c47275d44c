"""The subject `fleet`: its pages, API and live updates."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from region.fleet import home, home_words, list_words, listing, remark_words, words
from region.fleet.examples import AT_HOME, STATION_STANDING
from region.fleet.facts import FactTeller
from region.fleet.intake import Intake
from region.fleet.looked import LookedTeller
from region.fleet.twin import twin_lines
from region.fleet.whole import StationStanding, find_in_fleet, one_of_the_fleet
from region.registry import Transaction, Unavailable
from region.registry.filters import Filter, read_words
from region.registry.records import RemovedStation, Station
from region.web.audit import Teller
from region.web.auth import ItAdmin, live
from region.web.context import Region, region_of
from region.web.fields import Condition, Number, StationId
from region.web.settings_told import SettingTeller
from region.web.subject import Nav, Subject
from region.web.words import LANGUAGES

_log = logging.getLogger(__name__)
_WORDS = (words.WORDS, list_words.WORDS, home_words.WORDS, remark_words.WORDS)
TELL_EVERY_S = 1.0
# `where=site=Solgården&where=state=offline`; what it can say: region/registry/filters.py
Where = Annotated[tuple[Condition, ...], Query(max_length=200)]
_PAGE = 100


def subject(region: Region) -> Subject:
    """Pages, API, and what comes from the stations."""
    intake = Intake(region.registry, region.clock)

    return Subject(
        name="fleet",
        folder=Path(__file__).parent,
        router=_router(),
        words={
            language: {key: told for each in _WORDS for key, told in each[language].items()} for language in LANGUAGES
        },
        examples=(STATION_STANDING, AT_HOME),
        nav=(
            Nav("/fleet", "fleet.nav", "it_admin", ("/stations", "/bulk", "/batches")),
            Nav("/audit", "fleet.audit.nav", "it_admin"),
            Nav("/home", "fleet.home.nav", "site_staff"),
        ),
        up={"birth": intake, "reported": intake, "m": intake, "e": intake},
        presence=intake.presence,
        duty=partial(_run, region, intake),
    )


async def _run(region: Region, intake: Intake) -> None:
    """Tell the pages what has changed, at most once a second; and tell of events that were too many."""
    try:
        await _catch_up(region, intake)
        while True:
            changed = set(intake.changed)
            intake.changed -= changed
            for station in changed:
                region.hub.publish(f"station:{station}", "station", "")
            if changed:
                region.hub.publish("fleet", "fleet", "")
            try:
                await intake.tell_left_out()
            except Unavailable as error:
                _log.warning("the count of events left out waits for the database: %s", error)
            await region.clock.sleep(TELL_EVERY_S)
    finally:
        await intake.tell_left_out(all_of_them=True)


async def _catch_up(region: Region, intake: Intake) -> None:
    while True:
        try:
            return await intake.catch_up()
        except Unavailable as error:
            _log.warning("what stations said before this version waits for the database: %s", error)
            await region.clock.sleep(TELL_EVERY_S)


def _router() -> APIRouter:
    router = APIRouter()
    router.include_router(home.build_router())
    router.include_router(listing.build_router())

    @router.get("/fleet/stations/{station_id}", include_in_schema=False)
    async def station_fragment(request: Request, session: ItAdmin, station_id: str) -> Response:
        region = region_of(request)
        one = await one_of_the_fleet(region.registry, station_id, region.clock.wall())
        async with region.registry.read() as t:
            calls = await t.qualities.recent(station_id)
            wanted = (await t.layers.desired([one.station]))[station_id]
            merged = await t.layers.merged("station", station_id)
        words, has = region.pages.translator(request, session), region.pages.has_words
        looked = LookedTeller(words)
        twin, at_default = twin_lines(wanted, merged, one.standing.reported, SettingTeller(words, has))
        part = request.headers.get("hx-request") == "true"  # else a reader whose browser runs no scripts
        return region.pages.page(
            request, "fleet/station.html" if part else "fleet/station_alone.html", session, station=one.station,
            s=one.standing, sections=FactTeller(words, has).sections(one.standing), twin=twin, at_default=at_default,
            calls=[looked.line(call) for call in calls], heard=region.downlink.is_up,
        )  # fmt: skip

    @router.get("/fleet/stations/{station_id}/events", include_in_schema=False)
    async def station_events(request: Request, session: ItAdmin, station_id: str) -> Response:
        return live(request, session, [f"station:{station_id}"])

    @router.get("/audit", include_in_schema=False)
    async def show_audit(
        request: Request, session: ItAdmin, before: Number | None = None, station: str | None = None
    ) -> Response:
        region = region_of(request)
        async with region.registry.read() as t:
            about = None if station is None else await _about(t, station)
            rows = await t.audit.recent(_PAGE + 1, before=before, station_id=station)
            named = {name for row in rows for name in (row.station_id, row.actor) if name}
            tokens = await t.api_tokens.names()
            known = await t.finding.find(Filter(station=tuple(named)), region.clock.wall()) if named else []
            removed = await t.removals.of(named)
        stations = removed | {one.id: one for one in known}
        older = rows[_PAGE - 1].id if len(rows) > _PAGE else None
        teller = Teller(region.pages.translator(request, session), region.pages.has_words, stations, tokens)
        told = [teller.tell(row) for row in rows[:_PAGE]]
        return region.pages.page(request, "fleet/audit.html", session, rows=told, older=older, about=about)

    @router.get("/api/fleet", tags=["fleet"])
    async def fleet(
        request: Request, _session: ItAdmin, where: Where = (), most: Number | None = None,
        skip: Annotated[int, Query(ge=0, le=10**6)] = 0,
    ) -> list[StationStanding]:  # fmt: skip
        """List the stations that a filter finds, and how each stands; without one, all.

        `where` is said once for each KEY=VALUE, as in `where=site=Solgården&where=state=offline`.
        """
        region = region_of(request)
        which = read_words(where)
        async with region.registry.read() as t:
            await t.finding.check(which)
        found = await find_in_fleet(region.registry, which, region.clock.wall(), most=most, skip=skip)
        return found.stations

    @router.get("/api/fleet/{station_id}", tags=["fleet"])
    async def station_standing(request: Request, _session: ItAdmin, station_id: StationId) -> StationStanding:
        """One station, and how it stands."""
        region = region_of(request)
        return await one_of_the_fleet(region.registry, station_id, region.clock.wall())

    return router


async def _about(t: Transaction, station: str) -> Station | RemovedStation:
    """The station whose log it is, or what is known of one that was removed; NotFound."""
    removed = await t.removals.of((station,))
    return removed[station] if station in removed else await t.stations.get(station)
