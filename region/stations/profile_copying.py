"""What works in one home works in the next: a site's profile copied to another, with what changes shown first."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from region.reasons import say
from region.registry import Conflict, Invalid, Refused, RegistryError
from region.registry.records import WebSession
from region.stations.layout import Copying, LayoutService
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.forms import told
from region.web.settings_told import SettingTeller

Site = Annotated[str, Form(max_length=80)]
Field = Annotated[str, Form(max_length=40)]


def build_router(layout: LayoutService) -> APIRouter:
    """The pages; what they do is the service's."""
    router = APIRouter(include_in_schema=False)

    @router.get("/profiles/copy")
    async def show_copy(request: Request, session: ItAdmin, source: str = "", target: str = "") -> Response:
        return await _page(request, session, layout, source, target)

    @router.post("/profiles/copy")
    async def copy(
        request: Request, session: ItAdmin, source: Site, target: Site, seen: Annotated[str, Form(max_length=64)],
        field: Annotated[list[Field], Form(max_length=64)] = [],  # noqa: B006 - FastAPI makes each request its own
    ) -> Response:  # fmt: skip
        try:
            if not field:
                raise Invalid(say("nothing_chosen"))
            whole = await _compared(layout, source, target)
            if _seal(whole) != seen:
                raise Conflict(say("one_changed"))
            copying = await layout.compare(whole.source, whole.target, field, ())
            touched = await layout.copy(session.person.name, copying)
        except (Conflict, Refused, Invalid) as error:
            return await _page(request, session, layout, source, target, error)
        return RedirectResponse(f"/profiles/site/{whole.target.place}?saved={len(touched.stations)}", 303)

    return router


async def _compared(layout: LayoutService, source: str, target: str) -> Copying:
    return await layout.compare(await layout.find("site", source), await layout.find("site", target), (), ())


async def _page(
    request: Request, session: WebSession, layout: LayoutService, source: str, target: str,
    error: RegistryError | None = None,
) -> Response:  # fmt: skip
    region = region_of(request)
    async with region.registry.read() as t:
        sites = [one.name for one in await t.sites.all()]
    copying = await _compared(layout, source, target) if source and target and source != target else None
    teller = SettingTeller(region.pages.translator(request, session), region.pages.has_words)
    fields: dict[str, list[tuple[str, str, str]]] = {}
    for one in copying.changes if copying else []:
        row = (teller.called(one.path), teller.said(one.path, one.before), teller.said(one.path, one.after))
        fields.setdefault(one.path[0], []).append(row)
    return region.pages.page(
        request, "stations/profile_copy.html", session, _status(error), sites=sites, source=source, target=target,
        copying=copying, fields=fields.items(), called=lambda field: _called(field, teller),
        seen=_seal(copying) if copying else "", same=bool(source) and source == target,
        error="" if error is None else told(request, session, error),
    )  # fmt: skip


def _called(field: str, teller: SettingTeller) -> str:
    """A field of the config in words: the part that it is, or the one setting."""
    part = f"stations.profile.group.{field}"
    return teller.t(part) if teller.has(part) else teller.name(field)


def _seal(copying: Copying) -> str:
    """What was shown: of the target's version, and of what it would become, secrets and all."""
    shown = json.dumps([copying.onto, copying.document], sort_keys=True)
    return hashlib.sha256(shown.encode()).hexdigest()


def _status(error: RegistryError | None) -> int:
    return 200 if error is None else 409 if isinstance(error, Conflict) else 422
