"""`/.well-known/`: what is looked for there in any site."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from region.web.auth import Visitor
from region.web.context import region_of
from region.web.security_txt import PATH

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def show_security_txt(request: Request, _session: Visitor) -> Response:
    """Whom to tell of a weakness; not there unless the operator has said."""
    settings = region_of(request).settings
    if settings.security is None:
        raise HTTPException(404)
    return PlainTextResponse(settings.security.text(settings.public_url))
