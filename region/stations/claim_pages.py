"""The pages of stations that ask to be claimed; for IT."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from region.registry import Conflict, Invalid, NotFound, RegistryError
from region.registry.records import Station, WebSession
from region.stations.claims import Chosen, ClaimService
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.forms import Refusals, choice, refusal

Text = Annotated[str, Form(max_length=120)]
Check = Annotated[str, Form(max_length=6)]
_REFUSALS: Refusals = {
    Conflict: ("stations.claim.error.conflict", 409), Invalid: ("stations.claim.error.invalid", 422),
    NotFound: ("stations.claim.error.not_found", 404),
}  # fmt: skip


def build_router(claims: ClaimService) -> APIRouter:
    """The pages; what they do is the service's."""
    router = APIRouter(include_in_schema=False)

    @router.get("/claims")
    async def show_claims(request: Request, session: ItAdmin) -> Response:
        return await _claims(request, session, claims, "stations/claims.html")

    @router.get("/claims/waiting")
    async def show_waiting(request: Request, session: ItAdmin) -> Response:
        return await _claims(request, session, claims, "stations/claims_waiting.html")

    @router.get("/claims/{key}")
    async def show_claim(request: Request, session: ItAdmin, key: str, check: str = "") -> Response:
        return await _claim(request, session, claims, key, check)

    @router.post("/claims/{key}/approve")
    async def approve(
        request: Request, session: ItAdmin, key: str, check: Check, compared: Text = "", station: Text = "",
        site: Text = "", room: Text = "", clinic: Text = "",
    ) -> Response:  # fmt: skip
        try:
            if compared != "yes":
                raise Invalid("check: nobody has compared")
            chosen = Chosen(station, choice(site), room.strip(), choice(clinic))
            approved = await claims.approve(session.person.name, key, check, chosen)
        except RegistryError as error:
            return await _claim(request, session, claims, key, "", error)
        return RedirectResponse(f"/stations/{approved.id}", 303)

    @router.post("/claims/{key}/refuse")
    async def refuse(request: Request, session: ItAdmin, key: str, check: Check) -> Response:
        try:
            await claims.refuse(session.person.name, key, check)
        except RegistryError as error:
            return await _claim(request, session, claims, key, "", error)
        return RedirectResponse("/claims", 303)

    return router


async def _claims(
    request: Request, session: WebSession, claims: ClaimService, template: str, error: str = "", status: int = 200
) -> Response:
    region = region_of(request)
    message = region.pages.translator(request, session)(error) if error else ""
    return region.pages.page(
        request, template, session, status, waiting=await claims.waiting(), now=region.clock.wall(), error=message
    )


async def _claim(
    request: Request, session: WebSession, claims: ClaimService, key: str, scanned: str,
    error: RegistryError | None = None,
) -> Response:  # fmt: skip
    region = region_of(request)
    try:
        found = await claims.get(key)
    except NotFound:
        return await _claims(request, session, claims, "stations/claims.html", "stations.claims.over", 404)
    async with region.registry.read() as t:
        clinics, sites, stations = await t.clinics.all(), await t.sites.all(), await t.stations.all()
        invited = await t.enrolments.all()
    admitted = [one for one in stations if one.admission == "admitted"]
    used = [one for one in admitted if one.id in invited and invited[one.id].certificate is not None]
    message, status = refusal(request, session, error, _REFUSALS)
    return region.pages.page(
        request, "stations/claim.html", session, status, found=found, now=region.clock.wall(), clinics=clinics,
        sites=sites, used=used, prepared=_without(admitted, used), error=message, scanned=_same(scanned, found.check),
        other=bool(scanned) and not _same(scanned, found.check),
    )  # fmt: skip


def _without(stations: list[Station], others: list[Station]) -> list[Station]:
    left_out = {one.id for one in others}
    return [one for one in stations if one.id not in left_out]


def _same(scanned: str, check: str) -> bool:
    return hmac.compare_digest(scanned.encode(), check.encode())
