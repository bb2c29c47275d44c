"""Tables at a browser: the registry taken in and written out as CSV, with each fault by line and column; for IT."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from messaging import reasons
from region.registry import Invalid
from region.registry.records import WebSession
from region.stations.importing import COLUMNS, KINDS, Kind, Taken, take_table
from region.stations.tables import BadTable
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.guard import TABLES_PAGE
from region.web.refusals_told import RefusalTeller
from region.web.settings_told import SettingTeller

_MOST_TOLD = 100


def build_router() -> APIRouter:
    """The page; what it does is the importing's. Writing out is the API's."""
    router = APIRouter(include_in_schema=False)

    @router.get(TABLES_PAGE)
    async def show_tables(request: Request, session: ItAdmin) -> Response:
        return _page(request, session)

    @router.post(TABLES_PAGE)
    async def take_in(request: Request, session: ItAdmin) -> Response:
        region = region_of(request)
        async with request.form() as form:  # here, when it is known who brings it
            kind, file = form.get("kind"), form.get("file")
            if kind not in KINDS or not isinstance(file, UploadFile):
                raise Invalid("a table and its kind were expected")
            content, dry_run = await file.read(), bool(form.get("dry_run"))
        try:
            taken = await take_table(region.registry, region.clock, session.person.name, kind, content, dry_run=dry_run)
        except BadTable as error:
            return _page(request, session, kind, bad=error)
        return _page(request, session, kind, taken=taken)

    return router


def _page(
    request: Request, session: WebSession, kind: Kind = "stations", *, taken: Taken | None = None,
    bad: BadTable | None = None,
) -> Response:  # fmt: skip
    pages = region_of(request).pages
    teller = _FaultTeller(request, session)
    faults = bad.faults if bad else ()
    return pages.page(
        request, "stations/tables.html", session, 422 if bad else 200, kinds=KINDS, columns=COLUMNS, kind=kind,
        taken=taken, faults=[(one.line, one.column, teller.why(one.text)) for one in faults[:_MOST_TOLD]],
        more=max(0, len(faults) - _MOST_TOLD),
    )  # fmt: skip


class _FaultTeller:
    """Tells what is wrong with a cell in the reader's words: a fault of the table, or what a station's setting says."""

    def __init__(self, request: Request, session: WebSession) -> None:
        pages = region_of(request).pages
        words = pages.translator(request, session)
        self._settings = SettingTeller(words, pages.has_words)
        self._refusals = RefusalTeller(words, pages.has_words)

    def why(self, told: str) -> str:
        name, _, why = told.partition(": ")
        reason = reasons.read(why)
        if reason is not None and reason.code == "at_station":
            return f"{self._settings.name(name)}: {self._settings.why(name, why)}"
        return self._refusals.why(told)
