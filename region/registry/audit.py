"""The audit: who did what, with which station or call, when, and how it came out; each row sealed to the one before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from region.registry import schema
from region.registry.actions import AuditAction, AuditOutcome
from region.registry.changes import NO_CHANGES, Changes
from region.registry.errors import Unavailable
from region.registry.records import AuditRow
from region.registry.seals import Broken, Head, Loose, Verdict, Walk, judge, kept_elsewhere, seal
from region.registry.table import Row, Subject

_COLUMNS = [column for column in schema.audit.c if column.name not in ("previous", "seal")]
_PAGE = 1000


class Audit(Subject):
    """Rows are added and read, never changed.

    What is added stands there when the transaction ends: only then is the head of the chain taken, which one
    transaction has at a time. It is the last thing that any transaction waits for, so that no two wait for each other.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self._told: list[dict[str, Any]] = []

    async def add(
        self, actor: str, action: AuditAction, outcome: AuditOutcome, now: float, changes: Changes = NO_CHANGES, /, *,
        station_id: str | None = None, call_id: str | None = None, **detail: str | float | None,
    ) -> None:  # fmt: skip
        """Tell of one thing done. `actor`: `region.registry.actors`.

        `changes` is what it was before and what it became; `detail` holds plain words and numbers of the thing itself.
        Never anything of a patient, never a secret.
        """
        self._tell(actor, action, outcome, now, station_id, call_id, {**detail, **changes.detail})

    async def add_event(self, station_id: str, kind: str, at: float, detail: str = "", count: int = 1) -> None:
        """Tell of something that happened at a station; `kind` is the station's own word for it."""
        self._tell(station_id, "event", kind, at, station_id, None, {"detail": detail, "count": count})

    async def write(self) -> None:
        """Seal what was told and write it down; the head stays ours to the end of the transaction."""
        if not self._told:
            return
        head = await self._head(lock=True)
        if head is None:
            raise Unavailable("the log has lost its head, so nothing can be done: region audit verify")
        rows = []
        for told in self._told:
            row = {"id": head.row + 1, "previous": head.seal, **told}
            head = Head(row["id"], seal(head.seal, row))
            rows.append(row | {"seal": head.seal})
        self._told = []
        await self._connection.execute(insert(schema.audit), rows)
        await self._run(update(schema.audit_head).values(number=head.row, seal=head.seal))

    async def recent(
        self, most: int = 100, *, station_id: str | None = None, before: int | None = None
    ) -> list[AuditRow]:
        """The last rows, newest first; `before` is the id to go on from."""
        audit = schema.audit.c
        statement: Any = select(*_COLUMNS).order_by(audit.id.desc()).limit(most)
        if station_id is not None:
            statement = statement.where(audit.station_id == station_id)
        if before is not None:
            statement = statement.where(audit.id < before)
        return [AuditRow(**row) for row in await self._rows(statement)]

    async def people_since(self, row: int | None) -> tuple[int, frozenset[str]]:
        """The last row, and the sign-in names of whom the rows after `row` tell that something was done to them.

        Rows stand in the order in which they were committed: none comes later with a lower number.
        """
        head = await self._head()
        last = 0 if head is None else head.row
        if row is None or row >= last:
            return last, frozenset()
        audit = schema.audit.c
        told = select(audit.detail).where(audit.id > row, audit.id <= last, audit.station_id.is_(None))
        named = (one["detail"].get("person") for one in await self._rows(told))
        return last, frozenset(name for name in named if isinstance(name, str))

    async def verify(self, kept: Head | None = None) -> Verdict:
        """Look at every row: the first at which the chain does not hold; and whether `kept` is still in it."""
        walk, rows = Walk(await self._head()), 0
        async for row in self._every():
            rows += 1
            found = walk.take(row)
            if found is not None:
                broken = await self._judged(found) if isinstance(found, Loose) else found
                return Verdict(rows, walk.last, broken)
        broken_at_end = walk.end()
        if broken_at_end is None and kept is not None:
            broken_at_end = kept_elsewhere(kept, await self._seal_of(kept.row), walk.last)
        return Verdict(rows, walk.last, broken_at_end)

    def _tell(
        self, actor: str, action: AuditAction, outcome: str, at: float, station_id: str | None, call_id: str | None,
        detail: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self._told.append(
            {"at": at, "actor": actor[:80], "action": action, "outcome": outcome[:80], "station_id": station_id,
             "call_id": call_id, "detail": dict(detail)}
        )  # fmt: skip

    async def _head(self, *, lock: bool = False) -> Head | None:
        statement = select(schema.audit_head.c.number, schema.audit_head.c.seal)
        row = await self._row(statement.with_for_update() if lock else statement)
        return None if row is None else Head(row["number"], row["seal"])

    async def _every(self) -> AsyncIterator[Row]:
        number = schema.audit.c.id
        statement, after = select(schema.audit).order_by(number).limit(_PAGE), None
        while page := await self._rows(statement if after is None else statement.where(number > after)):
            for row in page:
                yield row
            after = page[-1]["id"]

    async def _judged(self, loose: Loose) -> Broken:
        audit = schema.audit.c
        followed = await self._row(select(audit.id).where(audit.seal == loose.previous).order_by(audit.id).limit(1))
        heirs = select(audit.id).where(audit.previous == loose.before.seal, audit.id != loose.row).limit(1)
        return judge(loose, None if followed is None else followed["id"], await self._row(heirs) is not None)

    async def _seal_of(self, number: int) -> str | None:
        row = await self._row(select(schema.audit.c.seal).where(schema.audit.c.id == number))
        return None if row is None else row["seal"]
