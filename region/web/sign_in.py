"""Signing in and out, one-time links, and a person's own account."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from messaging.twin import Language
from region.registry import Invalid, Registry
from region.registry.actors import COMMAND_LINE
from region.registry.people import sign_in_name
from region.registry.records import Person, WebSession
from region.web import tokens
from region.web.auth import HOME, SignedIn, Visitor, begin_session, device_of, end_session
from region.web.context import client_address, region_of
from region.web.errors import LinkSpent, TooManyTries
from region.web.pages import LANGUAGE_COOKIE
from region.web.passkeys import Ceremony, are_possible

LINK_LIVES_S = 15 * 60.0
router = APIRouter(include_in_schema=False)
Field = Annotated[str, Form(max_length=300)]


@router.get("/")
async def home(session: Visitor) -> Response:
    """To where this person works."""
    return RedirectResponse(HOME[session.person.role] if session else "/sign-in", 303)


@router.get("/sign-in")
async def show_sign_in(request: Request, session: Visitor, next: str = "", out: bool = False) -> Response:  # noqa: A002
    """The sign-in form; whoever is signed in already goes on. `out`: just signed out, but not at the provider."""
    if session is not None:
        return RedirectResponse(inside(next) or HOME[session.person.role], 303)
    return sign_in_page(request, inside(next), out=out)


@router.post("/sign-in")
async def sign_in(
    request: Request, _session: Visitor, name: Field, password: Field, next: Field = ""  # noqa: A002
) -> Response:  # fmt: skip
    """Sign in with name and password. A wrong name and a wrong password look the same and take as long."""
    region, account = region_of(request), sign_in_name(name)[:80]
    address, next_path = client_address(request), inside(next)
    try:
        device = await device_of(request, account)
        await region.limits.take_sign_in(account, address, device)
    except TooManyTries as error:
        minutes = int(error.retry_after_s // 60) + 1
        response = sign_in_page(request, next_path, "web.sign_in.wait", 429, minutes=minutes)
        response.headers["Retry-After"] = str(int(error.retry_after_s) + 1)
        return response
    async with region.registry.read() as t:
        password_hash = await t.people.password_hash(account)
        person = await t.people.find(account)
    if not await region.passwords.verify(password_hash, password) or person is None:
        async with region.registry.begin() as t:
            # Only names we know are written down: what was typed may be a password in the wrong field.
            await t.audit.add(person.name if person else "unknown", "sign_in", "refused", region.clock.wall())
        return sign_in_page(request, next_path, "web.sign_in.wrong", 401)
    await region.limits.signed_in(account, address, device)
    forward = RedirectResponse(next_path or HOME[person.role], 303)
    await begin_session(request, forward, person, "password")
    return forward


@router.get("/once/{token}")
async def use_link(request: Request, session: Visitor, token: str) -> Response:
    """A one-time link: signs in and goes on. Opened again in the same browser it just goes on."""
    region = region_of(request)
    await region.limits.take_link(client_address(request))
    async with region.registry.begin() as t:
        spent = await t.sessions.use_link(token[:100], region.clock.wall())
    if spent is None:
        if session is None:
            raise LinkSpent
        return RedirectResponse(HOME[session.person.role], 303)
    await region.limits.link_was_right(client_address(request))
    forward = RedirectResponse(HOME[spent.person.role], 303)
    await begin_session(request, forward, spent.person, "link", whole=spent.whole)
    return forward


@router.post("/sign-out")
async def sign_out(request: Request, session: Visitor) -> Response:
    """Sign out of this browser."""
    vouched = region_of(request).provider is not None and session is not None and session.person.vouched
    response = RedirectResponse("/sign-in?out=true" if vouched else "/sign-in", 303)
    await end_session(request, response)
    return response


@router.post("/language")
async def choose_language(request: Request, session: Visitor, language: Field, next: Field = "/") -> Response:  # noqa: A002
    """Read pages in that language from now on."""
    chosen: Language = "da" if language == "da" else "en"
    region = region_of(request)
    if session is not None:
        async with region.registry.begin() as t:
            await t.people.set_language(session.person.id, chosen)
    response = RedirectResponse(inside(next) or "/", 303)
    response.set_cookie(LANGUAGE_COOKIE, chosen, 365 * 86_400, secure=region.settings.secure, samesite="lax")
    return response


@router.get("/account")
async def show_account(request: Request, session: SignedIn, changed: bool = False) -> Response:
    """Who is signed in, and a new password."""
    return await account_page(request, session, changed=changed)


@router.post("/account/password")
async def change_password(request: Request, session: SignedIn, new: Field, old: Field = "") -> Response:
    """A new password: the old one is asked for if there is one. Other browsers are signed out."""
    region, person, address = region_of(request), session.person, client_address(request)
    device = await device_of(request, person.name)
    await region.limits.take_sign_in(person.name, address, device)
    async with region.registry.read() as t:
        known = await t.people.password_hash(person.name)
    if known is not None and not await region.passwords.verify(known, old):
        return await account_page(request, session, "web.account.wrong_old", 422)
    try:
        hashed = await region.passwords.hash(new)
    except Invalid:
        return await account_page(request, session, "web.account.bad_new", 422)
    await region.limits.signed_in(person.name, address, device)
    async with region.registry.begin() as t:
        await t.people.set_password(person.id, hashed)
        await t.sessions.end_all(person.id)
        await t.audit.add(person.name, "password", "changed", region.clock.wall())
    forward = RedirectResponse("/account?changed=true", 303)
    await begin_session(request, forward, person, "new password", whole=session.whole, vouched=session.vouched)
    return forward


async def make_link(
    registry: Registry, public_url: str, person: Person, now: float, lives_s: float, *, whole: bool = False,
    actor: str = COMMAND_LINE,
) -> str:  # fmt: skip
    """A one-time sign-in link for that person; it is in nobody's log and stored as a digest only.

    `whole`: the second step is not asked for, as in the demo.
    """
    token = tokens.new_token()
    async with registry.begin() as t:
        await t.sessions.add_link(token, person.id, now, now + lives_s, whole=whole)
        await t.audit.add(actor, "sign_in.link", "made", now, person=person.name)
    return f"{public_url}/once/{token}"


def inside(path: str) -> str:
    """A path of ours to go on to, or nothing: never another site's."""
    parts = urlsplit(path)
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return path if inside and path.isprintable() and "\\" not in path else ""


def sign_in_page(
    request: Request, next_path: str, error: str = "", status: int = 200, *, out: bool = False, **values: object
) -> Response:  # fmt: skip
    """The page to sign in on; `error` is the key of what went wrong, with its `values`."""
    region = region_of(request)
    visit = tokens.visit_of(request)
    message = region.pages.translator(request, None)(error, **values) if error else ""
    provider = region.provider.settings.label if region.provider is not None else ""
    response = region.pages.page(
        request, "web/sign_in.html", None, status, error=message, next_path=next_path, provider=provider,
        out=out and bool(provider),
    )  # fmt: skip
    tokens.set_cookie(response, tokens.VISIT, visit, region.settings.secure)
    return response


async def account_page(
    request: Request, session: WebSession, error: str = "", status: int = 200, *, changed: bool = False
) -> Response:  # fmt: skip
    """The page of one's own account; `error` is the key of what went wrong."""
    region = region_of(request)
    async with region.registry.read() as t:
        passkeys = await t.passkeys.of(session.person.id)
    url, make = region.settings.public_url, ""
    if are_possible(url):
        make = Ceremony(url, session.csrf).to_make(session.person, passkeys)
    message = region.pages.translator(request, session)(error) if error else ""
    return region.pages.page(
        request, "web/account.html", session, status, error=message, changed=changed, passkeys=passkeys,
        make_passkey=make,
    )  # fmt: skip
