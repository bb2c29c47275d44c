"""The JSON API of settings of many stations at once; for IT's scripts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from region.stations.commanding import Commanding
from region.stations.layout import LayoutService
from region.stations.whom_api import OfStations
from region.web.auth import ItAdmin

FieldName = Annotated[str, Field(max_length=160, examples=["night.on"])]


class NewSettings(OfStations):
    """What each of these stations is to say itself, by dotted name; null has the levels above say it.

    Stations: by their ids, or all that a filter finds (`where`, as in `/api/fleet`; an empty one: all).
    """

    values: dict[FieldName, Any] = Field(min_length=1, max_length=64)


class ChangedSettings(BaseModel):
    """What changed: the settings by station; empty for one that said so already."""

    stations: dict[str, list[str]]


def build_router(commanding: Commanding, layout: LayoutService) -> APIRouter:
    """The route below /api."""
    router = APIRouter(prefix="/api", tags=["stations"])

    @router.post("/settings")
    async def set_settings(session: ItAdmin, new: NewSettings) -> ChangedSettings:
        """Set these values at each of the stations: all of them, or none."""
        stations = await commanding.look(new.whom())
        values = [(tuple(name.split(".")), value) for name, value in new.values.items()]
        changes = await layout.say_each(session.person.name, stations, values)
        return ChangedSettings(
            stations={station: [".".join(one.path) for one in some] for station, some in changes.items()}
        )

    return router
