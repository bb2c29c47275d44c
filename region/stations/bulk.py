"""Commands to many stations from a page: whom it would reach is shown first, and what came of it at each one after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Annotated, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Form
from pydantic import Field
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from messaging.command import DISTURBING as WAITING
from messaging.command import CommandType
from region.danish import order_key
from region.registry import Conflict, Invalid, NotFound, RegistryError
from region.registry.filters import MOST_VALUES, Filter, read_pairs
from region.registry.records import Command, Station, WebSession
from region.stations.command_pages import (
    COMMAND_REFUSALS,
    GOOD_FOR_S,
    ON_THE_PAGE,
    WITH_FIELDS,
    CommandForm,
    how,
    line,
)
from region.stations.commanding import Commanding, Whom
from region.web.actors import ActorTeller
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.forms import told

# These take a station from its residents, for a while: they stand apart.
DISTURBING: tuple[CommandType, ...] = ("reboot", "lock", "unlock")
Chosen = Annotated[list[str], Form(max_length=MOST_VALUES)]
Many = Annotated[str, Form(max_length=16 * MOST_VALUES)]


class BulkForm(CommandForm):
    """A command, and to whom: `where` is the filter that found them, for the way back."""

    stations: Annotated[str, Field(max_length=16 * MOST_VALUES)]
    where: Annotated[str, Field(max_length=16 * MOST_VALUES)] = ""


def build_router(commanding: Commanding) -> APIRouter:
    """The pages; what they do is the service's."""
    router = APIRouter(include_in_schema=False)

    @router.post("/bulk")
    async def choose(
        request: Request, session: ItAdmin, whom: Annotated[Literal["chosen", "found"], Form()], where: Many = "",
        station: Chosen = [],  # noqa: B006 - FastAPI makes each request its own
    ) -> Response:  # fmt: skip
        which = read_pairs(parse_qsl(where))
        if whom == "chosen":
            which = Filter(station=tuple(dict.fromkeys(station)))
        stations = [] if whom == "chosen" and not station else await commanding.look(Whom(where=which))
        return await _choose(request, session, stations, where)

    @router.post("/bulk/commands")
    async def give(request: Request, session: ItAdmin, form: Annotated[BulkForm, Form()]) -> Response:
        named, now = Whom(tuple(form.stations.split())), region_of(request).clock.wall()
        try:
            asked = form.asked((*ON_THE_PAGE, *DISTURBING), now)
            handed = await commanding.give(session.person.name, named, asked)
        except (Conflict, Invalid, NotFound) as error:
            return await _choose(request, session, await commanding.look(named), form.where, error, form)
        if handed.left_out:
            return await _batch(request, session, handed.batch, "stations/batch.html", handed.left_out)
        return RedirectResponse(f"/batches/{handed.batch}", 303)

    @router.get("/batches/{batch}")
    async def show_batch(request: Request, session: ItAdmin, batch: str) -> Response:
        return await _batch(request, session, batch, "stations/batch.html")

    @router.get("/batches/{batch}/commands")
    async def show_commands(request: Request, session: ItAdmin, batch: str) -> Response:
        return await _batch(request, session, batch, "stations/batch_commands.html")

    @router.post("/batches/{batch}/cancel")
    async def cancel(session: ItAdmin, batch: str) -> Response:
        await commanding.cancel_batch(session.person.name, batch)
        return RedirectResponse(f"/batches/{batch}", 303)

    return router


async def _choose(
    request: Request, session: WebSession, stations: Sequence[Station], where: str, error: RegistryError | None = None,
    typed: CommandForm | None = None,
) -> Response:  # fmt: skip
    """What could be done, and with which stations it would be; those are in the page, so that it is done with them."""
    region = region_of(request)
    if len(stations) > MOST_VALUES:
        raise Invalid(f"{len(stations)} stations are more than a page can hold; at most {MOST_VALUES}: find fewer")
    words = region.pages.translator(request, session)
    message, status = "", 200
    if error is not None:
        word, status = COMMAND_REFUSALS.get(type(error), ("stations.bulk.gone", 404))
        message = f"{words(word)} ({told(request, session, error)})"
    sites = [(site, list(there)) for site, there in groupby(stations, key=lambda one: one.site)]
    return region.pages.page(
        request, "stations/bulk.html", session, status, sites=sites, count=len(stations), where=where, error=message,
        ids=" ".join(one.id for one in stations), shut_out=sum(one.admission != "admitted" for one in stations),
        harmless=sorted(ON_THE_PAGE, key=WITH_FIELDS.__contains__), disturbing=DISTURBING, waiting=WAITING,
        spans=[*GOOD_FOR_S], typed=typed,
    )  # fmt: skip


async def _batch(
    request: Request, session: WebSession, batch: str, template: str, left_out: Mapping[str, str] | None = None
) -> Response:
    region, now = region_of(request), region_of(request).clock.wall()
    words, has = region.pages.translator(request, session), region.pages.has_words
    async with region.registry.read() as t:
        given = await t.commands.recent(await t.stations.count(), batch=batch)
        actors = ActorTeller(words, has, await t.api_tokens.names())
        passed_over = await t.finding.find(Filter(station=tuple(left_out)), now) if left_out else []
    if not given:
        raise NotFound(f"no commands {batch} given together")
    lines = [(one, line(one, now, words, has, actors)) for one in _in_order(given)]
    far = [how(one, now) for one in given]
    return region.pages.page(
        request, template, session, batch=batch, lines=lines, given=given[0],
        by=actors.inside(given[0].actor), counts=[(kind, far.count(kind)) for kind in dict.fromkeys(far)],
        can_cancel=any(told.can_cancel for _, told in lines),
        left_out=[(one, (left_out or {})[one.id]) for one in passed_over],
    )  # fmt: skip


def _in_order(given: Sequence[Command]) -> list[Command]:
    """What has failed or hangs first: that is what somebody looks for."""
    rank = {"failed": 0, "successful": 2}
    return sorted(
        given, key=lambda one: (rank.get(one.state, 1), order_key(one.site), order_key(one.station), one.station_id)
    )
