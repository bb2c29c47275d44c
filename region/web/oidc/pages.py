"""The way to the provider, back from it, and out."""

from __future__ import annotations

import logging

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from region.registry.records import Vouched, digest
from region.web import tokens
from region.web.auth import HOME, Visitor, begin_session
from region.web.context import Region, client_address, region_of
from region.web.errors import OidcReason, RegionSignInFailed
from region.web.oidc.admitting import admit
from region.web.oidc.attempt import LIVES_S, Attempt, unpacked
from region.web.oidc.provider import Answered, Provider
from region.web.sign_in import inside, sign_in_page

_log = logging.getLogger(__name__)
COOKIE = "oidc"
BACK = "/sign-in/region/back"
_THEIR_FAULT: tuple[OidcReason, ...] = ("unreachable", "provider", "not_genuine", "clock")
router = APIRouter(include_in_schema=False)


@router.get("/sign-in/region")
async def go_to_provider(request: Request, session: Visitor, next: str = "") -> Response:  # noqa: A002
    """To the provider; this browser alone can come back with its answer."""
    region, provider = region_of(request), provider_of(request)
    if session is not None:
        return RedirectResponse(inside(next) or HOME[session.person.role], 303)
    attempt = Attempt.new(inside(next)[:1000])
    try:
        door = await provider.door(attempt, _back(region))
    except RegionSignInFailed as failed:
        return await _refused(request, failed, attempt)
    response = RedirectResponse(door, 303)
    tokens.set_cookie(response, COOKIE, attempt.packed(), region.settings.secure, LIVES_S)
    return response


@router.get(BACK)
async def come_back(
    request: Request, session: Visitor, code: str | None = None, state: str | None = None, iss: str | None = None,
    error: str | None = None,
) -> Response:  # fmt: skip
    """Back with an answer: a session, or words that say why there is none."""
    region, provider = region_of(request), provider_of(request)
    attempt = unpacked(tokens.read_cookie(request, COOKIE))
    if attempt is None and session is not None:  # opened again, by the browser's own way back
        return RedirectResponse(HOME[session.person.role], 303)
    address = client_address(request)
    await region.limits.take_link(address)
    try:
        if attempt is None:
            raise RegionSignInFailed("stale", "this browser has asked for nothing, or too long ago")
        identity = await provider.identify(attempt, Answered(code, state, iss, error), _back(region))
        async with region.registry.begin() as t:
            person = await admit(t, identity, provider.settings.grant, region.clock.wall())
    except RegionSignInFailed as failed:
        return await _refused(request, failed, attempt)
    await region.limits.link_was_right(address)
    response = RedirectResponse(inside(attempt.next_path) or HOME[person.role], 303)
    vouched = Vouched(identity.issuer, digest(identity.sid) if identity.sid else None)
    await begin_session(request, response, person, "oidc", whole=identity.second_step, vouched=vouched)
    tokens.drop_cookie(response, COOKIE, region.settings.secure)
    return response


@router.get("/sign-out/region")
async def leave_provider(request: Request, _session: Visitor) -> Response:
    """Sign out at the provider too, as far as it lets us."""
    region, provider = region_of(request), provider_of(request)
    try:
        exit_there = await provider.exit(f"{region.settings.public_url}/sign-in")
    except RegionSignInFailed as failed:
        return await _refused(request, failed, None)
    return RedirectResponse(exit_there or "/sign-in", 303)


def provider_of(request: Request) -> Provider:
    """The provider; a region that has none has none of its routes."""
    provider = region_of(request).provider
    if provider is None:
        raise HTTPException(404)
    return provider


def _back(region: Region) -> str:
    return f"{region.settings.public_url}{BACK}"


async def _refused(request: Request, failed: RegionSignInFailed, attempt: Attempt | None) -> Response:
    region = region_of(request)
    _log.warning("nobody was signed in by the region's sign-in, %s: %s", failed.reason, failed.exact)
    async with region.registry.begin() as t:
        now = region.clock.wall()
        await t.audit.add("unknown", "sign_in", "refused", now, how="oidc", refusal=failed.reason)
    status = 502 if failed.reason in _THEIR_FAULT else failed.status
    next_path = attempt.next_path if attempt is not None else ""
    response = sign_in_page(
        request, inside(next_path), f"web.oidc.{failed.reason}", status, label=provider_of(request).settings.label
    )
    tokens.drop_cookie(response, COOKIE, region.settings.secure)
    return response
