"""Back-Channel Logout: the provider says that somebody is signed out there, and so they are here.

It comes from the provider's server and not from a browser: no cookie and no session come with it, and the token alone
is believed. Source: OpenID Connect Back-Channel Logout 1.0.
"""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from region.registry.records import Person
from region.web.auth import Brought, session_ended
from region.web.context import Region, client_address, region_of
from region.web.errors import LogoutRefused, RegionSignInFailed
from region.web.guard import LOGOUTS
from region.web.oidc.admitting import ACTOR
from region.web.oidc.logout_token import Logout
from region.web.oidc.pages import provider_of

_log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)


@router.post(LOGOUTS)
async def provider_signed_out(
    request: Request, _: Brought, logout_token: Annotated[str, Form()] = ""
) -> Response:  # fmt: skip
    """End the sessions that the token names. 200 whether there were any or not; LogoutRefused, TooManyTries."""
    region, provider = region_of(request), provider_of(request)
    try:
        logout = await provider.logout(logout_token)
        people = await _end(region, logout)
    except RegionSignInFailed as failed:
        await _note_refusal(request, failed)
        raise LogoutRefused from failed
    for person in people:
        await session_ended(region, person)
    return Response()


async def _end(region: Region, logout: Logout) -> list[Person]:
    now = region.clock.wall()
    async with region.registry.begin() as t:
        if not await t.logouts.take(f"{logout.issuer} {logout.jti}", logout.remembered_until, now):
            raise RegionSignInFailed(
                "not_genuine", "the logout token has been taken already (jti): it was played again"
            )
        ended = await t.logouts.end(logout.issuer, logout.subject, logout.sid)
        for person, count in ended:
            await t.audit.add(ACTOR, "sign_out", "done", now, person=person.name, count=count, how="oidc")
    return [person for person, _ in ended]


async def _note_refusal(request: Request, failed: RegionSignInFailed) -> None:
    """Counted first: whoever sends many does not fill the log."""
    region = region_of(request)
    _log.warning("nobody was signed out by the region's sign-in, %s: %s", failed.reason, failed.exact)
    await region.limits.wrong_logout(client_address(request))
    async with region.registry.begin() as t:
        now = region.clock.wall()
        await t.audit.add("unknown", "sign_out", "refused", now, how="oidc", refusal=failed.reason)
