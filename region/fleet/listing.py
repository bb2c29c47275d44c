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
from region.registry import Invalid, Registry
from region.registry.filters import STATES, Filter, read_pairs
from region.web.auth import ItAdmin, live
from region.web.context import region_of

ON_A_PAGE = 50
_PAGE = "page"
_MOST_PAGES = 10_000


@dataclass(frozen=True)
class Asked:
    """A filter, and which page of what it finds; the first is 1."""

    which: Filter
    page: int = 1

    @property
    def skip(self) -> int:
        """How many stations stand on the pages before."""
        return (self.page - 1) * ON_A_PAGE

    def query(self, page: int | None = None) -> str:
        """As an address's query: of that page, or of this one."""
        number = self.page if page is None else page
        return urlencode([*self.which.pairs(), *([(_PAGE, number)] if number > 1 else [])])


def read_asked(pairs: Iterable[tuple[str, str]]) -> Asked:
    """What an address asks for; Invalid."""
    said = list(pairs)
    numbers = [value for key, value in said if key == _PAGE]
    page = numbers[-1] if numbers else "1"
    if not (page.isascii() and page.isdigit() and 1 <= int(page[:9]) <= _MOST_PAGES):
        raise Invalid("page: a number")
    return Asked(read_pairs((key, value) for key, value in said if key != _PAGE), int(page))


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
    pages = max(1, -(-found.tally.found // ON_A_PAGE))
    if asked.page > pages:  # stations have gone from under the reader
        asked = replace(asked, page=pages)
        found = await _found(region.registry, asked, region.clock.wall())
    return region.pages.page(
        request, template, session, asked=asked, which=asked.which, tally=found.tally, stations=found.stations,
        first=asked.skip + 1, last=asked.skip + len(found.stations), pages=pages, claims=claims, **more,
    )  # fmt: skip


async def _found(registry: Registry, asked: Asked, now: float) -> Found:
    return await find_in_fleet(registry, asked.which, now, most=ON_A_PAGE, skip=asked.skip)


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
