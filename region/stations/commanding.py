"""What can be commanded: to one station or to many, by page, API and command line alike. Each command is audited."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, get_type_hints

from messaging.clock import Clock
from messaging.codec import encode
from messaging.command import ENDED, LONGEST_S, ORDERS, Message, Order, Wipe, kind_of, read_order
from messaging.errors import MalformedMessage
from region.daytime import BadTime
from region.reasons import say
from region.registry import Conflict, Invalid, NotFound, Registry, Transaction
from region.registry.filters import Filter
from region.registry.records import Command, Ordered, Station
from region.registry.table import text

USUAL_S = 3600.0  # how long a command is good where nobody says
SHORTEST_S = 60.0
FURTHEST_S = 90 * 86_400.0  # how far ahead one can be scheduled
MOST_OPEN = 20  # of one station; more are a script gone astray
_LETTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True)
class Whom:
    """To which stations: those named, or all that a filter finds (`where`; one that says nothing: every one)."""

    stations: tuple[str, ...] = ()
    where: Filter | None = None


@dataclass(frozen=True)
class Asked:
    """What somebody wants done: `at` in Unix seconds, None: now; it is not begun later than `good_for_s` after that."""

    type: str
    fields: Mapping[str, object]
    why: str = ""
    at: float | None = None
    good_for_s: float = USUAL_S


@dataclass(frozen=True)
class Handed:
    """What came of it: the commands, and which stations were left out, with a stable word for why."""

    batch: str
    commands: tuple[Command, ...]
    left_out: dict[str, str]


class Commanding:
    """`actor` is whom the audit names: as `region.registry.actors` has it."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def look(self, whom: Whom) -> list[Station]:
        """Which stations that is; NotFound for a station or place that there is not."""
        async with self._registry.read() as t:
            return await _stations(t, whom, self._clock.wall())

    async def give(self, actor: str, whom: Whom, asked: Asked) -> Handed:
        """Command it. Those that are shut out, or have too much to do, are left out; Conflict where that is all.

        Invalid for an order that does not say what it must, a time that is past, and more of the kind.
        """
        now = self._clock.wall()
        order, ordered = _ordered(actor, asked, now)
        async with self._registry.begin() as t:
            stations = await _stations(t, whom, now)
            _check_wipe(order, whom, stations)
            left_out = await _unfit(t, stations)
            fit = [station for station in stations if station.id not in left_out]
            if not fit:
                raise Conflict(_nobody(left_out))
            batch, cids = new_cid(), {station.id: new_cid() for station in fit}
            await t.commands.give(batch, cids, ordered, now)
            for station in fit:
                await t.audit.add(
                    actor, "command.give", "done", now, station_id=station.id, command=ordered.type, why=ordered.why,
                    cid=cids[station.id],
                )  # fmt: skip
            given = await t.commands.recent(len(fit), batch=batch)
        return Handed(batch, tuple(given), left_out)

    async def cancel(self, actor: str, cid: str) -> Command:
        """Call a command back that has not been sent; NotFound, or Conflict with what to do instead."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            command = await t.commands.get(cid)
            if not await self._cancel(t, actor, command, now):
                raise Conflict(_too_late(command))
            return await t.commands.get(cid)

    async def cancel_batch(self, actor: str, batch: str) -> tuple[list[Command], list[Command]]:
        """Call back what can be of those given together: those called back, and those for which it is too late."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            given = await t.commands.recent(await t.stations.count(), batch=batch)
            if not given:
                raise NotFound(f"no commands {batch} given together")
            called_back = [one.id for one in given if await self._cancel(t, actor, one, now)]
            after = await t.commands.recent(len(given), batch=batch)
        return [one for one in after if one.id in called_back], [one for one in after if one.id not in called_back]

    async def _cancel(self, t: Transaction, actor: str, command: Command, now: float) -> bool:
        if not await t.commands.cancel(command.id, now):
            return False
        await t.audit.add(
            actor, "command.cancel", "done", now, station_id=command.station_id, command=command.type, cid=command.id
        )
        return True


def new_cid() -> str:
    """An id of a command that nobody guesses or gives twice."""
    return "".join(secrets.choice(_LETTERS) for _ in range(16))


def from_texts(kind: str, texts: Mapping[str, str]) -> dict[str, object]:
    """An order's fields as somebody typed them; Invalid where a number is wanted and none is given."""
    hints: Mapping[str, Any] = get_type_hints(_kind(kind))
    read: dict[str, object] = {}
    for name, said in texts.items():
        if hints.get(name) is not int:
            read[name] = said
        elif said.isascii() and said.isdigit() and len(said) < 10:
            read[name] = int(said)
        else:
            raise Invalid(f"{name}: a whole number")
    return read


def _ordered(actor: str, asked: Asked, now: float) -> tuple[Order, Ordered]:
    order = _order(asked)
    at = now if asked.at is None else asked.at
    if at < now - SHORTEST_S:
        raise BadTime("at: that time is past")
    if at > now + FURTHEST_S:
        raise BadTime(f"at: at most {FURTHEST_S / 86_400:.0f} days ahead")
    if not SHORTEST_S <= asked.good_for_s <= LONGEST_S:
        raise Invalid(f"expires: from {SHORTEST_S / 60:.0f} minute to {LONGEST_S / 86_400:.0f} days")
    why = text(asked.why, "why", 120, empty=True)
    return order, Ordered(kind_of(order), encode(order), actor, why, at, max(at, now) + asked.good_for_s)


def _order(asked: Asked) -> Order:
    kind = _kind(asked.type)
    known = [field.name for field in fields(kind)]
    if strange := [name for name in asked.fields if name not in known]:
        raise Invalid(f"{asked.type}: does not say {strange[0]}; it says {', '.join(known) or 'nothing more'}")
    try:
        order = read_order(asked.type, dict(asked.fields))
    except MalformedMessage as error:
        raise Invalid(str(error)) from error
    if isinstance(order, Message):
        return replace(order, text=text(order.text, "text", 120))
    return order


def _kind(name: str) -> type[Order]:
    kind = next((kind for known, kind in ORDERS.items() if known == name), None)
    if kind is None:
        raise Invalid(f"there is no command {name}; there are {', '.join(ORDERS)}")
    return kind


async def _stations(t: Transaction, whom: Whom, now: float) -> list[Station]:
    if whom.where is None and not whom.stations:
        return []
    which = Filter(station=whom.stations) if whom.where is None else whom.where
    await t.finding.check(which)
    return await t.finding.find(which, now)


def _check_wipe(order: Order, whom: Whom, stations: Sequence[Station]) -> None:
    if not isinstance(order, Wipe):
        return
    if whom.where is not None or len(stations) != 1:
        raise Invalid("wipe: one station at a time, by its id")
    if order.station != stations[0].id:
        raise Invalid("wipe: say the station's id once more, as station=ID; it is not the one")


async def _unfit(t: Transaction, stations: Sequence[Station]) -> dict[str, str]:
    burdened = await t.commands.burdened(MOST_OPEN)
    return {
        one.id: "too_many" if one.admission == "admitted" else one.admission
        for one in stations if one.admission != "admitted" or one.id in burdened
    }  # fmt: skip


def _nobody(left_out: Mapping[str, str]) -> str:
    if not left_out:
        return say("nobody_there")
    station, why = next(iter(left_out.items()))
    told = say(why, station=station, most=MOST_OPEN)
    return say("and_more", why=told, count=len(left_out) - 1) if len(left_out) > 1 else told


def _too_late(command: Command) -> str:
    if command.state in ENDED:
        return f"{command.id} has ended already: {command.state} {command.reason}".rstrip()
    if command.state == "executing":
        return f"{command.id} has begun already"
    return (
        f"{command.id} is on its way to the station, and cannot be called back; if it has not begun by then, it expires"
    )
