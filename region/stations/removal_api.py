"""The JSON API of the removal of stations; for IT's scripts."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from region.stations.commanding import Commanding
from region.stations.removing import RemovalService
from region.stations.whom_api import OfStations
from region.web.auth import ItAdmin
from region.web.fields import StationId


class Removal(OfStations):
    """Which stations are to be removed: by their ids, or all that a filter finds (`["state=revoked"]`)."""


@dataclass(frozen=True)
class Removed:
    """The stations that are not in the registry any more."""

    stations: tuple[str, ...]


def build_router(removal: RemovalService, commanding: Commanding) -> APIRouter:
    """The routes below /api."""
    router = APIRouter(prefix="/api", tags=["stations"])

    @router.delete("/stations/{station_id}", status_code=204)
    async def remove_station(session: ItAdmin, station_id: StationId) -> None:
        """Remove a station that is shut out for good.

        Its settings, code and commands go with it; the log, the figures of its calls and its revoked certificates stay.
        """
        await removal.remove(session.person.name, (station_id,))

    @router.post("/stations/remove")
    async def remove_stations(session: ItAdmin, which: Removal) -> Removed:
        """Remove stations that are shut out for good: all of them, or none."""
        stations = await commanding.look(which.whom())
        gone = await removal.remove(session.person.name, [one.id for one in stations])
        return Removed(tuple(one.id for one in gone))

    return router
