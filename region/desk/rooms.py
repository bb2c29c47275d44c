"""The running calls, as the registry has them: each event is decided by `routing.step`, written down, and carried out.

No process keeps a call for itself: whichever hears of one takes it up, alone with its station (`lock`).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

from messaging.call import FromRegion, Hangup, Renew, to_data
from messaging.clock import Clock
from messaging.codec import encode
from messaging.envelope import Place
from messaging.link.port import LinkError
from messaging.topics import down
from region.desk.board import call_view
from region.desk.boards import stale_topic
from region.desk.errors import DeskError, NotNow, StationUnreachable, TooMany
from region.desk.record import SEEN_EVERY, Held, differs, held_of, kept, record
from region.desk.room import (
    UNVOUCHED,
    Answered,
    Count,
    Effect,
    Event,
    PageGone,
    PageSeen,
    PassOffer,
    Refuse,
    Rejoined,
    Room,
    Say,
    Show,
    SignedOut,
    Tick,
    Trickled,
)
from region.desk.routing import step
from region.registry import Registry
from region.registry.records import Call
from region.web.auth import ABSOLUTE_S, IDLE_S
from region.web.events import Hub
from region.web.subject import Downlink
from region.web.turn import Relays

_log = logging.getLogger(__name__)
SIGNALLING_EXPIRY_S = 30
MOST_ROOMS = 1000
PAGES = "desk:page:"


def person_topic(person: int) -> str:
    """What every page of one person listens to."""
    return f"desk:person:{person}"


def page_topic(page: str) -> str:
    """What one page listens to."""
    return f"{PAGES}{page}"


class Rooms:
    """Every running call of the region. Whoever applies events to a station's calls holds `lock(station)`."""

    def __init__(self, registry: Registry, downlink: Downlink, clock: Clock, hub: Hub, relays: Relays) -> None:
        self.registry = registry
        self.clock = clock
        self.relays = relays
        self.refused: Counter[str] = Counter()  # what was not taken, by code
        self._hub = hub
        self._downlink = downlink
        self._left: set[str] = set()  # pages that were open here, and are not any more
        hub.when_left(PAGES, self._left.add)

    # Looking

    def lock(self, *whose: str) -> AbstractAsyncContextManager[None]:
        """One at a time, at whichever process, for all calls of one station, by its id, or of one person.

        Who needs both names the person first.
        """
        return self.registry.alone(*(f"desk {one}" for one in whose))

    async def find(self, call: str) -> Held | None:
        """The running call of that id."""
        async with self.registry.read() as t:
            found = await t.calls.find(call)
        return None if found is None or found.end_reason is not None else self._held(found)

    async def of_station(self, station: str) -> Held | None:
        """The station's running call."""
        async with self.registry.read() as t:
            return self._first(await t.calls.open(station_id=station))

    async def of_person(self, person: int) -> Held | None:
        """The call that this person has."""
        async with self.registry.read() as t:
            return self._first(await t.calls.open(person_id=person))

    async def all(self) -> list[Held]:
        """Every running call."""
        async with self.registry.read() as t:
            return [self._held(call) for call in await t.calls.open()]

    def view(self, held: Held) -> dict[str, Any]:
        """How the call stands, for the page that has it."""
        at = held.connected_at
        since = None if at is None else max(0.0, round(self.clock.wall() - at, 1))
        return call_view(held.room, held.names, since)

    def _held(self, call: Call) -> Held:
        return held_of(call, self.clock.wall())

    def _first(self, calls: list[Call]) -> Held | None:
        return self._held(calls[0]) if calls else None

    # Changing

    async def check_space(self) -> None:
        """TooMany when the region has as many calls as it takes."""
        async with self.registry.read() as t:
            if len(await t.calls.open()) >= MOST_ROOMS:
                raise TooMany("busy")

    async def opened(self, room: Room) -> Held:
        """The registry has a new call: keep its room with it."""
        async with self.registry.begin() as t:
            await t.calls.set_room(room.call, kept(room))
            await t.news.tell(stale_topic(room.clinic), "stale")
            held = self._held(await t.calls.get(room.call))
        self._hub.deliver(stale_topic(room.clinic), "stale")
        return held

    async def apply(self, call: str, event: Event, actor: str) -> Held:
        """Decide, write down, carry out. Raises a DeskError if the event was a browser's and is refused."""
        now = self.clock.wall()
        async with self.registry.read() as t:
            found = await t.calls.get(call)
        held = held_of(found, now)
        before = held.room
        after, effects = step(before, event, now)
        connected = now if after.state == "in_call" and held.connected_at is None else held.connected_at
        held = replace(held, room=after, connected_at=connected)
        words = [effect.message for effect in effects if isinstance(effect, Say)]
        news = list(self._news(held, effects))
        first = 0
        if words or news or found.room is None or differs(before, after):
            async with self.registry.begin() as t:
                if found.room is None or differs(before, after):
                    await record(t, before, after, now, actor, held.clinician)
                if words:
                    first = await t.calls.speak(call, after.station, len(words)) or 0
                for topic, name, data in news:
                    await t.news.tell(topic, name, data)
        for topic, name, data in news:
            self._hub.deliver(topic, name, data)
        reached = await self._say_all(after, words, first)
        if not reached and isinstance(event, Answered | Trickled | Rejoined):
            async with self.registry.begin() as t:
                await t.calls.set_room(call, kept(before))
            raise StationUnreachable
        for effect in effects:
            if isinstance(effect, Count):
                self.refused[effect.code] += 1
            elif isinstance(effect, Refuse):
                raise _refusal(effect)
        return held

    async def say(self, station: str, call: str, message: FromRegion) -> bool:
        """Tell a station; False if the broker is away. Whoever does holds `lock(station)`."""
        async with self.registry.begin() as t:
            number = await t.calls.speak(call, station)
        return await self._say(station, call, message, number)

    async def tick(self) -> None:
        """Let time pass for every call."""
        now = self.clock.wall()
        for room in [held.room for held in await self.all()]:
            if await self._is_unvouched(room, now):
                await self._apply_alone(room, SignedOut(room.page, now))
            elif step(room, Tick(), now) != (room, ()):
                await self._apply_alone(room, Tick())

    async def _is_unvouched(self, room: Room, now: float) -> bool:
        """Whether whoever has the call could not come back to it: signed in nowhere, and the page gone before that."""
        if room.clinician is None or room.away is None or room.signed_out is not None or now - room.away < UNVOUCHED:
            return False
        async with self.registry.read() as t:
            return not await t.sessions.has(room.clinician, now, IDLE_S, ABSOLUTE_S)

    async def see_pages(self) -> None:
        """See which pages are still there, of those that have a call."""
        now, left = self.clock.wall(), set(self._left)
        self._left -= left
        for room in [held.room for held in await self.all()]:
            if room.page is None:
                continue
            if self._hub.listeners(page_topic(room.page)):
                if room.away is not None or now - room.seen >= SEEN_EVERY:
                    await self._apply_alone(room, PageSeen(room.page))
            elif room.page in left:
                await self._apply_alone(room, PageGone(room.page))

    async def _apply_alone(self, room: Room, event: Event) -> None:
        async with self.lock(room.station):
            await self.apply(room.call, event, "region")

    # Carrying out

    def _news(self, held: Held, effects: Iterable[Effect]) -> Iterable[tuple[str, str, Any]]:
        """What pages are told, at whichever process they are open."""
        for effect in effects:
            match effect:
                case PassOffer(page, offer):
                    yield page_topic(page), "offer", {"call": held.room.call, **encode(offer)}
                case Show():
                    if held.room.clinician is not None:
                        yield person_topic(held.room.clinician), "call", self.view(held)
                    yield stale_topic(held.room.clinic), "stale", None

    async def _say_all(self, room: Room, words: list[FromRegion], first: int) -> bool:
        """False if something for the station did not reach the broker, save a hang-up: that one needs no retry."""
        reached = True
        for number, message in enumerate(words, first):
            if isinstance(message, Renew):
                message = Renew(self.relays.servers(room.station))
            said = await self._say(room.station, room.call, message, number)
            reached = reached and (said or isinstance(message, Hangup))
        return reached

    async def _say(self, station: str, call: str, message: FromRegion, number: int | None) -> bool:
        place = None if number is None else Place(f"desk-{call}", number)
        try:
            await self._downlink.send(
                down(station, "call", call), to_data(message), expiry_s=SIGNALLING_EXPIRY_S, place=place
            )
        except LinkError as error:
            self.refused["link_down"] += 1
            _log.warning("call %s: %s was not said to %s: %s", call, type(message).__name__, station, error)
            return False
        return True


def _refusal(effect: Refuse) -> DeskError:
    return TooMany("flood") if effect.code == "flood" else NotNow(effect.code)
