"""The page of a place: its name, its rooms and theirs, and removal; for IT."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from region.registry import Conflict, Invalid, RegistryError
from region.registry.place_upkeep import Paged
from region.registry.records import WebSession
from region.stations.layout import LayoutService
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.fields import Number
from region.web.forms import told

Text = Annotated[str, Form(max_length=120)]


def build_router(layout: LayoutService) -> APIRouter:
    """The pages; what they do is the service's."""
    router = APIRouter(include_in_schema=False)

    @router.get("/places/{kind}/{number}")
    async def show_place(
        request: Request, session: ItAdmin, kind: Paged, number: Number, saved: int | None = None
    ) -> Response:
        return await _page(request, session, kind, number, saved=saved)

    @router.post("/places/{kind}/{number}")
    async def rename(request: Request, session: ItAdmin, kind: Paged, number: Number, name: Text = "") -> Response:
        try:
            touched = await layout.rename(session.person.name, kind, number, name)
        except (Conflict, Invalid) as error:
            return await _page(request, session, kind, number, error, name)
        return RedirectResponse(f"/places/{kind}/{number}?saved={len(touched)}", 303)

    @router.post("/places/{kind}/{number}/remove")
    async def remove(request: Request, session: ItAdmin, kind: Paged, number: Number) -> Response:
        try:
            await layout.remove(session.person.name, kind, number)
        except Conflict as error:
            return await _page(request, session, kind, number, error)
        return RedirectResponse("/sites?saved=true" if kind == "site" else "/profiles", 303)

    @router.post("/places/site/{number}/rooms/{room}")
    async def rename_room(
        request: Request, session: ItAdmin, number: Number, room: Number, name: Text = ""
    ) -> Response:
        try:
            touched = await layout.rename(session.person.name, "room", room, name)
        except (Conflict, Invalid) as error:
            return await _page(request, session, "site", number, error, room=(room, name))
        return RedirectResponse(f"/places/site/{number}?saved={len(touched)}", 303)

    @router.post("/places/site/{number}/rooms/{room}/remove")
    async def remove_room(request: Request, session: ItAdmin, number: Number, room: Number) -> Response:
        try:
            await layout.remove(session.person.name, "room", room)
        except Conflict as error:
            return await _page(request, session, "site", number, error)
        return RedirectResponse(f"/places/site/{number}", 303)

    return router


async def _page(
    request: Request, session: WebSession, kind: Paged, number: Number, error: RegistryError | None = None,
    typed: str | None = None, *, saved: int | None = None, room: tuple[int, str] | None = None,
) -> Response:  # fmt: skip
    """`room`: which one could not be called so."""
    region = region_of(request)
    async with region.registry.read() as t:
        place = await t.places.get(kind, number)
        rooms = await t.rooms.all(number) if kind == "site" else []
        empty = {one.id for one in await t.rooms.empty(number)} if kind == "site" else set()
    status = 200 if error is None else 409 if isinstance(error, Conflict) else 422
    return region.pages.page(
        request, "stations/place.html", session, status, place=place, rooms=rooms, empty=empty,
        saved=saved, tried=room,
        error="" if error is None else told(request, session, error), typed=place.name if typed is None else typed,
    )  # fmt: skip
