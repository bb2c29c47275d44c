"""The desk's page, its stream of events, and what its scripts post."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from messaging.call import MAX_SDP, Candidate, EndReason
from messaging.topics import STATION_ID
from region.desk.boards import clinic_topic
from region.desk.errors import DeskError, Taken
from region.desk.hands import Caller
from region.desk.rooms import page_topic, person_topic
from region.desk.service import Desk
from region.desk.words import script_words
from region.web.auth import Clinician, live
from region.web.context import region_of
from region.web.events import encode_event

PageName = Annotated[str, Field(pattern=r"^[a-z0-9]{16,40}$")]
CallName = Annotated[str, Path(pattern=r"^[a-z0-9]{8,32}$")]
# What a page may give as its reason: the others are for stations and the region to say. The resident's goodbye may have
# come to the page alone, over the data channel.
_REASONS: tuple[EndReason, ...] = ("clinician_left", "resident_left", "media_lost", "connection_failed")


class FromPage(BaseModel):
    """Every POST says which page it comes from."""

    page: PageName


class CallStation(FromPage):
    """Call this station."""

    station: Annotated[str, Field(pattern=f"^{STATION_ID.pattern}$")]


class GiveAnswer(FromPage):
    """The browser's answer to an offer."""

    generation: Annotated[int, Field(ge=1, le=1000)]
    sdp: Annotated[str, Field(min_length=1, max_length=MAX_SDP)]


class Found(BaseModel):
    """One of the browser's candidates; an empty one ends them."""

    candidate: Annotated[str, Field(max_length=1024)]
    mid: Annotated[str, Field(max_length=32)] | None = None
    line: Annotated[int, Field(ge=0, le=16)] | None = None


class GiveCandidates(FromPage):
    """Candidates found together."""

    generation: Annotated[int, Field(ge=1, le=1000)]
    candidates: Annotated[list[Found], Field(min_length=1, max_length=16)]


class HangUp(FromPage):
    """End the call."""

    reason: EndReason = "clinician_left"


def router(desk: Desk) -> APIRouter:
    """The routes below `/desk`."""

    routes = APIRouter(prefix="/desk")
    hands = desk.hands

    @routes.get("")
    async def index(request: Request, session: Clinician) -> Response:
        """The page."""
        pages = region_of(request).pages
        t = pages.translator(request, session)
        return pages.page(request, "desk/index.html", session, script_words=script_words(t))

    @routes.get("/events")
    async def events(
        request: Request,
        session: Clinician,
        page: Annotated[str, Query(pattern=r"^[a-z0-9]{16,40}$")],
        call: Annotated[str, Query(max_length=32)] = "",
    ) -> Response:
        """What the page is told, beginning with how everything stands."""
        caller = Caller(session.person, page)
        try:
            topics = (clinic_topic(caller.clinic), person_topic(session.person.id), page_topic(page))
        except DeskError as error:
            return _refused(error)

        async def lost() -> None:
            await hands.signed_out(caller)

        response = live(request, session, topics, lost=lost)
        response.body_iterator = _begun(response.body_iterator, desk, caller, call or None)
        return response

    @routes.post("/calls")
    async def call_station(session: Clinician, body: CallStation) -> Response:
        """A clinician calls a station."""
        return await _done(hands.call(Caller(session.person, body.page), body.station))

    @routes.post("/calls/{call}/claim")
    async def claim(session: Clinician, call: CallName, body: FromPage) -> Response:
        """A clinician answers a call that waits."""
        return await _done(hands.claim(Caller(session.person, body.page), call))

    @routes.post("/calls/{call}/answer")
    async def answer(session: Clinician, call: CallName, body: GiveAnswer) -> Response:
        """The browser's answer, for the station."""
        return await _done(hands.answer(Caller(session.person, body.page), call, body.generation, body.sdp))

    @routes.post("/calls/{call}/candidates")
    async def candidates(session: Clinician, call: CallName, body: GiveCandidates) -> Response:
        """The browser's candidates, for the station."""
        found = tuple(Candidate(body.generation, one.candidate, one.mid, one.line) for one in body.candidates)
        return await _done(hands.trickle(Caller(session.person, body.page), call, found))

    @routes.post("/calls/{call}/rejoin")
    async def rejoin(session: Clinician, call: CallName, body: FromPage) -> Response:
        """The page needs a new peer connection in its call."""
        return await _done(hands.rejoin(Caller(session.person, body.page), call))

    @routes.post("/calls/{call}/hangup")
    async def hang_up(session: Clinician, call: CallName, body: HangUp) -> Response:
        """The clinician ends the call."""
        reason = body.reason if body.reason in _REASONS else "clinician_left"
        return await _done(hands.hang_up(Caller(session.person, body.page), call, reason))

    return routes


async def _begun(stream: Any, desk: Desk, caller: Caller, call: str | None) -> AsyncIterator[Any]:
    """The stream, with how everything stands told after listening has begun: nothing falls in between."""
    async with aclosing(stream):
        yield await anext(stream)
        for name, data in await desk.hands.page_opened(caller, call):
            yield encode_event(name, data)
        async for chunk in stream:
            yield chunk


async def _done(work: Awaitable[dict[str, Any] | None]) -> Response:
    try:
        return JSONResponse(await work or {})
    except DeskError as error:
        return _refused(error)


def _refused(error: DeskError) -> Response:
    """A problem as the page's scripts read it (RFC 9457)."""
    content = {"type": "about:blank", "title": str(error), "status": error.status, "code": error.code}
    if isinstance(error, Taken):
        content["by"] = error.by
    return JSONResponse(content, error.status, media_type="application/problem+json")
