"""Who is signed in: dependencies for handlers, and how a session begins and ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Annotated, Any

from fastapi import Depends
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from region.registry import RegistryError
from region.registry.records import Person, Role, Vouched, WebSession
from region.web import devices, rights, tokens
from region.web.access import lease_of
from region.web.bearer import bearer, session_of
from region.web.context import Region, region_of
from region.web.errors import ForPeople, NotAllowed, NotSignedIn, SecondStepNeeded
from region.web.events import Lease
from region.web.rights import Right, scope_of

_log = logging.getLogger(__name__)
IDLE_S = 8 * 3600.0
ABSOLUTE_S = 14 * 3600.0
_TOUCH_S = 60.0
HOME: dict[Role, str] = {
    "clinician": "/desk", "it_admin": "/fleet", "site_staff": "/home", "evaluator": "/evaluation",
}  # fmt: skip


async def visitor(request: Request) -> WebSession | None:
    """The session of this browser, if somebody is signed in, or of this script. Looked up once a request."""
    if not hasattr(request.state, "session"):
        request.state.session = await _find(request)
    session: WebSession | None = request.state.session
    return session


class Holder:
    """A dependency: the session of somebody who has the right, or NotSignedIn, or NotAllowed."""

    def __init__(self, right: Right) -> None:
        self.right = right

    async def __call__(self, request: Request) -> WebSession:
        """Look."""
        session = await visitor(request)
        if session is None:
            raise NotSignedIn
        if not self.right.halfway and lacks_second_step(session, region_of(request)):
            raise SecondStepNeeded
        if not self.right.of(session.person):
            raise NotAllowed
        if self.right.in_person:
            in_person(session)
        return session


def in_person(session: WebSession) -> None:
    """ForPeople where a script has come with a token."""
    if session.token is not None:
        raise ForPeople


def lacks_second_step(session: WebSession, region: Region) -> bool:
    """Whether this session may not do anything yet but give the second step."""
    return _needs_second_step(session.person, region) and not session.whole


def _needs_second_step(person: Person, region: Region) -> bool:
    return person.second_step or (region.settings.second_step and person.role == "it_admin")


class Guest:
    """A dependency for what anybody may use: the session of whoever is signed in."""

    right = rights.ANYBODY

    async def __call__(self, request: Request) -> WebSession | None:
        """Look."""
        return await visitor(request)


class Messenger(Guest):
    """A dependency for what is signed: who brings it does not matter, and no cookie is looked at."""

    right = rights.SIGNED

    async def __call__(self, request: Request) -> None:
        """Nobody is looked up."""


def stated(route: APIRoute) -> Right | None:
    """The right that the route states; the narrowest where it states several; None: none."""
    found = [right for right in _stated(route.dependant) if right.roles is not None]
    if found:
        return min(found, key=lambda right: len(right.roles or ()))
    return next(_stated(route.dependant), None)


def _stated(dependant: Dependant) -> Iterator[Right]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Holder | Guest):
            yield inner.call.right
        yield from _stated(inner)


Brought = Annotated[None, Depends(Messenger())]
Visitor = Annotated[WebSession | None, Depends(Guest())]
Halfway = Annotated[WebSession, Depends(Holder(rights.HALFWAY))]
SignedIn = Annotated[WebSession, Depends(Holder(rights.OWN_ACCOUNT))]
Clinician = Annotated[WebSession, Depends(Holder(rights.DESK))]
SiteStaff = Annotated[WebSession, Depends(Holder(rights.HOME))]
FiguresReader = Annotated[WebSession, Depends(Holder(rights.FIGURES))]
ItAdmin = Annotated[WebSession, Depends(Holder(rights.REGION))]
ItInPerson = Annotated[WebSession, Depends(Holder(rights.PEOPLE))]


async def begin_session(
    request: Request, response: Response, person: Person, how: str, *, whole: bool = False,
    vouched: Vouched | None = None,
) -> None:  # fmt: skip
    """Sign in: always a new token, and whatever session this browser had before is over (no fixation).

    `whole`: the second step has been given, or is not asked for. A browser in which somebody is signed in for good is
    known from then on. `vouched`: by which provider, if by one.
    """
    region = region_of(request)
    token, now = tokens.new_token(), region.clock.wall()
    old = tokens.read_cookie(request, tokens.SESSION)
    async with region.registry.begin() as t:
        if old is not None:
            await t.sessions.end(old)
        await t.sessions.sweep(now, IDLE_S, ABSOLUTE_S)
        await t.sessions.start(token, person.id, tokens.new_token(), now, whole=whole, vouched=vouched)
        await t.audit.add(person.name, "sign_in", "done", now, how=how)
        if whole or not _needs_second_step(person, region):
            known = await devices.remember(t, tokens.read_cookie(request, devices.COOKIE), person.id, now)
            tokens.set_cookie(response, devices.COOKIE, known, region.settings.secure, int(devices.LIVES_S))
    tokens.set_cookie(response, tokens.SESSION, token, region.settings.secure, int(ABSOLUTE_S))
    tokens.drop_cookie(response, tokens.VISIT, region.settings.secure)


async def device_of(request: Request, account: str) -> str:
    """By what the tries of this browser at that account are counted; empty: nobody has signed in there before."""
    cookie = tokens.read_cookie(request, devices.COOKIE)
    if not cookie:
        return ""
    region = region_of(request)
    async with region.registry.read() as t:
        return await devices.known(t, cookie, account, region.clock.wall())


async def end_session(request: Request, response: Response) -> None:
    """Sign out. Other pages of this browser end once the answer is on its way: none of them is to overtake it."""
    region = region_of(request)
    token, session = tokens.read_cookie(request, tokens.SESSION), await visitor(request)
    if token is not None and session is not None:
        async with region.registry.begin() as t:
            await t.sessions.end(token)
            await t.audit.add(session.person.name, "sign_out", "done", region.clock.wall())
        response.background = BackgroundTask(session_ended, region, session.person)
    tokens.drop_cookie(response, tokens.SESSION, region.settings.secure)


async def session_ended(region: Region, person: Person) -> None:
    """A session of this person has been ended: streams that lived by it end now, at whichever process."""
    region.hub.doubt(lease_of(person.id))


def live(
    request: Request, session: WebSession, topics: Iterable[str], first: Iterable[str] = (),
    lost: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> StreamingResponse:  # fmt: skip
    """A stream of live updates that lasts as long as the session; an open page keeps its session from idling out.

    It ends too when the person is given another place: its topics are those of the place before. `lost`: the session
    was ended, and the stream with it. One that has only grown old is not told of.
    """
    region = region_of(request)

    async def holds() -> bool:
        try:
            found = await _find(request)
        except RegistryError as error:
            _log.warning("whether a page is signed in cannot be seen just now, and is looked at again: %s", error)
            return True
        if found is None or lacks_second_step(found, region):
            return False
        return scope_of(found.person) == scope_of(session.person)

    async def ended() -> None:
        if lost is None or region.clock.wall() - session.created_at >= ABSOLUTE_S:
            return
        try:
            await lost()
        except RegistryError as error:
            _log.warning("what a page that was signed out was in the middle of is not ended at once: %s", error)

    return region.hub.response(topics, Lease(holds, lease_of(session.person.id), ended), first)


async def _find(request: Request) -> WebSession | None:
    secret = bearer(request)
    if secret is not None:
        return await session_of(request, secret)
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
