"""Cards made at a browser: a ZIP file with a code file for each, and the sheet of labels; for IT."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from messaging.claim import REGION_FILE
from messaging.twin import Language
from region.registry import Conflict, Invalid, NotFound, RegistryError
from region.registry.records import WebSession
from region.stations.cards import MOST_CARDS, MOST_DAYS, CardService, Order
from region.stations.sheet import draw_sheet
from region.stations.sheet_words import sheet_words
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.forms import told

Text = Annotated[str, Form(max_length=80)]
Rooms = Annotated[str, Form(max_length=40_000)]
Which = Annotated[Literal["count", "rooms", "missing"], Form()]


def build_router(cards: CardService) -> APIRouter:
    """The page; what it does is the service's."""
    router = APIRouter(include_in_schema=False)

    @router.get("/cards")
    async def show_cards(request: Request, session: ItAdmin) -> Response:
        return await _page(request, session)

    @router.post("/cards")
    async def prepare(
        request: Request, session: ItAdmin, site: Text, which: Which, clinic: Text = "", rooms: Rooms = "",
        count: Annotated[int, Form(ge=0, le=MOST_CARDS)] = 0, called: Text = "",
        days: Annotated[int, Form(ge=1, le=MOST_DAYS)] = Order("").days, language: Annotated[Language, Form()] = "da",
        with_codes: Annotated[bool, Form()] = False,
    ) -> Response:  # fmt: skip
        named = tuple(line.strip() for line in rooms.splitlines() if line.strip()) if which == "rooms" else ()
        order = Order(
            site, clinic, count if which == "count" else 0, called.strip() or sheet_words(language).room, named,
            which == "missing", days,
        )  # fmt: skip
        draw = partial(draw_sheet, language=language, with_codes=with_codes)
        try:
            batch, packed = await cards.pack(session.person.name, order, draw)
        except (Conflict, Invalid, NotFound) as error:
            return await _page(request, session, error)
        name = f"laegeknap-cards-{len(batch.cards)}.zip"
        return Response(packed, 200, {"Content-Disposition": f'attachment; filename="{name}"'}, "application/zip")

    @router.get("/cards/region")
    async def region_file(_session: ItAdmin) -> Response:
        headers = {"Content-Disposition": f'attachment; filename="{REGION_FILE}"'}
        return Response(cards.region_file(), 200, headers, "application/toml")

    return router


async def _page(request: Request, session: WebSession, error: RegistryError | None = None) -> Response:
    region = region_of(request)
    async with region.registry.read() as t:
        sites, clinics = await t.sites.all(), await t.clinics.all()
    status = 200 if error is None else {Conflict: 409, NotFound: 404}.get(type(error), 422)
    return region.pages.page(
        request, "stations/cards.html", session, status, sites=sites, clinics=clinics, most=MOST_CARDS,
        most_days=MOST_DAYS, days=Order("").days, error="" if error is None else told(request, session, error),
        spoken=region.pages.language_of(request, session),
    )  # fmt: skip
