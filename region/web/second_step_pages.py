"""The second step of signing in: set up at the first sign-in, asked for at every later one."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from region.registry.records import Passkey, WebSession
from region.web import second_step, tokens
from region.web.auth import HOME, Halfway, begin_session, device_of
from region.web.context import Region, region_of
from region.web.errors import TooManyTries
from region.web.passkeys import Ceremony, are_possible
from region.web.sign_in import Field, inside

router = APIRouter(include_in_schema=False)


@router.get("/second-step")
async def show_second_step(request: Request, session: Halfway, next: str = "") -> Response:  # noqa: A002
    """What is to be typed; at the first sign-in also the key that an authenticator needs."""
    if session.whole:
        return RedirectResponse(inside(next) or HOME[session.person.role], 303)
    return await second_step_page(request, session, inside(next))


@router.post("/second-step")
async def take_second_step(request: Request, session: Halfway, code: Field, next: Field = "") -> Response:  # noqa: A002
    """A right code makes a whole session, under a new token; each code is good once."""
    region, name = region_of(request), session.person.name
    forward: Response = RedirectResponse(inside(next) or HOME[session.person.role], 303)
    if session.whole:
        return forward
    device = await device_of(request, name)
    try:
        await region.limits.take_second_step(name, device)
    except TooManyTries as error:
        minutes = int(error.retry_after_s // 60) + 1
        response = await second_step_page(request, session, inside(next), "web.sign_in.wait", 429, minutes=minutes)
        response.headers["Retry-After"] = str(int(error.retry_after_s) + 1)
        return response
    async with region.registry.read() as t:
        key, is_set_up = await t.second_steps.key(session.person.id), await t.second_steps.is_set_up(session.person.id)
    recovery = () if is_set_up else second_step.new_recovery_codes()
    how = await (_asked(region, session, key, code) if is_set_up else _set_up(request, session, code, recovery))
    if how is None:
        async with region.registry.begin() as t:
            await t.audit.add(name, "second_step", "refused", region.clock.wall())
        return await second_step_page(request, session, inside(next), "web.second.wrong", 401)
    await region.limits.second_step_was_right(name, device)
    response = forward
    if recovery:
        response = region.pages.page(
            request, "web/recovery.html", codes=recovery, forward_to=forward.headers["location"]
        )
    await begin_session(request, response, session.person, how, whole=True, vouched=session.vouched)
    return response


async def _asked(region: Region, session: WebSession, key: str | None, typed: str) -> str | None:
    """How the code was right: by the telephone, or a recovery code, which is spent; None: it was not."""
    step = None if key is None else second_step.step_of(key, typed, region.clock.wall())
    recovery = second_step.recovery_code(typed)
    async with region.registry.begin() as t:
        if step is not None:
            return "code" if await t.second_steps.use(session.person.id, step) else None
        if recovery is not None and await t.second_steps.use_recovery(session.person.id, recovery):
            return "recovery code"
    return None


async def _set_up(request: Request, session: WebSession, typed: str, recovery: tuple[str, ...]) -> str | None:
    """The first code shows that the authenticator has the key."""
    region = region_of(request)
    now, person, key = region.clock.wall(), session.person, _key_to_set_up(request)
    step = second_step.step_of(key, typed, now)
    if step is None:
        return None
    async with region.registry.begin() as t:
        if not await t.second_steps.set_up(person.id, key, step, recovery, now):
            return None
        await t.audit.add(person.name, "second_step", "made", now)
    return "code"


def _key_to_set_up(request: Request) -> str:
    """It is known to whoever has this browser's cookie, and so to no script, page or database: it outlives them all."""
    return second_step.key_for(tokens.read_cookie(request, tokens.SESSION) or "")


async def second_step_page(
    request: Request, session: WebSession, next_path: str, error: str = "", status: int = 200, **values: object
) -> Response:
    """What is to be given, or set up by whoever has nothing yet; `error` is the key of what went wrong."""
    region = region_of(request)
    async with region.registry.read() as t:
        known = await t.second_steps.key(session.person.id)
        passkeys = await t.passkeys.of(session.person.id)
        left = await t.second_steps.recovery_left(session.person.id)
    message = region.pages.translator(request, session)(error, **values) if error else ""
    is_set_up = known is not None or bool(passkeys)
    key = "" if is_set_up else _key_to_set_up(request)  # one that is in use is never shown again
    use, make = _passkey_options(region, session, passkeys)
    return region.pages.page(
        request, "web/second_step.html", session, status, error=message, next_path=next_path, left=left,
        key=second_step.grouped(key), uri=second_step.key_uri(key, session.person.name) if key else "",
        has_key=known is not None, use_passkey=use, make_passkey="" if is_set_up else make,
    )  # fmt: skip


def _passkey_options(region: Region, session: WebSession, known: list[Passkey]) -> tuple[str, str]:
    """What the browser is asked to use and to make a passkey; empty where it cannot."""
    if not are_possible(region.settings.public_url):
        return "", ""
    ceremony = Ceremony(region.settings.public_url, session.csrf)
    return ceremony.to_use(known) if known else "", ceremony.to_make(session.person, known)
