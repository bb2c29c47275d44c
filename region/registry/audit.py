"""The audit: who did what, with which station or call, when, and how it came out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from region.registry import schema
from region.registry.records import AuditRow
from region.registry.table import Subject


class Audit(Subject):
    """Rows are added and read, never changed."""

    async def add(
        self, actor: str, action: str, outcome: str, now: float, *, station_id: str | None = None,
        call_id: str | None = None, **detail: str | float | None,
    ) -> None:  # fmt: skip
        """Tell of one thing done. `actor` is a sign-in name, a station's id, `region` or `command line`.

        `detail` holds plain words and numbers of the thing itself; never anything of a patient, never a secret.
        """
        await self._run(
            insert(schema.audit).values(
                at=now, actor=actor[:80], action=action, outcome=outcome[:80], station_id=station_id, call_id=call_id,
                detail=detail,
            )
        )  # fmt: skip

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
