"""What a clinician's browser asks of the desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from messaging.call import Candidate, EndReason, Invite, new_call_id
from messaging.codec import encode
from provisioning.authority.limiter import GuessLimiter
from region.desk.boards import Boards
from region.desk.errors import NoSuchCall, NotNow, StationUnreachable, Taken, TooMany
from region.desk.record import Held
from region.desk.room import Answered, Claimed, Left, PageBack, Rejoined, Room, SignedOut, Trickled
from region.desk.rooms import Rooms
from region.desk.routing import invited
from region.registry.records import Call, Person, Station

MOST_STARTS = (12, 60.0)  # of one person in so many seconds
MOST_POSTS = (600, 60.0)
ENDS_WITHIN_S = 1.5  # whoever begins another call a moment after the last one waits so long for its end
_LOOK_S = 0.1


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

    def __init__(self, rooms: Rooms, boards: Boards) -> None:
        self._rooms = rooms
        self._boards = boards
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
        boot = presence.boot

        async def invite() -> dict[str, Any]:
            if await self._rooms.of_station(station.id) is not None:
                raise NotNow("station_busy")
            return await self._invite(caller, station, boot)

        return await self._once_free(caller, station.id, invite)

    async def claim(self, caller: Caller, call: str) -> dict[str, Any]:
        """Take a waiting call: what the page needs of it. Taken for all but the first who ask."""
        self._allow(self._posts, caller)
        held = await self._rooms.find(call)
        if held is None or held.room.clinic != caller.clinic:
            await self._explain(caller, call)
            raise NoSuchCall
        room = held.room

        async def take() -> dict[str, Any]:
            return self._entry(caller, await self._claim(caller, room))

        return await self._once_free(caller, room.station, take, but=call)

    async def answer(self, caller: Caller, call: str, generation: int, sdp: str) -> None:
        """Pass the browser's answer on to the station."""
        room, person = await self._mine(caller, call), caller.person
        async with self._rooms.lock(room.station):
            event = Answered(caller.page, generation, sdp, person.display_name[:80], person.title[:80])
            await self._rooms.apply(call, event, person.name)

    async def trickle(self, caller: Caller, call: str, candidates: tuple[Candidate, ...]) -> None:
        """Pass the browser's candidates on to the station."""
        room = await self._mine(caller, call)
        async with self._rooms.lock(room.station):
            await self._rooms.apply(call, Trickled(caller.page, candidates), caller.person.name)

    async def rejoin(self, caller: Caller, call: str) -> dict[str, Any]:
        """This page goes on in the call after a reload, lost media, or in place of another tab."""
        room = await self._mine(caller, call)
        async with self._rooms.lock(room.station):
            return self._entry(caller, await self._rooms.apply(call, Rejoined(caller.page), caller.person.name))

    async def hang_up(self, caller: Caller, call: str, reason: EndReason) -> None:
        """End the call. A call that is over already is no error: both sides may hang up at once."""
        held = await self._rooms.find(call)
        if held is None or held.room.clinician != caller.person.id:
            return
        async with self._rooms.lock(held.room.station):
            await self._rooms.apply(call, Left(reason), caller.person.name)

    async def page_opened(self, caller: Caller, call: str | None) -> list[tuple[str, dict[str, Any]]]:
        """A page's stream has begun: the events it is told first. `call` is the one it says it is in the middle of."""
        first = [("board", await self._boards.look(caller.clinic))]
        held = await self._rooms.of_person(caller.person.id)
        if held is None:
            return [*first, ("no_call", {"call": call, "reason": await self._how_it_ended(caller, call)})]
        away = held.room.away is not None or held.room.page is None
        if held.room.page == caller.page or held.room.call == call:
            async with self._rooms.lock(held.room.station):
                held = await self._rooms.apply(held.room.call, PageBack(caller.page), caller.person.name)
        return [*first, ("call", self._rooms.view(held) | {"away": away})]

    async def signed_out(self, caller: Caller) -> None:
        """The session of a page has been ended: a call that it has ends too, unless the page comes back signed in."""
        at = self._rooms.clock.wall()
        held = await self._rooms.of_person(caller.person.id)
        if held is None or held.room.page != caller.page:
            return
        async with self._rooms.lock(held.room.station):
            await self._rooms.apply(held.room.call, SignedOut(caller.page, at), "region")

    async def _how_it_ended(self, caller: Caller, call: str | None) -> EndReason | None:
        if call is None:
            return None
        async with self._rooms.registry.read() as t:
            past = await t.calls.find(call)
        return past.end_reason if past is not None and past.person_id == caller.person.id else None

    async def _invite(self, caller: Caller, station: Station, boot: str) -> dict[str, Any]:
        call, person, rooms = new_call_id(), caller.person, self._rooms
        await rooms.check_space()
        now = rooms.clock.wall()
        async with rooms.registry.begin() as t:
            await t.calls.add(call, station.id, caller.clinic, "clinic", "ringing", now, boot=boot, person_id=person.id)
            await t.audit.add(person.name, "call.placed", "ringing", now, station_id=station.id, call_id=call)
        held = await rooms.opened(invited(call, station.id, caller.clinic, person.id, caller.page, now))
        servers = rooms.relays.servers(station.id)
        invite = Invite(person.display_name[:80], person.title[:80], servers, rooms.relays.only)
        if not await rooms.say(station.id, call, invite):
            await rooms.apply(call, Left("link_down"), "region")
            raise StationUnreachable
        return self._entry(caller, held)

    async def _claim(self, caller: Caller, room: Room) -> Held:
        person, now = caller.person, self._rooms.clock.wall()
        async with self._rooms.registry.begin() as t:
            mine = await t.calls.claim(room.call, person.id, now)
            if mine:
                await t.audit.add(
                    person.name, "call.answered", "answered", now, station_id=room.station, call_id=room.call
                )
        if not mine:
            await self._explain(caller, room.call)
            raise NoSuchCall
        return await self._rooms.apply(room.call, Claimed(person.id, caller.page), person.name)

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

    async def _mine(self, caller: Caller, call: str) -> Room:
        self._allow(self._posts, caller)
        held = await self._rooms.find(call)
        if held is None or held.room.clinician != caller.person.id:
            raise NoSuchCall
        return held.room

    async def _once_free(
        self, caller: Caller, station: str, begin: Callable[[], Awaitable[dict[str, Any]]], but: str = ""
    ) -> dict[str, Any]:  # fmt: skip
        """Begin a call, alone with the person and the station, once the person has no other.

        Who presses "Hang up" and then "Call" is quicker than the first may have got here; so is a page that has heard
        the resident leave by the call's own connection. The end of the old call is waited for, a moment.
        """
        clock = self._rooms.clock
        until = clock.monotonic() + ENDS_WITHIN_S
        while True:
            async with self._rooms.lock(_person(caller), station):
                mine = await self._rooms.of_person(caller.person.id)
                if mine is None or mine.room.call == but:
                    return await begin()
            if clock.monotonic() >= until:
                raise NotNow("in_a_call")
            await clock.sleep(_LOOK_S)

    def _allow(self, limiter: GuessLimiter, caller: Caller) -> None:
        if limiter.take(caller.person.name, self._rooms.clock.monotonic()):
            raise TooMany("rate_limited")


def _person(caller: Caller) -> str:
    return f"person:{caller.person.id}"
