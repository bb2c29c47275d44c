"""The audit: who did what, with which station or call, when, and how it came out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from region.registry import schema
from region.registry.actions import AuditAction, AuditOutcome
from region.registry.records import AuditRow
from region.registry.table import Subject


class Audit(Subject):
    """Rows are added and read, never changed."""

    async def add(
        self, actor: str, action: AuditAction, outcome: AuditOutcome, now: float, *, station_id: str | None = None,
        call_id: str | None = None, **detail: str | float | None,
    ) -> None:  # fmt: skip
        """Tell of one thing done. `actor` is a sign-in name, a station's id, `region` or `command line`.

        `detail` holds plain words and numbers of the thing itself; never anything of a patient, never a secret.
        """
        await self._add(actor, action, outcome, now, station_id, call_id, detail)

    async def add_event(self, station_id: str, kind: str, at: float, detail: str = "", count: int = 1) -> None:
        """Tell of something that happened at a station; `kind` is the station's own word for it."""
        await self._add(station_id, "event", kind, at, station_id, None, {"detail": detail, "count": count})

    async def recent(
        self, most: int = 100, *, station_id: str | None = None, before: int | None = None
    ) -> list[AuditRow]:
        """The last rows, newest first; `before` is the id to go on from."""
        audit = schema.audit.c
        statement: Any = select(schema.audit).order_by(audit.id.desc()).limit(most)
        if station_id is not None:
            statement = statement.where(audit.station_id == station_id)
        if before is not None:
            statement = statement.where(audit.id < before)
        return [AuditRow(**row) for row in await self._rows(statement)]

    async def _add(
        self, actor: str, action: AuditAction, outcome: str, at: float, station_id: str | None, call_id: str | None,
        detail: dict[str, Any],
    ) -> None:  # fmt: skip
        await self._run(
            insert(schema.audit).values(
                at=at, actor=actor[:80], action=action, outcome=outcome[:80], station_id=station_id, call_id=call_id,
                detail=detail,
            )
        )  # fmt: skip
