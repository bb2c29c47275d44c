"""Who is signed in: dependencies for handlers, and how a session begins and ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from region.registry.records import Person, Role, WebSession
from region.web import tokens
from region.web.context import Region, region_of
from region.web.errors import NotAllowed, NotSignedIn

IDLE_S = 8 * 3600.0
ABSOLUTE_S = 14 * 3600.0
_TOUCH_S = 60.0
HOME: dict[Role, str] = {"clinician": "/desk", "it_admin": "/fleet"}


async def visitor(request: Request) -> WebSession | None:
    """The session of this browser, if somebody is signed in. Looked up once a request."""
    if not hasattr(request.state, "session"):
        request.state.session = await _find(request)
    session: WebSession | None = request.state.session
    return session


async def signed_in(request: Request) -> WebSession:
    """The session, or NotSignedIn."""
    session = await visitor(request)
    if session is None:
        raise NotSignedIn
    return session


def require(role: Role) -> Callable[[Request], Awaitable[WebSession]]:
    """A dependency: the session of somebody with that role, or NotSignedIn, or NotAllowed."""

    async def check(request: Request) -> WebSession:
        session = await signed_in(request)
        if session.person.role != role:
            raise NotAllowed
        return session

    check.__name__ = f"require_{role}"
    return check


Visitor = Annotated[WebSession | None, Depends(visitor)]
SignedIn = Annotated[WebSession, Depends(signed_in)]
Clinician = Annotated[WebSession, Depends(require("clinician"))]
ItAdmin = Annotated[WebSession, Depends(require("it_admin"))]


async def begin_session(request: Request, response: Response, person: Person, how: str) -> None:
    """Sign in: always a new token, and whatever session this browser had before is over (no fixation)."""
    region = region_of(request)
    token, now = tokens.new_token(), region.clock.wall()
    old = tokens.read_cookie(request, tokens.SESSION)
    async with region.registry.begin() as t:
        if old is not None:
            await t.sessions.end(old)
        await t.sessions.sweep(now, IDLE_S, ABSOLUTE_S)
        await t.sessions.start(token, person.id, tokens.new_token(), now)
        await t.audit.add(person.name, "sign_in", "done", now, how=how)
    tokens.set_cookie(response, tokens.SESSION, token, region.settings.secure, int(ABSOLUTE_S))
    tokens.drop_cookie(response, tokens.VISIT, region.settings.secure)


async def end_session(request: Request, response: Response) -> None:
    """Sign out."""
    region = region_of(request)
    token, session = tokens.read_cookie(request, tokens.SESSION), await visitor(request)
    if token is not None and session is not None:
        async with region.registry.begin() as t:
            await t.sessions.end(token)
            await t.audit.add(session.person.name, "sign_out", "done", region.clock.wall())
    tokens.drop_cookie(response, tokens.SESSION, region.settings.secure)


def live(request: Request, _session: WebSession, topics: Iterable[str], first: Iterable[str] = ()) -> StreamingResponse:
    """A stream of live updates that lasts as long as the session; an open page keeps its session from idling out."""

    async def alive() -> bool:
        return await _find(request) is not None

    return region_of(request).hub.response(topics, alive, first)


async def _find(request: Request) -> WebSession | None:
    region: Region = region_of(request)
    token, now = tokens.read_cookie(request, tokens.SESSION), region.clock.wall()
    if not token:
        return None
    async with region.registry.read() as t:
        session = await t.sessions.find(token, now, IDLE_S, ABSOLUTE_S)
    if session is not None and now - session.seen_at > _TOUCH_S:
        async with region.registry.begin() as t:
            await t.sessions.seen(token, now)
    return session
