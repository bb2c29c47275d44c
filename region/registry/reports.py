"""Presence and the last report of each branch, for every station."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from sqlalchemy import func, select, update

from messaging.status import Connection, Process
from region.registry import schema
from region.registry.records import ProcessPresence, Report
from region.registry.table import Subject, chunks

T = TypeVar("T", ProcessPresence, Report)


class Reports(Subject):
    """Presence and the last reports of each station."""

    async def presence(self, station_id: str, process: Process) -> ProcessPresence | None:
        """What is known of one process."""
        state = schema.process_state.c
        row = await self._row(
            select(schema.process_state).where(state.station_id == station_id, state.process == process)
        )
        return None if row is None else ProcessPresence(**row)

    async def all_presence(self, station_id: str | None = None) -> list[ProcessPresence]:
        """What is known of every process, of one station or all."""
        statement: Any = select(schema.process_state)
        if station_id is not None:
            statement = statement.where(schema.process_state.c.station_id == station_id)
        return [ProcessPresence(**row) for row in await self._rows(statement)]

    async def presence_of(self, stations: Iterable[str]) -> list[ProcessPresence]:
        """What is known of every process of these stations."""
        row = schema.process_state
        found = []
        for some in chunks(stations):
            found += await self._rows(select(row).where(row.c.station_id.in_(some)))
        return [ProcessPresence(**one) for one in found]

    async def reports_of(self, stations: Iterable[str]) -> list[Report]:
        """The last reports of every branch of these stations."""
        row = schema.station_report
        found = []
        for some in chunks(stations):
            found += await self._rows(select(row).where(row.c.station_id.in_(some)))
        return [Report(**one) for one in found]

    async def set_presence(self, station_id: str, said: Connection, since: float) -> None:
        """Keep what a process said of itself; one that has gone is remembered with its last versions."""
        key = {"station_id": station_id, "process": said.process}
        values: dict[str, Any] = {
            "state": said.state,
            "boot": said.boot,
            "bd": said.bd,
            "call": said.call,
            "since": since,
            "answers": said.answers,
        }
        before = await self.presence(station_id, said.process)
        if said.versions or before is None:
            values["versions"] = said.versions
        if before is not None and before.boot != said.boot:
            values |= {"previous_boot": before.boot, "previous_bd": before.bd}
        await self._upsert(schema.process_state, key, values)

    async def who_answers(self) -> list[tuple[ProcessPresence, float]]:
        """Every process that answers when it is asked, and of which nobody said that it went; with when its station was
        last heard of."""
        told = schema.station_report
        last = select(told.c.station_id, func.max(told.c.at).label("at")).group_by(told.c.station_id).subquery()
        row = schema.process_state
        statement = (
            select(row, last.c.at)
            .outerjoin(last, last.c.station_id == row.c.station_id)
            .where(row.c.state != "offline", row.c.answers)
        )
        found = []
        for one in await self._rows(statement):
            known = dict(one)
            at = known.pop("at") or 0.0
            found.append((ProcessPresence(**known), max(known["since"], at)))
        return found

    async def not_heard_of(
        self, station_id: str, process: Process, run: tuple[str, int], since: float
    ) -> ProcessPresence | None:
        """Keep that it is not there, for all that is known; what was known before, None where another run is by now."""
        before = await self.presence(station_id, process)
        row = schema.process_state.c
        same = (row.station_id == station_id, row.process == process, row.boot == run[0], row.bd == run[1])
        done = await self._run(
            update(schema.process_state).where(*same, row.state == "online").values(state="unheard", since=since)
        )
        return before if done.rowcount else None

    async def heard_again(self, station_id: str, process: Process, now: float) -> ProcessPresence | None:
        """Keep that it is there after all; what was known of it, if it was not heard of."""
        before = await self.presence(station_id, process)
        row = schema.process_state.c
        same = (row.station_id == station_id, row.process == process, row.state == "unheard")
        done = await self._run(update(schema.process_state).where(*same).values(state="online", since=now))
        return before if done.rowcount else None

    async def forget_previous(self, station_id: str) -> None:
        """Forget the runs before the present ones: whichever comes next is taken for the station."""
        await self._run(
            update(schema.process_state)
            .where(schema.process_state.c.station_id == station_id)
            .values(previous_boot=None, previous_bd=None)
        )

    async def report(self, station_id: str, branch: str) -> Report | None:
        """The last report of one branch."""
        row = await self._row(
            select(schema.station_report).where(
                schema.station_report.c.station_id == station_id, schema.station_report.c.branch == branch
            )
        )
        return None if row is None else Report(**row)

    async def all_reports(self, station_id: str | None = None) -> list[Report]:
        """The last reports of every branch, of one station or all."""
        statement: Any = select(schema.station_report)
        if station_id is not None:
            statement = statement.where(schema.station_report.c.station_id == station_id)
        return [Report(**row) for row in await self._rows(statement)]

    async def set_report(
        self, station_id: str, branch: str, data: dict[str, Any], boot: str, seq: int, at: float
    ) -> None:
        """Keep the last report of a branch."""
        values = {"data": data, "boot": boot, "seq": seq, "at": at}
        await self._upsert(schema.station_report, {"station_id": station_id, "branch": branch}, values)


def grouped(records: Iterable[T]) -> dict[str, list[T]]:
    """The records by their station."""
    groups: dict[str, list[T]] = {}
    for record in records:
        groups.setdefault(record.station_id, []).append(record)
    return groups
