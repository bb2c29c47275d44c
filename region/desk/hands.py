"""What a clinician's browser asks of the desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from messaging.call import Candidate, EndReason, Invite, new_call_id
from messaging.codec import encode
from provisioning.authority.limiter import GuessLimiter
from region.desk.errors import NoSuchCall, NotNow, StationUnreachable, Taken, TooMany
from region.desk.room import Answered, Claimed, Left, PageBack, Rejoined, Trickled
from region.desk.rooms import Held, Rooms
from region.desk.routing import invited
from region.registry.records import Call, Person, Station

MOST_STARTS = (12, 60.0)  # of one person in so many seconds
MOST_POSTS = (600, 60.0)


@dataclass(frozen=True)
class Caller:
    """Who asks, from which page."""

    person: Person
    page: str

    @property
    def clinic(self) -> int:
        """The person's clinic; the desk is nobody's who has none."""
        if self.person.clinic_id is None:
            raise NotNow("no_clinic")
        return self.person.clinic_id


class Hands:
    """Carries out what clinicians do. Every method raises a DeskError when it cannot be done."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._starts = GuessLimiter(*MOST_STARTS)
        self._posts = GuessLimiter(*MOST_POSTS)

    async def call(self, caller: Caller, station_id: str) -> dict[str, Any]:
        """Call a station: what the page needs of it."""
        self._allow(self._starts, caller)
        async with self._rooms.registry.read() as t:
            station = await t.stations.find(station_id)
            presence = await t.reports.presence(station_id, "call")
        if station is None or station.clinic_id != caller.clinic:
            raise NoSuchCall
        if presence is None or presence.state != "online":
            raise StationUnreachable("station_offline")
        async with self._rooms.lock(f"person:{caller.person.id}"), self._rooms.lock(station.id):
            self._free(caller)
            if self._rooms.of_station(station.id) is not None:
                raise NotNow("station_busy")
            return await self._invite(caller, station, presence.boot)

    async def claim(self, caller: Caller, call: str) -> dict[str, Any]:
        """Take a waiting call: what the page needs of it. Taken for all but the first who ask."""
        self._allow(self._posts, caller)
        held = self._of_clinic(caller, call)
        if held is None:
            await self._explain(caller, call)
            raise NoSuchCall
        async with self._rooms.lock(f"person:{caller.person.id}"), self._rooms.lock(held.room.station):
            self._free(caller, but=held)
            await self._claim(caller, held)
            return self._entry(caller, held)

    async def answer(self, caller: Caller, call: str, generation: int, sdp: str) -> None:
        """Pass the browser's answer on to the station."""
        held = self._mine(caller, call)
        person = caller.person
        async with self._rooms.lock(held.room.station):
            event = Answered(caller.page, generation, sdp, person.display_name[:80], person.title[:80])
            await self._rooms.apply(held, event, person.name)

    async def trickle(self, caller: Caller, call: str, candidates: tuple[Candidate, ...]) -> None:
        """Pass the browser's candidates on to the station."""
        held = self._mine(caller, call)
        async with self._rooms.lock(held.room.station):
            await self._rooms.apply(held, Trickled(caller.page, candidates), caller.person.name)

    async def rejoin(self, caller: Caller, call: str) -> dict[str, Any]:
        """This page goes on in the call after a reload, lost media, or in place of another tab."""
        held = self._mine(caller, call)
        async with self._rooms.lock(held.room.station):
            await self._rooms.apply(held, Rejoined(caller.page), caller.person.name)
            return self._entry(caller, held)

    async def hang_up(self, caller: Caller, call: str, reason: EndReason) -> None:
        """End the call. A call that is over already is no error: both sides may hang up at once."""
        held = self._rooms.find(call)
        if held is None or held.room.clinician != caller.person.id:
            return
        async with self._rooms.lock(held.room.station):
            await self._rooms.apply(held, Left(reason), caller.person.name)

    async def page_opened(self, caller: Caller, call: str | None) -> list[tuple[str, dict[str, Any]]]:
        """A page's stream has begun: the events it is told first. `call` is the one it says it is in the middle of."""
        first = [("board", await self._rooms.board(caller.clinic))]
        held = self._rooms.of_person(caller.person.id)
        if held is None:
            past = self._rooms.ended(call) if call else None
            return [*first, ("no_call", {"call": call, "reason": past.reason if past else None})]
        away = held.room.away is not None or held.room.page is None
        if held.room.page == caller.page or held.room.call == call:
            async with self._rooms.lock(held.room.station):
                await self._rooms.apply(held, PageBack(caller.page), caller.person.name)
        return [*first, ("call", self._rooms.view(held) | {"away": away})]

    async def _invite(self, caller: Caller, station: Station, boot: str) -> dict[str, Any]:
        call, person, rooms = new_call_id(), caller.person, self._rooms
        async with rooms.registry.begin() as t:
            now = rooms.clock.wall()
            await t.calls.add(call, station.id, caller.clinic, "clinic", "ringing", now, boot=boot, person_id=person.id)
            await t.audit.add(person.name, "call.placed", "ringing", now, station_id=station.id, call_id=call)
        room = invited(call, station.id, caller.clinic, person.id, caller.page, rooms.clock.monotonic())
        held = Held(room, {"name": station.name, "site": station.site}, boot, person.display_name)
        rooms.open(held)
        servers = rooms.relays.servers(station.id)
        invite = Invite(person.display_name[:80], person.title[:80], servers, rooms.relays.only)
        if not await rooms.say(station.id, call, invite):
            await rooms.apply(held, Left("link_down"), "region")
            raise StationUnreachable
        return self._entry(caller, held)

    async def _claim(self, caller: Caller, held: Held) -> None:
        person, room, now = caller.person, held.room, self._rooms.clock.wall()
        async with self._rooms.registry.begin() as t:
            mine = await t.calls.claim(room.call, person.id, now)
            if mine:
                await t.audit.add(
                    person.name, "call.answered", "answered", now, station_id=room.station, call_id=room.call
                )
        if not mine:
            await self._explain(caller, room.call)
            raise NoSuchCall
        held.clinician = person.display_name
        await self._rooms.apply(held, Claimed(person.id, caller.page), person.name)

    async def _explain(self, caller: Caller, call: str) -> None:
        """Say why a call cannot be claimed, if it ever was one of this clinic."""
        async with self._rooms.registry.read() as t:
            past: Call | None = await t.calls.find(call)
        if past is None or past.clinic_id != caller.clinic:
            return
        if past.person_id is not None:
            raise Taken(past.person)
        raise NotNow("ended")

    def _entry(self, caller: Caller, held: Held) -> dict[str, Any]:
        """The call's view, the station's offer if it has come, and the servers for this person's browser."""
        offer = held.room.offer
        return {
            "view": self._rooms.view(held),
            "offer": None if offer is None else encode(offer),
            "ice_servers": [encode(server) for server in self._rooms.relays.servers(caller.person.name)],
            "relay_only": self._rooms.relays.only,
        }

    def _of_clinic(self, caller: Caller, call: str) -> Held | None:
        held = self._rooms.find(call)
        return held if held is not None and held.room.clinic == caller.clinic else None

    def _mine(self, caller: Caller, call: str) -> Held:
        self._allow(self._posts, caller)
        held = self._rooms.find(call)
        if held is None or held.room.clinician != caller.person.id:
            raise NoSuchCall
        return held

    def _free(self, caller: Caller, but: Held | None = None) -> None:
        mine = self._rooms.of_person(caller.person.id)
        if mine is not None and mine is not but:
            raise NotNow("in_a_call")

    def _allow(self, limiter: GuessLimiter, caller: Caller) -> None:
        if limiter.take(caller.person.name, self._rooms.clock.monotonic()):
            raise TooMany("rate_limited")
