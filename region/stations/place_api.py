"""The JSON API of the upkeep of places: their names, and their removal; for IT's scripts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request

from region.registry.place_upkeep import Paged
from region.registry.records import Room
from region.stations.layout import LayoutService
from region.stations.layout_api import Stations
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.fields import Body, Number

PlaceKind = Annotated[Paged, Field(examples=["site"])]


class NewName(Body):
    """What a place is to be called."""

    name: str = Field(max_length=80)


def build_router(layout: LayoutService) -> APIRouter:
    """The routes below /api."""
    router = APIRouter(prefix="/api", tags=["places"])

    @router.get("/rooms")
    async def rooms(request: Request, _session: ItAdmin, site: Number | None = None) -> list[Room]:
        """List the rooms, of one site or of all."""
        async with region_of(request).registry.read() as t:
            return await t.rooms.all(site)

    @router.patch("/places/{kind}/{number}")
    async def rename_place(session: ItAdmin, kind: PlaceKind, number: Number, new: NewName) -> Stations:
        """Give a cluster, a municipality or a site another name.

        A site's name is on its stations' screens: they are told.
        """
        return Stations(await layout.rename(session.person.name, kind, number, new.name))

    @router.delete("/places/{kind}/{number}", status_code=204)
    async def remove_place(session: ItAdmin, kind: PlaceKind, number: Number) -> None:
        """Remove a place that nothing hangs on: no place, station, person or API token, and no settings."""
        await layout.remove(session.person.name, kind, number)

    @router.patch("/rooms/{number}")
    async def rename_room(session: ItAdmin, number: Number, new: NewName) -> Stations:
        """Give a room another name.

        A station there that is called as the room was is called as it is now, and is told.
        """
        return Stations(await layout.rename(session.person.name, "room", number, new.name))

    @router.delete("/rooms/{number}", status_code=204)
    async def remove_room(session: ItAdmin, number: Number) -> None:
        """Remove a room in which no station stands."""
        await layout.remove(session.person.name, "room", number)

    return router
