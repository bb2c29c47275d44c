"""The list of stations for IT: what the page's address asks for, and the part of the fleet that it shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from region.fleet.whole import Found, find_in_fleet
from region.registry import Invalid, Registry, Transaction
from region.registry.filters import STATES, Filter, State, read_pairs
from region.registry.finding import Tally
from region.web.auth import ItAdmin, live
from region.web.context import region_of

ON_A_PAGE = 50
# What may be wrong with a station, the worst first: together they are all that are `not_ready` or in `limits`.
TROUBLES: tuple[State, ...] = (
    "quarantined", "never_seen", "offline", "program_away", "no_clinic", "locked", "device_fault", "machine", "silent",
    "config_waits", "taken_back", "refused", "certificate_soon",
)  # fmt: skip
_PAGE = "page"
_SORT, _BY_PLACE = "sort", "place"
_MOST_PAGES = 10_000


@dataclass(frozen=True)
class Asked:
    """A filter, which page of what it finds (the first is 1), and whether those in trouble come first."""

    which: Filter
    page: int = 1
    by_place: bool = False

    @property
    def skip(self) -> int:
        """How many stations stand on the pages before."""
        return (self.page - 1) * ON_A_PAGE

    def query(self, page: int | None = None) -> str:
        """As an address's query: of that page, or of this one."""
        number = self.page if page is None else page
        sort = [(_SORT, _BY_PLACE)] if self.by_place else []
        return urlencode([*self.which.pairs(), *sort, *([(_PAGE, number)] if number > 1 else [])])

    def like(self, *states: State) -> str:
        """As an address's query: the first page of those of the same places that are so; none said, of all of them."""
        return replace(self, which=replace(self.which, state=states)).query(1)


def read_asked(pairs: Iterable[tuple[str, str]]) -> Asked:
    """What an address asks for; Invalid."""
    said = list(pairs)
    own = {key: value for key, value in said if key in (_PAGE, _SORT)}
    page, sort = own.get(_PAGE, "1"), own.get(_SORT, "")
    if not (page.isascii() and page.isdigit() and len(page) <= len(str(_MOST_PAGES)) and 1 <= int(page) <= _MOST_PAGES):
        raise Invalid("page: a number")
    if sort not in ("", _BY_PLACE):
        raise Invalid(f"sort: {_BY_PLACE}, or nothing")
    return Asked(read_pairs((key, value) for key, value in said if key not in own), int(page), bool(sort))


def build_router() -> APIRouter:
    """The page, and the part of it that is fetched again when there is news."""
    router = APIRouter(include_in_schema=False)

    @router.get("/fleet")
    async def show_fleet(request: Request, session: ItAdmin) -> Response:
        choices = await _choices(region_of(request).registry)
        return await _page(request, session, "fleet/fleet.html", **choices)

    @router.get("/fleet/stations")
    async def fleet_fragment(request: Request, session: ItAdmin) -> Response:
        return await _page(request, session, "fleet/stations.html")

    @router.get("/fleet/events")
    async def fleet_events(request: Request, session: ItAdmin) -> Response:
        return live(request, session, ["fleet"])

    return router


async def _page(request: Request, session: ItAdmin, template: str, **more: Any) -> Response:
    region = region_of(request)
    asked = read_asked(request.query_params.multi_items())
    found = await _found(region.registry, asked, region.clock.wall())
    async with region.registry.read() as t:
        claims = await t.claims.wait_for_somebody(region.clock.wall())
        there = await _there(t, asked.which, found.tally, region.clock.wall())
    pages = max(1, -(-found.tally.found // ON_A_PAGE))
    if asked.page > pages:  # stations have gone from under the reader
        asked = replace(asked, page=pages)
        found = await _found(region.registry, asked, region.clock.wall())
    return region.pages.page(
        request, template, session, asked=asked, which=asked.which, tally=found.tally, stations=found.stations,
        first=asked.skip + 1, last=asked.skip + len(found.stations), pages=pages, claims=claims, there=there,
        troubles=TROUBLES, heard=region.downlink.is_up, **more,
    )  # fmt: skip


async def _found(registry: Registry, asked: Asked, now: float) -> Found:
    return await find_in_fleet(
        registry, asked.which, now, most=ON_A_PAGE, skip=asked.skip, worst_first=not asked.by_place
    )


async def _there(t: Transaction, which: Filter, found: Tally, now: float) -> Tally:
    """The numbers above the list: of the same places and words, however the stations are."""
    return await t.finding.tally(replace(which, state=()), now) if which.state else found


async def _choices(registry: Registry) -> dict[str, Any]:
    async with registry.read() as t:
        places = {
            "cluster": [one.name for one in await t.clusters.all()],
            "municipality": [one.name for one in await t.municipalities.all()],
            "site": [one.name for one in await t.sites.all()],
            "clinic": [one.name for one in await t.clinics.all()],
            "version": await t.finding.versions(),
        }
    return {"choices": places, "states": STATES}
