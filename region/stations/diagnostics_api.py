"""Diagnostics for IT: a list, and each as JSON, by the API and as a file from a station's page."""

from __future__ import annotations

import gzip

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from messaging.diagnostics import Bundle, unpack
from region.registry.records import HandedIn
from region.stations.diagnostics import DiagnosticsService
from region.web.auth import ItAdmin
from region.web.fields import CommandId, StationId


def build_router(service: DiagnosticsService) -> APIRouter:
    """The routes below /api, and the file."""
    router = APIRouter()

    @router.get("/api/diagnostics", tags=["diagnostics"])
    async def list_diagnostics(_session: ItAdmin, station: StationId | None = None) -> list[HandedIn]:
        """List the diagnostics that are kept, the latest first: five of a station, for thirty days."""
        return await service.all(station)

    @router.get("/api/diagnostics/{cid}", tags=["diagnostics"])
    async def read_diagnostics(session: ItAdmin, cid: CommandId) -> Bundle:
        """Read what a station handed in for that command: no name is in it. It is a row in the log."""
        _, content = await service.read(session.person.name, cid)
        return unpack(content)

    @router.get("/stations/{station_id}/diagnostics/{cid}", include_in_schema=False)
    async def save_diagnostics(_request: Request, session: ItAdmin, station_id: str, cid: CommandId) -> Response:
        """The same, as a file."""
        about, content = await service.read(session.person.name, cid, station_id)
        named = f'attachment; filename="diagnostics-{about.station_id}-{about.cid}.json"'
        return Response(gzip.decompress(content), headers={"Content-Disposition": named},
                        media_type="application/json")  # fmt: skip

    return router
