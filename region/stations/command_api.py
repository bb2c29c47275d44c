"""The JSON API of commands; for IT's scripts. Described at /api/openapi.json."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from messaging.command import LONGEST_S, CommandType
from region.registry.records import Command
from region.stations.commanding import SHORTEST_S, USUAL_S, Asked, Commanding, Handed
from region.stations.whom_api import OfStations
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.fields import BatchId, CommandId, Moment, StationId

MOST = 500
Word = Annotated[str, Field(max_length=32)]
Said = Annotated[str, Field(max_length=256)] | Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]


class NewCommand(OfStations):
    """What is to be done, and by which stations: `stations`, or all that a filter finds.

    `where` is a list of KEY=VALUE as in `/api/fleet` (`["site=Solgården", "state=offline"]`); an empty one: all.
    `at` is a time with its offset, as `2026-11-22T03:00:00+01:00`; none: now. It is not begun later than `good_for_s`
    after that.
    """

    type: CommandType
    fields: dict[Word, Said] = Field(default_factory=dict, max_length=8)
    why: str = Field(default="", max_length=120)
    at: Moment | None = None
    good_for_s: Annotated[float, Field(ge=SHORTEST_S, le=LONGEST_S)] = USUAL_S


class CalledBack(BaseModel):
    """Of commands given together: those called back, and those that had been sent or had ended."""

    called_back: list[Command]
    too_late: list[Command]


def build_router(commanding: Commanding) -> APIRouter:
    """The routes below /api."""
    router = APIRouter(prefix="/api", tags=["commands"])

    @router.post("/commands", status_code=201)
    async def give_command(session: ItAdmin, new: NewCommand) -> Handed:
        """Give a command to one station or to many.

        Each is sent when its station is there; `left_out` tells which take none, and why.
        """
        asked = Asked(new.type, new.fields, new.why, new.at, new.good_for_s)
        return await commanding.give(session.person.name, new.whom(), asked)

    @router.get("/commands")
    async def commands(
        request: Request, _session: ItAdmin, station: StationId | None = None, batch: BatchId | None = None,
        only_open: bool = False, most: Annotated[int, Query(ge=1, le=MOST)] = 100,
        skip: Annotated[int, Query(ge=0, le=10**6)] = 0,
    ) -> list[Command]:  # fmt: skip
        """List commands, the latest first: `most` of them after the first `skip`."""
        async with region_of(request).registry.read() as t:
            return await t.commands.recent(most, skip=skip, station_id=station, batch=batch, only_open=only_open)

    @router.get("/commands/{cid}")
    async def command(request: Request, _session: ItAdmin, cid: CommandId) -> Command:
        """One command, and how far it has come."""
        async with region_of(request).registry.read() as t:
            return await t.commands.get(cid)

    @router.post("/commands/{cid}/cancel")
    async def cancel_command(session: ItAdmin, cid: CommandId) -> Command:
        """Call back a command that has not been sent to its station."""
        return await commanding.cancel(session.person.name, cid)

    @router.post("/batches/{batch}/cancel")
    async def cancel_batch(session: ItAdmin, batch: BatchId) -> CalledBack:
        """Call back all that were given together, of those that have not been sent."""
        done, late = await commanding.cancel_batch(session.person.name, batch)
        return CalledBack(called_back=done, too_late=late)

    return router
