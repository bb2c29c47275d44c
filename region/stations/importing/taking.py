"""The taking in of one table: what is wrong with it, and what has come of it so far."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from region.reasons import say
from region.registry import Refused, Transaction
from region.registry.actions import AuditAction
from region.registry.changes import NO_CHANGES, Changes
from region.stations.importing.cells import Wrong
from region.stations.importing.kinds import COLUMNS, Taken
from region.stations.tables import BadTable, Fault, Row

T = TypeVar("T")


class Once:
    """Each thing stands in a table once."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, int] = {}

    def note(self, row: Row, column: str, thing: Hashable) -> None:
        """Wrong where an earlier line has it."""
        if (first := self._lines.setdefault(thing, row.line)) != row.line:
            raise Wrong(column, say("as_in_line", line=first))


@dataclass
class Taking:
    """One table, in one transaction; `taken` is what is told of it in the end."""

    t: Transaction
    actor: str
    now: float
    taken: Taken
    _faults: list[Fault] = field(default_factory=list)

    def each(self, rows: Iterable[Row], judge: Callable[[Row], T]) -> list[tuple[Row, T]]:
        """What each row comes to; BadTable, with every fault, where one cannot be."""
        judged: list[tuple[Row, T]] = []
        for row in rows:
            try:
                judged.append((row, judge(row)))
            except Wrong as wrong:
                self.fault(row, wrong.column, str(wrong))
        self.check()
        return judged

    def fault(self, row: Row, column: str, why: str) -> None:
        """Something is wrong there."""
        self._faults.append(Fault(row.line, column, why))

    def check(self) -> None:
        """BadTable where anything was wrong."""
        if self._faults:
            raise BadTable(self._faults)

    def refused(self, error: Refused, rows: Mapping[str, Row]) -> BadTable:
        """What the settings of stations object to, told at the rows that stations came by."""
        headings = COLUMNS[self.taken.kind].all
        faults = [
            Fault(rows[station].line, name if name in headings else "", f"{name}: {why} (at station {station})")
            for station, fields in error.at.items() if station in rows for name, why in fields.items()
        ]  # fmt: skip
        return BadTable(faults or [Fault(1, "", str(error))])

    def count(self, *, added: Sequence[object] = (), changed: Sequence[object] = (), of: int) -> None:
        """So many of the table's rows were new, and so many another than before."""
        self.taken.added, self.taken.changed = len(added), len(changed)
        self.taken.same = of - len(added) - len(changed)

    async def tell(
        self, action: AuditAction, changes: Changes = NO_CHANGES, /, *, station_id: str | None = None, **detail: str
    ) -> None:
        """A row of the audit."""
        await self.t.audit.add(self.actor, action, "done", self.now, changes, station_id=station_id, **detail)
