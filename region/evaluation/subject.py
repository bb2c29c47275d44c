"""The subject `evaluation`: the page of the figures, and the same rows for scripts and spreadsheets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from region.evaluation import gather, table
from region.evaluation.errors import BadPeriod
from region.evaluation.examples import ROW
from region.evaluation.publishing import Place, Row
from region.evaluation.shown import Shown
from region.evaluation.weeks import Week, last_finished, period
from region.evaluation.words import WORDS
from region.registry import NotFound
from region.registry.records import WebSession
from region.web.auth import FiguresReader
from region.web.context import Region, region_of
from region.web.csv import CSV, CsvTable
from region.web.problems import problem
from region.web.rights import scope_of
from region.web.subject import Nav, Subject

EVERYWHERE = "all"
From = Annotated[str, Query(alias="from", max_length=20, description="a week, 2026-W47, or a day in it")]
To = Annotated[str, Query(alias="to", max_length=20, description="the last week, 2026-W47, or a day in it")]
Where = Annotated[str, Query(alias="place", max_length=20, description="region, site-<id>, clinic-<id> or all")]


def subject(region: Region) -> Subject:
    """The page and the API."""
    return Subject(
        "evaluation", Path(__file__).parent, _router(region), WORDS,
        (Nav("/evaluation", "evaluation.nav", "it_admin"), Nav("/evaluation", "evaluation.nav", "evaluator")),
        examples=(ROW,),
    )  # fmt: skip


def _router(region: Region) -> APIRouter:
    router = APIRouter()

    @router.get("/evaluation", include_in_schema=False)
    async def show_figures(
        request: Request, session: FiguresReader, first: From = "", last: To = "", where: Where = ""
    ) -> Response:
        return await _page(request, session, first, last, where)

    @router.get("/api/evaluation", tags=["evaluation"], response_model=list[Row])
    async def figures(
        request: Request, session: FiguresReader, first: From = "", last: To = "", where: Where = EVERYWHERE
    ) -> list[Row] | Response:
        """The figures of whole weeks, of the places that one may see.

        A figure is a number, or `<5` where it would tell of too few.
        """
        try:
            return await _rows(region, session, first, last, where)
        except BadPeriod as error:
            return problem(request, 422, "invalid", str(error))

    @router.get("/api/evaluation.csv", tags=["evaluation"], response_class=CsvTable, responses=CSV)
    async def figures_csv(
        request: Request, session: FiguresReader, first: From = "", last: To = "", where: Where = EVERYWHERE
    ) -> Response:
        """The same figures as a table."""
        try:
            rows = await _rows(region, session, first, last, where)
        except BadPeriod as error:
            return problem(request, 422, "invalid", str(error))
        name = {"Content-Disposition": 'attachment; filename="evaluation.csv"'}
        return CsvTable(table.to_csv(rows), headers=name)

    return router


async def _rows(region: Region, session: WebSession, first: str, last: str, where: str) -> list[Row]:
    weeks = period(first, last, region.clock.wall())
    return await gather.rows(region.registry, weeks, _chosen(await _places(region, session), where))


async def _places(region: Region, session: WebSession) -> list[Place]:
    """The places whose figures this person may see."""
    scope, places = scope_of(session.person), await gather.places(region.registry)
    if scope.is_whole:
        return places
    mine = {f"site-{one}" for one in scope.sites or ()} | {f"clinic-{one}" for one in scope.clinics or ()}
    return [place for place in places if place.key in mine]


async def _page(request: Request, session: WebSession, first: str, last: str, where: str) -> Response:
    region, fault = region_of(request), ""
    places = await _places(region, session)
    where = where or next((place.key for place in places), "")
    (place,) = _chosen([place for place in places if place.key == where], where)
    weeks: tuple[Week, ...] = ()
    try:
        weeks = period(first, last, region.clock.wall())
    except BadPeriod as error:
        fault = error.word
    rows = await gather.rows(region.registry, weeks, [place])
    if weeks and not fault:
        first, last = weeks[0].label, weeks[-1].label
    asked = {"from": first, "to": last}
    return region.pages.page(
        request, "evaluation/evaluation.html", session, 422 if fault else 200,
        rows=rows[::-1], places=places, place=place, asked=asked, fault=fault,
        these=urlencode({**asked, "place": where}), all_places=urlencode(asked),
        next_week=last_finished(region.clock.wall()).later(2).monday.isoformat(),
        shown=Shown(region.pages.translator(request, session)),
    )  # fmt: skip


def _chosen(places: Sequence[Place], where: str) -> Sequence[Place]:
    """The places that are meant, or NotFound."""
    chosen = places if where == EVERYWHERE else [place for place in places if place.key == where]
    if not chosen:
        raise NotFound("no such site or clinic")
    return chosen
