"""The JSON API of API tokens; for people of IT in a session, and never for a token. Described at /api/openapi.json."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from region.people.tokens import DAYS, MOST_DAYS, MadeToken, TokenService, WantedToken
from region.registry.records import ApiToken, TokenRole
from region.web.auth import ItInPerson
from region.web.fields import Body, Number, TokenId


class NewToken(Body):
    """What a token is for, what it may do and where, and for how many days."""

    name: str = Field(max_length=80)
    role: TokenRole
    clinic_id: Number | None = None
    sites: Annotated[list[Number], Field(max_length=1000)] = Field(default_factory=list)
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = DAYS
    reads_only: bool = False


def build_router(service: TokenService) -> APIRouter:
    """The routes below /api."""
    router = APIRouter(prefix="/api", tags=["people"])

    @router.get("/tokens")
    async def tokens(_session: ItInPerson) -> list[ApiToken]:
        """List every API token there has been, the newest first; their secrets are nowhere."""
        return await service.all()

    @router.post("/tokens", status_code=201)
    async def make_token(session: ItInPerson, new: NewToken) -> MadeToken:
        """Make an API token for a script.

        Its `secret` is told here and nowhere else. It ends when its maker is shut out, or is of IT no more.
        """
        wanted = WantedToken(new.name, new.role, new.clinic_id, tuple(new.sites), new.days, new.reads_only)
        return await service.make(session.person.name, wanted)

    @router.post("/tokens/{token_id}/revoke")
    async def revoke_token(session: ItInPerson, token_id: TokenId) -> ApiToken:
        """Revoke an API token: from the next request on it opens nothing, for good."""
        return await service.revoke(session.person.name, token_id)

    return router
