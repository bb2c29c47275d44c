"""Finding stations by a filter: in the database, so that a page of ten thousand costs what a page of ten does.

What stations report is told apart into the few columns of `standing` when it comes (`region.fleet.summary`), so that
"would a call work now" can be asked for without reading every report. Both say the same: a test holds them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, not_, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from region.reasons import say
from region.registry import schema
from region.registry.errors import NotFound
from region.registry.filters import STATES, Filter, State
from region.registry.ordering import by_place, lowered
from region.registry.records import Station
from region.registry.stations import select_stations
from region.registry.table import Subject, chunks

STALE_S = 600.0  # a report of health that is older is late
REPORTS_MISSED = 3  # unless it is set to report so seldom
CERTIFICATE_S = 7 * 86_400.0  # a certificate that ends sooner should have been renewed
BAD = 2  # of `devices`: none of those without which there is no call; of `machine`: it is locked
_SHORTEST_ID = 4  # letters that somebody types of an id or a serial number
_PLACES = ("cluster", "municipality", "site", "clinic")
_AGENT, _CALL = schema.process_state.alias("agent"), schema.process_state.alias("call_process")
Where = ColumnElement[bool]


@dataclass(frozen=True)
class Tally:
    """How many a filter finds, how many of those can make a call now, and how many are in each state."""

    found: int
    ready: int
    like: Mapping[State, int]


class Finding(Subject):
    """Stations by a filter; `within`: of these sites alone. `now` in Unix seconds."""

    async def find(
        self, which: Filter, now: float, *, within: Iterable[int] | None = None, most: int | None = None, skip: int = 0,
        worst_first: bool = False,
    ) -> list[Station]:  # fmt: skip
        """The stations by site and name, `most` of them after the first `skip`; those in trouble before the others."""
        statement = _joined(select_stations()).where(*_conditions(which, now, within))
        ordered = statement.order_by(*([_trouble(now)] if worst_first else []), *by_place())
        return [Station(**row) for row in await self._rows(ordered.limit(most).offset(skip or None))]

    async def tally(self, which: Filter, now: float, *, within: Iterable[int] | None = None) -> Tally:
        """How many those are."""
        counts = [func.coalesce(func.sum(case((_is(one, now), 1), else_=0)), 0).label(one) for one in STATES]
        statement = select(func.count().label("found"), *counts).select_from(schema.station)
        (row,) = await self._rows(_joined(_placed(statement)).where(*_conditions(which, now, within)))
        like: dict[State, int] = {state: int(row[state]) for state in STATES}
        return Tally(int(row["found"]), like["ready"], like)

    async def check(self, which: Filter) -> None:
        """NotFound for a place, clinic or station that there is not: a slip must not pass for "none there"."""
        for kind in _PLACES:
            table = schema.metadata.tables[kind]
            for name in getattr(which, kind):
                found = select(table.c.id).where(table.c.name == name)
                if "closed_at" in table.c:
                    found = found.where(table.c.closed_at.is_(None))
                if await self._row(found) is None:
                    raise NotFound(say("not_there", kind=kind, name=name))
        known: set[str] = set()
        for some in chunks(which.station):
            rows = await self._rows(select(schema.station.c.id).where(schema.station.c.id.in_(some)))
            known.update(row["id"] for row in rows)
        if missing := [one for one in which.station if one not in known]:
            raise NotFound(say("no_station", station=missing[0]))

    async def versions(self) -> list[str]:
        """The software's versions that stations have told of."""
        version = schema.standing.c.version
        rows = await self._rows(select(version).where(version.is_not(None)).distinct().order_by(version.desc()))
        return [row["version"] for row in rows]

    async def keep(self, station_id: str, told: Mapping[str, Any]) -> None:
        """Keep what a report comes to, by column of `standing`; other columns stay."""
        await self._upsert(schema.standing, {"station_id": station_id}, dict(told))

    async def keep_first(self, told: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep that for these stations, where nothing is kept yet."""
        every = [column.name for column in schema.standing.c]
        rows = [dict.fromkeys(every) | {"station_id": station} | dict(one) for station, one in told.items()]
        make = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        if rows:
            await self._connection.execute(make(schema.standing).on_conflict_do_nothing(), rows)

    async def unkept(self) -> list[str]:
        """Stations that have told something, of which nothing is kept: reported to an older version of the region."""
        told = select(schema.station_report.c.station_id).distinct()
        kept = select(schema.standing.c.station_id)
        return [row["station_id"] for row in await self._rows(told.where(told.selected_columns[0].not_in(kept)))]


def _placed(statement: Select[Any]) -> Select[Any]:
    return (
        statement.join(schema.site, schema.site.c.id == schema.station.c.site_id)
        .join(schema.room, schema.room.c.id == schema.station.c.room_id)
        .outerjoin(schema.clinic, schema.clinic.c.id == schema.station.c.clinic_id)
    )


def _joined(statement: Select[Any]) -> Select[Any]:
    station = schema.station.c.id
    return (
        statement.outerjoin(schema.municipality, schema.municipality.c.id == schema.site.c.municipality_id)
        .outerjoin(schema.cluster, schema.cluster.c.id == schema.municipality.c.cluster_id)
        .outerjoin(_AGENT, and_(_AGENT.c.station_id == station, _AGENT.c.process == "agent"))
        .outerjoin(_CALL, and_(_CALL.c.station_id == station, _CALL.c.process == "call"))
        .outerjoin(schema.standing, schema.standing.c.station_id == station)
    )


def _conditions(which: Filter, now: float, within: Iterable[int] | None) -> list[Where]:
    conditions = [_says(word) for word in which.text]
    named = ((kind, getattr(which, kind)) for kind in _PLACES)
    conditions += [schema.metadata.tables[kind].c.name.in_(names) for kind, names in named if names]
    if which.state:
        conditions.append(or_(*(_is(state, now) for state in which.state)))
    if which.version:
        conditions.append(schema.standing.c.version.in_(which.version))
    if which.station:
        conditions.append(or_(*(schema.station.c.id.in_(some) for some in chunks(which.station))))
    if within is not None:
        conditions.append(schema.station.c.site_id.in_([*within]))
    return conditions


def _says(word: str) -> Where:
    """A number such as a room's is looked for in names alone: in ids it would be found everywhere."""
    station = schema.station.c
    parts: list[Any] = [schema.room.c.name, schema.site.c.name]
    if len(word) >= _SHORTEST_ID:
        parts += [station.id, func.coalesce(station.serial, "")]
    told: Any = station.name
    for part in parts:
        told = told.concat(" ").concat(part)
    return lowered(told).contains(word.lower(), autoescape=True)


def _trouble(now: float) -> ColumnElement[int]:
    """What comes first in a list: no call, a call with limits, all well, shut out for good."""
    states: tuple[State, ...] = ("not_ready", "limits", "well")
    return case(*((_is(state, now), place) for place, state in enumerate(states)), else_=len(states))


def _is(state: State, now: float) -> Where:
    admission = schema.station.c.admission
    if state in ("quarantined", "revoked"):
        return admission == state
    if state == "not_ready":
        return and_(admission != "revoked", or_(admission == "quarantined", not_(_ready())))
    return and_(admission == "admitted", _told(state, now))


def _told(state: State, now: float) -> Where:
    """Of a station that is let in."""
    match state:
        case "ready":
            return _ready()
        case "well":
            return and_(_ready(), not_(_limited(now)))
        case "limits":
            return and_(_ready(), _limited(now))
        case "in_call":
            return and_(_online(_CALL), _CALL.c.call.is_not(None))
        case "offline":
            return and_(_seen(), not_(_online(_AGENT)), not_(_online(_CALL)))
        case "never_seen":
            return not_(_seen())
        case "program_away":
            return _online(_AGENT) != _online(_CALL)
        case "no_clinic":
            return schema.station.c.clinic_id.is_(None)
        case "device_fault":
            return and_(_online(_CALL), func.coalesce(schema.standing.c.devices, 0) > 0)
        case "machine":
            return func.coalesce(schema.standing.c.machine, 0) > 0
        case "silent":
            return and_(_online(_AGENT), _late(now))
        case "locked":
            return _locked()
        case "config_waits":
            return _waits()
        case "refused":
            return func.coalesce(schema.standing.c.refused, false())
        case "on_trial" | "taken_back":
            return func.coalesce(schema.standing.c.proving, "") == state
        case "certificate_soon":
            return _certificate_soon(now)
        case _:
            raise AssertionError(f"{state} is told elsewhere")


def _online(process: Any) -> Where:
    return func.coalesce(process.c.state, "") == "online"


def _seen() -> Where:
    return or_(_AGENT.c.state.is_not(None), _CALL.c.state.is_not(None))


def _ready() -> Where:
    devices = func.coalesce(schema.standing.c.devices, 0) < BAD
    return and_(_online(_CALL), schema.station.c.clinic_id.is_not(None), devices, not_(_locked()))


def _locked() -> Where:
    return func.coalesce(schema.standing.c.machine, 0) == BAD


def _waits() -> Where:
    return func.coalesce(schema.standing.c.config_version, -1) != schema.station.c.desired_version


def _certificate_soon(now: float) -> Where:
    expires = schema.standing.c.certificate_expires
    return func.coalesce(expires, now + CERTIFICATE_S) < now + CERTIFICATE_S


def _late(now: float) -> Where:
    told = schema.standing.c
    seldom = REPORTS_MISSED * func.coalesce(told.health_s, 0)
    late_after = case((seldom > STALE_S, seldom), else_=STALE_S)
    return func.coalesce(told.health_at, 0.0) < now - late_after


def _limited(now: float) -> Where:
    """Something is to be told of a station that can make a call."""
    told = schema.standing.c
    held = func.coalesce(told.config_waiting, 0) == schema.station.c.desired_version  # until a call is over
    return or_(
        not_(_online(_AGENT)), _late(now), and_(_waits(), not_(held)), func.coalesce(told.refused, false()),
        func.coalesce(told.proving, "") == "taken_back", func.coalesce(told.devices, 0) > 0,
        func.coalesce(told.machine, 0) > 0, _certificate_soon(now),
    )  # fmt: skip
