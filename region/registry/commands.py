"""Commands to stations in the database: given, sent, and how far each has come. The table's only door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, insert, or_, select, update

from messaging.command import CommandState, Progress
from region.registry import schema
from region.registry.command_progress import GRACE_S, PATIENCE_S, Standing, moved, overdue, reached
from region.registry.errors import NotFound
from region.registry.records import Command, Ordered
from region.registry.table import Subject, chunks

_NOT_BEGUN: tuple[CommandState, ...] = ("init", "scheduled")
_OPEN: tuple[CommandState, ...] = (*_NOT_BEGUN, "executing")
_TOO_LATE_S = 5.0  # what is as good as expired is not sent any more


class Commands(Subject):
    """What stations were told to do. A command is sent to a station only while its agent is connected."""

    async def give(self, batch: str, cids: Mapping[str, str], ordered: Ordered, now: float) -> None:
        """A command for each of these stations, `cids` by station; Conflict if an id has been used."""
        later = ordered.not_before > now
        common: dict[str, Any] = {
            "batch": batch, "type": ordered.type, "fields": ordered.fields, "actor": ordered.actor[:80],
            "why": ordered.why, "created_at": now, "not_before": ordered.not_before, "expires_at": ordered.expires_at,
            "state": "scheduled" if later else "init", "by_station": False, "reason": "", "figures": {},
            "to_send": True, "scheduled_at": now if later else None,
        }  # fmt: skip
        rows = [{"id": cid, "station_id": station} | common for station, cid in cids.items()]
        if rows:
            await self._connection.execute(insert(schema.command), rows)

    async def get(self, cid: str) -> Command:
        """The command, or NotFound."""
        row = await self._row(_select().where(schema.command.c.id == cid))
        if row is None:
            raise NotFound(f"no command {cid}")
        return Command(**row)

    async def recent(
        self, most: int = 50, *, skip: int = 0, station_id: str | None = None, batch: str | None = None,
        only_open: bool = False,
    ) -> list[Command]:  # fmt: skip
        """The commands given last, newest first, after `skip`: of a station, of those given together, or all."""
        command = schema.command.c
        statement = _select().order_by(command.created_at.desc(), command.id).limit(most).offset(skip)
        if station_id is not None:
            statement = statement.where(command.station_id == station_id)
        if batch is not None:
            statement = statement.where(command.batch == batch)
        if only_open:
            statement = statement.where(command.state.in_(_OPEN))
        return [Command(**row) for row in await self._rows(statement)]

    async def burdened(self, most: int) -> set[str]:
        """The stations that have `most` commands or more that have not ended."""
        command = schema.command.c
        statement = (
            select(command.station_id)
            .where(command.state.in_(_OPEN))
            .group_by(command.station_id)
            .having(func.count() >= most)
        )
        return {row["station_id"] for row in await self._rows(statement)}

    async def waits(self, now: float, *, to_send: bool) -> bool:
        """Whether anything is to be ended, or (if `to_send`) to be sent: a look that writes nothing."""
        looks = [_select().where(_overdue(now)), *([_due(now)] if to_send else [])]
        return any([await self._row(statement.limit(1)) is not None for statement in looks])

    async def due(self, now: float, most: int) -> list[Command]:
        """What is to be sent now: its time has come, its station is let in and connected, and has not answered yet.

        Sent is what has never been, what `send_again` says, and what was sent before the station connected anew.
        """
        command = schema.command.c
        statement = _due(now).order_by(command.created_at, command.id).limit(most)
        return [Command(**row) for row in await self._rows(statement)]

    async def claim(self, commands: Sequence[Command], now: float) -> list[Command]:
        """Mark them as sent; those that nobody has called back meanwhile. Whoever claims sends them, or `gives_up`."""
        command = schema.command.c
        claimed: set[str] = set()
        for some in chunks(one.id for one in commands):
            statement = (
                update(schema.command)
                .where(command.id.in_(some), command.state.in_(_NOT_BEGUN), command.by_station.is_(False))
                .values(sent_at=now, to_send=False)
                .returning(command.id)
            )
            claimed.update((await self._connection.execute(statement)).scalars())
        return [one for one in commands if one.id in claimed]

    async def gives_up(self, commands: Iterable[Command], *, tried: bool) -> None:
        """These were claimed and did not get to the broker: they are to be sent again.

        Unless `tried`, they count as sent as little as before, and can still be called back.
        """
        command = schema.command.c
        for one in commands:
            values: dict[str, Any] = {"to_send": True} if tried else {"to_send": True, "sent_at": one.sent_at}
            await self._run(update(schema.command).where(command.id == one.id).values(**values))

    async def send_again(self) -> None:
        """The broker may have lost what it was given: everything without an answer is sent once more."""
        command = schema.command.c
        unanswered = (command.state.in_(_NOT_BEGUN), command.by_station.is_(False), command.sent_at.is_not(None))
        await self._run(update(schema.command).where(*unanswered).values(to_send=True))

    async def note(self, cid: str, station_id: str, kind: str, told: Progress, at: float) -> Command | None:
        """Take a station's word for how far its command has come; the command as it stands then, None if not new.

        NotFound where that station was given no such command.
        """
        while True:
            known = await self.get(cid)
            if (known.station_id, known.type) != (station_id, kind):
                raise NotFound("that station was given no such command")
            standing = moved(known.standing, Standing(told.state, told.reason, by_station=True))
            if standing is None:
                return None
            if await self._move(known, standing, max(at, known.created_at), told.figures or known.figures):
                return await self.get(cid)

    async def cancel(self, cid: str, now: float) -> bool:
        """Call back a command that has never been sent; False where it is too late for that."""
        command = schema.command.c
        done = await self._run(
            update(schema.command)
            .where(command.id == cid, command.state.in_(_NOT_BEGUN), command.sent_at.is_(None))
            .values(state="failed", reason="cancelled", by_station=False, to_send=False, ended_at=now)
        )
        return done.rowcount == 1

    async def end_overdue(self, now: float, most: int) -> list[Command]:
        """Give an end to what has had no answer in time; those, as they stand then."""
        rows = await self._rows(_select().where(_overdue(now)).order_by(schema.command.c.expires_at).limit(most))
        ended = []
        for known in (Command(**row) for row in rows):
            end = overdue(known.standing, known.expires_at, now, sent=known.sent_at is not None)
            if end is not None and await self._move(known, end, now, known.figures):
                ended.append(await self.get(known.id))
        return ended

    async def end_all(self, reason: str, now: float) -> None:
        """None that is open is carried out any more, as far as the region can help it."""
        await self._run(
            update(schema.command)
            .where(schema.command.c.state.in_(_OPEN))
            .values(state="failed", reason=reason, by_station=False, to_send=False, ended_at=now)
        )

    async def _move(self, known: Command, to: Standing, at: float, figures: Mapping[str, float]) -> bool:
        """False where the command stands elsewhere by now."""
        command = schema.command.c
        values: dict[str, Any] = {
            "state": to.state, "reason": to.reason, "by_station": to.by_station, "figures": dict(figures)
        }  # fmt: skip
        time = reached(to.state)
        if time is not None and (to.state != "scheduled" or known.scheduled_at is None):
            values[time] = at
        done = await self._run(
            update(schema.command)
            .where(command.id == known.id, command.state == known.state, command.by_station == known.by_station)
            .values(**values)
        )
        return done.rowcount == 1


def _select() -> Select[Any]:
    command, station = schema.command.c, schema.station.c
    return (
        select(
            command.id, command.batch, command.station_id, station.name.label("station"),
            schema.site.c.name.label("site"), command.type, command.fields, command.actor, command.why,
            command.created_at, command.not_before, command.expires_at, command.state, command.by_station,
            command.reason, command.figures, command.sent_at, command.scheduled_at, command.executing_at,
            command.ended_at,
        )
        .join(schema.station, station.id == command.station_id)
        .join(schema.site, schema.site.c.id == station.site_id)
    )  # fmt: skip


def _due(now: float) -> Select[Any]:
    command, agent = schema.command.c, schema.process_state.c
    return (
        _select()
        .join(schema.process_state, and_(agent.station_id == command.station_id, agent.process == "agent"))
        .where(
            command.state.in_(_NOT_BEGUN), command.by_station.is_(False), command.not_before <= now,
            command.expires_at > now + _TOO_LATE_S, schema.station.c.admission == "admitted", agent.state == "online",
            or_(command.to_send, command.sent_at < agent.since),
        )
    )  # fmt: skip


def _overdue(now: float) -> ColumnElement[bool]:
    command = schema.command.c
    unsent = and_(command.sent_at.is_(None), command.expires_at <= now)
    unanswered = command.expires_at <= now - GRACE_S
    silent = and_(command.state == "executing", command.expires_at <= now - PATIENCE_S)
    return or_(and_(command.state.in_(_NOT_BEGUN), or_(unsent, unanswered)), silent)
