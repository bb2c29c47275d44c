"""The running calls: each event is decided by `routing.step`, written down, and then carried out."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from messaging.call import FromRegion, Hangup, Renew, to_data
from messaging.clock import Clock
from messaging.codec import encode
from messaging.link.port import LinkError
from messaging.topics import down
from region.desk.board import board, call_view
from region.desk.errors import DeskError, NotNow, StationUnreachable, TooMany
from region.desk.record import differs, record, room_of
from region.desk.room import (
    LOST_LONG,
    Answered,
    Count,
    Effect,
    Event,
    PageGone,
    PassOffer,
    Refuse,
    Rejoined,
    Room,
    Say,
    Show,
    Tick,
    Trickled,
)
from region.desk.routing import restored, step
from region.registry import Registry
from region.registry.records import Call
from region.web.events import Hub
from region.web.subject import Downlink
from region.web.turn import Relays

_log = logging.getLogger(__name__)
SIGNALLING_EXPIRY_S = 30
MOST_ROOMS = 1000
_REMEMBERED = 500  # ended calls whose stragglers still get a proper answer without asking the registry


def clinic_topic(clinic: int) -> str:
    """What every page of a clinic's desk listens to."""
    return f"desk:clinic:{clinic}"


def person_topic(person: int) -> str:
    """What every page of one person listens to."""
    return f"desk:person:{person}"


def page_topic(page: str) -> str:
    """What one page listens to."""
    return f"desk:page:{page}"


@dataclass
class Held:
    """A room with what its shell needs: the names to show, and which run of station-call is in it."""

    room: Room
    names: dict[str, str]  # name and site of the station
    boot: str = ""
    clinician: str = ""  # shown to the resident and written in the audit
    connected_at: float | None = None  # Unix seconds


class Rooms:
    """Every running call of the region. Whoever applies events to a station's calls holds `lock(station)`."""

    def __init__(self, registry: Registry, downlink: Downlink, clock: Clock, hub: Hub, relays: Relays) -> None:
        self.registry = registry
        self.clock = clock
        self.hub = hub
        self.relays = relays
        self.refused: Counter[str] = Counter()  # what was not taken, by code
        self.ready = asyncio.Event()  # what was running before a restart has been taken up
        self._downlink = downlink
        self._held: dict[str, Held] = {}
        self._ended: OrderedDict[str, Room] = OrderedDict()
        self._locks: dict[str, asyncio.Lock] = {}
        self._looked_at: set[int] = set()  # the clinics whose board somebody has open, or had lately
        self._stale_boards: set[int] = set()
        self._board_wanted = asyncio.Event()

    # Looking

    def lock(self, whose: str) -> AbstractAsyncContextManager[Any]:
        """One at a time for all calls of one station, by its id, or of one person.

        Who needs both takes the person's first. Locks are kept: only for those whom the registry knows.
        """
        return self._locks.setdefault(whose, asyncio.Lock())

    def find(self, call: str) -> Held | None:
        """The running call of that id."""
        return self._held.get(call)

    def ended(self, call: str) -> Room | None:
        """A call that ended lately."""
        return self._ended.get(call)

    def of_station(self, station: str) -> Held | None:
        """The station's running call."""
        return next((held for held in self._held.values() if held.room.station == station), None)

    def of_person(self, person: int) -> Held | None:
        """The call that this person has."""
        return next((held for held in self._held.values() if held.room.clinician == person), None)

    def all(self) -> list[Held]:
        """Every running call."""
        return list(self._held.values())

    def view(self, held: Held) -> dict[str, Any]:
        """How the call stands, for the page that has it."""
        at = held.connected_at
        since = None if at is None else max(0.0, round(self.clock.wall() - at, 1))
        return call_view(held.room, held.names, since)

    # Changing

    def open(self, held: Held) -> None:
        """Take up a call that the registry has."""
        if len(self._held) >= MOST_ROOMS:
            raise TooMany("busy")
        self._held[held.room.call] = held
        self.stale_board(held.room.clinic)

    def restore(self, call: Call) -> None:
        """Take up a call as the registry has it, after a restart of the region."""
        room = restored(room_of(call), self.clock.monotonic())
        names = {"name": call.station, "site": call.site}
        self.open(Held(room, names, call.boot, call.person, call.connected_at))

    async def apply(self, held: Held, event: Event, actor: str) -> None:
        """Decide, write down, carry out. Raises a DeskError if the event was a browser's and is refused."""
        before = held.room
        after, effects = step(before, event, self.clock.monotonic())
        if differs(before, after):
            await self._write(held, before, after, actor)
        held.room = after
        if after.state == "ended":
            self._forget(after)
        if not await self._carry_out(held, effects) and isinstance(event, Answered | Trickled | Rejoined):
            held.room = before
            raise StationUnreachable
        for effect in effects:
            if isinstance(effect, Refuse):
                raise _refusal(effect)

    async def say(self, station: str, call: str, message: FromRegion) -> bool:
        """Tell a station; False if the broker is away."""
        try:
            await self._downlink.send(down(station, "call", call), to_data(message), expiry_s=SIGNALLING_EXPIRY_S)
        except LinkError as error:
            self.refused["link_down"] += 1
            _log.warning("call %s: %s was not said to %s: %s", call, type(message).__name__, station, error)
            return False
        return True

    async def tick(self) -> None:
        """Let time pass for every call, and see which pages are still there."""
        for held in self.all():
            async with self.lock(held.room.station):
                page = held.room.page
                if page is not None and not self.hub.listeners(page_topic(page)):
                    await self.apply(held, PageGone(page), "region")
                await self.apply(held, Tick(), "region")

    # Boards

    def stale_board(self, clinic: int) -> None:
        """Something on this clinic's board has changed."""
        self._stale_boards.add(clinic)
        self._board_wanted.set()

    def stale_boards(self) -> None:
        """Time has passed: what stations report of themselves may have changed."""
        for clinic in self._looked_at:
            self.stale_board(clinic)

    async def draw_boards(self) -> None:
        """Wait until some board has changed, and send it to whoever looks at it."""
        await self._board_wanted.wait()
        self._board_wanted.clear()
        clinics, self._stale_boards = self._stale_boards, set()
        for clinic in clinics:
            if self.hub.listeners(clinic_topic(clinic)):
                self.hub.publish(clinic_topic(clinic), "board", await self.board(clinic))
            else:
                self._looked_at.discard(clinic)

    async def board(self, clinic: int) -> dict[str, Any]:
        """A clinic's board as it is now, for somebody who looks at it."""
        self._looked_at.add(clinic)
        async with self.registry.read() as t:
            return await board(t, clinic, self.clock.wall(), self._lost_long())

    def _lost_long(self) -> frozenset[str]:
        now = self.clock.monotonic()
        return frozenset(held.room.call for held in self.all() if held.room.lost_for(now) >= LOST_LONG)

    # Carrying out

    async def _write(self, held: Held, before: Room, after: Room, actor: str) -> None:
        now = self.clock.wall()
        async with self.registry.begin() as t:
            await record(t, before, after, now, actor, held.clinician)
        if after.state == "in_call" and held.connected_at is None:
            held.connected_at = now

    def _forget(self, room: Room) -> None:
        self._held.pop(room.call, None)
        self._ended[room.call] = room
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)

    async def _carry_out(self, held: Held, effects: tuple[Effect, ...]) -> bool:
        """False if something for the station did not reach the broker, save a hang-up: that one needs no retry."""
        reached = True
        for effect in effects:
            match effect:
                case Say(message):
                    if isinstance(message, Renew):
                        message = Renew(self.relays.servers(held.room.station))
                    said = await self.say(held.room.station, held.room.call, message)
                    reached = reached and (said or isinstance(message, Hangup))
                case PassOffer(page, offer):
                    self.hub.publish(page_topic(page), "offer", {"call": held.room.call, **encode(offer)})
                case Show():
                    self._show(held)
                case Count(code):
                    self.refused[code] += 1
                case Refuse():
                    pass  # told to the browser that asked
        return reached

    def _show(self, held: Held) -> None:
        if held.room.clinician is not None:
            self.hub.publish(person_topic(held.room.clinician), "call", self.view(held))
        self.stale_board(held.room.clinic)


def _refusal(effect: Refuse) -> DeskError:
    return TooMany("flood") if effect.code == "flood" else NotNow(effect.code)
