"""The second step of signing in: set up at the first sign-in, asked for at every later one."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from region.registry.records import WebSession
from region.web import second_step
from region.web.auth import HOME, Halfway, begin_session
from region.web.context import Region, region_of
from region.web.errors import TooManyTries
from region.web.sign_in import Field, client_address, inside

router = APIRouter(include_in_schema=False)


@router.get("/second-step")
async def show_second_step(request: Request, session: Halfway, next: str = "") -> Response:  # noqa: A002
    """What is to be typed; at the first sign-in also the key that an authenticator needs."""
    if session.whole:
        return RedirectResponse(inside(next) or HOME[session.person.role], 303)
    return await _form(request, session, inside(next))


@router.post("/second-step")
async def take_second_step(request: Request, session: Halfway, code: Field, next: Field = "") -> Response:  # noqa: A002
    """A right code makes a whole session, under a new token; each code is good once."""
    region, name, address = region_of(request), session.person.name, client_address(request)
    forward: Response = RedirectResponse(inside(next) or HOME[session.person.role], 303)
    if session.whole:
        return forward
    account = f"{name}, second step"
    try:
        await region.limits.take_sign_in(account, address)
    except TooManyTries as error:
        minutes = int(error.retry_after_s // 60) + 1
        response = await _form(request, session, inside(next), "web.sign_in.wait", 429, minutes=minutes)
        response.headers["Retry-After"] = str(int(error.retry_after_s) + 1)
        return response
    async with region.registry.read() as t:
        key = await t.second_steps.key(session.person.id)
    recovery = second_step.new_recovery_codes() if key is None else ()
    how = await _set_up(region, session, code, recovery) if key is None else await _asked(region, session, key, code)
    if how is None:
        async with region.registry.begin() as t:
            await t.audit.add(name, "second_step", "refused", region.clock.wall())
        return await _form(request, session, inside(next), "web.second.wrong", 401)
    await region.limits.signed_in(account, address)
    response = forward
    if recovery:
        response = region.pages.page(
            request, "web/recovery.html", codes=recovery, forward_to=forward.headers["location"]
        )
    await begin_session(request, response, session.person, how, whole=True)
    return response


async def _asked(region: Region, session: WebSession, key: str, typed: str) -> str | None:
    """How the code was right: by the telephone, or a recovery code, which is spent; None: it was not."""
    step, recovery = second_step.step_of(key, typed, region.clock.wall()), second_step.recovery_code(typed)
    async with region.registry.begin() as t:
        if step is not None:
            return "code" if await t.second_steps.use(session.person.id, step) else None
        if recovery is not None and await t.second_steps.use_recovery(session.person.id, recovery):
            return "recovery code"
    return None


async def _set_up(region: Region, session: WebSession, typed: str, recovery: tuple[str, ...]) -> str | None:
    """The first code shows that the authenticator has the key."""
    now, person, key = region.clock.wall(), session.person, second_step.key_for(session.csrf)
    step = second_step.step_of(key, typed, now)
    if step is None:
        return None
    async with region.registry.begin() as t:
        if not await t.second_steps.set_up(person.id, key, step, recovery, now):
            return None
        await t.audit.add(person.name, "second_step", "made", now)
    return "code"


async def _form(
    request: Request, session: WebSession, next_path: str, error: str = "", status: int = 200, **values: object
) -> Response:
    region = region_of(request)
    async with region.registry.read() as t:
        known = await t.second_steps.key(session.person.id)
        left = await t.second_steps.recovery_left(session.person.id)
    message = region.pages.translator(request, session)(error, **values) if error else ""
    key = second_step.key_for(session.csrf) if known is None else ""  # one that is in use is never shown again
    return region.pages.page(
        request, "web/second_step.html", session, status, error=message, next_path=next_path, left=left,
        key=second_step.grouped(key), uri=second_step.key_uri(key, session.person.name) if key else "",
    )  # fmt: skip
