"""The JSON API of tables: the registry taken in and written out as CSV; for IT's scripts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request

from region.registry import Invalid
from region.registry.records import WebSession
from region.stations.exporting import export_table
from region.stations.importing import Kind, Taken, take_table
from region.stations.tables import BadTable
from region.web.auth import ItAdmin, in_person
from region.web.context import region_of
from region.web.csv import CSV, CsvTable
from region.web.guard import TABLES

Table = Annotated[Kind, Field(examples=["stations"])]
_TAKES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "site;room;serial\nSolgården;Stue 7;10000000abcd7777\n",
            }
        },
    }
}


def build_router() -> APIRouter:
    """The routes below /api."""
    router = APIRouter(prefix=TABLES.rstrip("/"), tags=["tables"])

    @router.get("/{kind}", response_class=CsvTable, responses=CSV)
    async def export(request: Request, session: ItAdmin, kind: Table, plain: bool = False) -> CsvTable:
        """Write a table that can be taken in again; `plain` has commas and no mark, instead of what Danish Excel opens.

        Passwords are in none. That somebody has done so is a row in the log.
        People are for people: no token reads them.
        """
        _check_whose(session, kind)
        region = region_of(request)
        content = await export_table(region.registry, region.clock, session.person.name, kind, plain=plain)
        return CsvTable(content, headers={"Content-Disposition": f'attachment; filename="{kind}.csv"'})

    @router.post("/{kind}", openapi_extra=_TAKES)
    async def take_in(request: Request, session: ItAdmin, kind: Table, dry_run: bool = False) -> Taken:
        """Take in a table (at most 4 MiB): all of it, or nothing and each fault by line and column.

        A dry run tells what would come of it, and changes nothing. People are for people: no token
        takes them in.
        """
        _check_whose(session, kind)
        region = region_of(request)
        try:
            return await take_table(
                region.registry, region.clock, session.person.name, kind, await request.body(), dry_run=dry_run
            )
        except BadTable as error:
            raise Invalid(str(error)) from error

    return router


def _check_whose(session: WebSession, kind: Kind) -> None:
    if kind == "people":
        in_person(session)
