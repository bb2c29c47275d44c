"""What a script needs before all else: who it is signed in as, and what the API does (a page of the document)."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from region.registry.records import Role
from region.web.auth import Halfway, Visitor, lacks_second_step
from region.web.context import region_of
from region.web.openapi import operations

router = APIRouter()


@dataclass(frozen=True)
class OwnSession:
    """Who is signed in; `csrf` is what every request but GET carries as `X-CSRF-Token`, empty for an API token.

    Not `whole`: the second step is still to come, and nothing else can be done.
    """

    name: str
    role: Role
    csrf: str
    whole: bool


EXAMPLES = (OwnSession("ivan", "it_admin", "gV0mPzK2q5d4c1Yt8bXnWfLrHsEoJuAi", whole=True),)


@router.get("/api/session", tags=["session"])
async def own_session(request: Request, session: Halfway) -> OwnSession:
    """Who is signed in, or whom a token stands for; and the token of this session."""
    whole = not lacks_second_step(session, region_of(request))
    return OwnSession(session.person.name, session.person.role, session.csrf, whole)


@router.get("/api", include_in_schema=False)
async def show_api(request: Request, session: Visitor) -> Response:
    """The document as a page."""
    made = request.app.openapi()
    return region_of(request).pages.page(
        request, "web/api.html", session, operations=operations(made), paragraphs=made["info"]["description"],
        types=made["components"]["schemas"], refusals=made["components"]["responses"],
    )  # fmt: skip
