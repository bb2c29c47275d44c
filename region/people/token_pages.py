"""The page of API tokens; for IT."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from region.people.pages import Ids, Text
from region.people.tokens import DAYS, MOST_DAYS, MadeToken, TokenService, WantedToken
from region.registry import Invalid
from region.registry.records import TokenRole, WebSession
from region.web.actors import ActorTeller
from region.web.auth import ItInPerson
from region.web.context import region_of
from region.web.fields import TokenId

ROLES: tuple[TokenRole, ...] = get_args(TokenRole)
Days = Annotated[int, Form(ge=1, le=MOST_DAYS)]


def build_router(service: TokenService) -> APIRouter:
    """The page; what it does is the service's."""
    router = APIRouter(prefix="/people/tokens", include_in_schema=False)

    @router.get("")
    async def show_tokens(request: Request, session: ItInPerson, done: str = "") -> Response:
        return await _page(request, session, service, revoked=done == "revoked")

    @router.post("")
    async def make_token(
        request: Request, session: ItInPerson, name: Text, role: Text, sites: Ids, clinic: Text = "",
        days: Days = DAYS, reads_only: bool = Form(default=False),
    ) -> Response:  # fmt: skip
        wanted = _wanted(name, role, clinic, sites, days, reads_only)
        try:
            made = await service.make(session.person.name, wanted)
        except Invalid:
            lacks_site = wanted.role == "site_staff" and not wanted.sites
            error = "people.error.site" if lacks_site else "people.token.error.name"
            return await _page(request, session, service, wanted, error=error)
        return await _page(request, session, service, made=made)

    @router.post("/{token_id}/revoke")
    async def revoke_token(session: ItInPerson, token_id: TokenId) -> Response:
        await service.revoke(session.person.name, token_id)
        return RedirectResponse("/people/tokens?done=revoked", 303)

    return router


async def _page(
    request: Request, session: WebSession, service: TokenService, wanted: WantedToken | None = None, *,
    error: str = "", made: MadeToken | None = None, revoked: bool = False,
) -> Response:  # fmt: skip
    region = region_of(request)
    async with region.registry.read() as t:
        clinics, sites = await t.clinics.all(), await t.sites.all()
    return region.pages.page(
        request, "people/tokens.html", session, 422 if error else 200, tokens=await service.all(), roles=ROLES,
        clinics=clinics, sites=sites, wanted=wanted or WantedToken("", "it_admin"), most_days=MOST_DAYS, made=made,
        error=error, revoked=revoked,
        actors=ActorTeller(region.pages.translator(request, session), region.pages.has_words),
    )  # fmt: skip


def _wanted(name: str, role: str, clinic: str, sites: list[int], days: int, reads_only: bool) -> WantedToken:
    """As the form says; places that mean nothing to the role are left out."""
    known = next((one for one in ROLES if one == role), None)
    if known is None:
        raise Invalid("role: there is no such role")
    clinic_id = int(clinic) if clinic.isdecimal() and known == "evaluator" else None
    return WantedToken(name, known, clinic_id, () if known == "it_admin" else tuple(sites), days, reads_only)
