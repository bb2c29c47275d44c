"""The JSON API of stations that ask to be claimed; for IT's scripts. Described at /api/openapi.json."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from messaging.times import UnixTime
from region.registry.records import Station
from region.stations.claims import Chosen, ClaimService, Waiting
from region.web.auth import ItAdmin
from region.web.fields import Body, Key, Number


class WaitingClaim(BaseModel):
    """A station that asks to be claimed; `known` is the station that its serial number was given to in advance."""

    key: str
    check: str
    serial: str
    address: str
    since: UnixTime
    known: str | None


class Decision(Body):
    """`check` is what the station's screen shows: six digits that somebody has compared."""

    check: str = Field(pattern=r"^[0-9]{6}$")


class Approval(Decision):
    """As a station that is there (`station`), or as a new one in that room of that site."""

    station: str = Field(default="", max_length=40)
    site_id: Number | None = None
    room: str = Field(default="", max_length=80)
    clinic_id: Number | None = None


def build_router(claims: ClaimService) -> APIRouter:
    """The routes below /api."""
    router = APIRouter(prefix="/api", tags=["stations"])

    @router.get("/claims")
    async def claims_waiting(_session: ItAdmin) -> list[WaitingClaim]:
        """List the stations that ask to be claimed, the oldest first."""
        return [_told(one) for one in await claims.waiting()]

    @router.post("/claims/{key}/approve")
    async def approve_claim(session: ItAdmin, key: Key, approval: Approval) -> Station:
        """Let the station with this key, whose screen shows these digits, become that station."""
        chosen = Chosen(approval.station, approval.site_id, approval.room, approval.clinic_id)
        return await claims.approve(session.person.name, key, approval.check, chosen)

    @router.post("/claims/{key}/refuse", status_code=204)
    async def refuse_claim(session: ItAdmin, key: Key, decision: Decision) -> None:
        """Refuse a claim: it is nobody of ours."""
        await claims.refuse(session.person.name, key, decision.check)

    return router


def _told(one: Waiting) -> WaitingClaim:
    claim = one.claim
    return WaitingClaim(
        key=claim.key_sha256, check=one.check, serial=claim.serial, address=claim.address, since=claim.made_at,
        known=None if one.known is None else one.known.id,
    )  # fmt: skip
