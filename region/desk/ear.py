"""What the stations say to the desk: judged, counted, and turned into events of their calls."""

from __future__ import annotations

import logging

from messaging.call import (
    CALL_ID,
    FromStation,
    Hangup,
    RefusalCode,
    Refused,
    Rejected,
    Request,
    Ringing,
    from_station,
)
from messaging.codec import encode
from messaging.envelope import Envelope
from messaging.errors import MalformedMessage, MessageError
from messaging.topics import Topic
from provisioning.authority.limiter import GuessLimiter
from region.desk.record import Held
from region.desk.room import Event, Heard, StationBack, StationGone, Superseded
from region.desk.rooms import MOST_ROOMS, Rooms
from region.desk.routing import requested
from region.registry import Conflict, Transaction
from region.registry.actions import AuditAction, AuditOutcome
from region.registry.records import Clinic, Station
from region.web.subject import PresenceChange

_log = logging.getLogger(__name__)
MOST_WAITING = 50  # in one clinic
MOST_REQUESTS = (10, 60.0)  # of one station in so many seconds
MOST_MESSAGES = (300, 60.0)


class Ear:
    """Takes `up/call/<call>` and the presence of station-call."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._requests = GuessLimiter(*MOST_REQUESTS)
        self._messages = GuessLimiter(*MOST_MESSAGES)

    async def handle(self, topic: Topic, envelope: Envelope) -> None:
        """One message of a station about one call. MessageError: not one we take; the station has been told so."""
        station, call = topic.station, topic.words[0]
        if self._messages.take(station, self._rooms.clock.monotonic()):
            self._count(station, call, "flood")
            return
        if not CALL_ID.fullmatch(call):
            raise MalformedMessage("call: not a call's id")
        try:
            message = from_station(envelope.data)
        except MessageError as error:
            async with self._rooms.lock(station):
                await self._reject(station, call, error.code)
            raise
        async with self._rooms.registry.read() as t:
            known = await t.stations.get(station)
        async with self._rooms.lock(station):
            await self._route(known, call, envelope, message)

    async def connection(self, change: PresenceChange) -> None:
        """Station-call came, went, or was restarted."""
        said, before = change.now, change.before
        if said.state == "online" and before is not None and (said.boot, said.bd) == (before.boot, before.bd):
            return  # what the broker retains, heard again: older than what the call itself has said
        if await self._rooms.of_station(change.station) is None:
            return
        async with self._rooms.lock(change.station):
            held = await self._rooms.of_station(change.station)
            if held is not None:
                await self._rooms.apply(held.room.call, _news_of(change, held), change.station)

    async def _route(self, station: Station, call: str, envelope: Envelope, message: FromStation) -> None:
        held = await self._rooms.find(call)
        if held is None:
            await self._unknown_call(station, call, envelope, message)
            return
        if held.room.station != station.id:
            await self._reject(station.id, call, "foreign_call")
            return
        if not held.boot:
            async with self._rooms.registry.begin() as t:
                await t.calls.set_boot(call, envelope.boot)
        if isinstance(message, Request) and held.room.state == "waiting" and held.room.offer is None:
            async with self._rooms.registry.read() as t:
                clinic = await t.clinics.get(held.room.clinic)
            await self._rings(station, call, clinic)  # delivered again: whoever took it first may have died over it
            return
        await self._rooms.apply(call, Heard(message), station.id)

    async def _unknown_call(self, station: Station, call: str, envelope: Envelope, message: FromStation) -> None:
        if isinstance(message, Hangup | Rejected):
            return  # it is over for both
        async with self._rooms.registry.read() as t:
            past = await t.calls.find(call)
        if past is not None and past.station_id == station.id and past.end_reason is not None:
            self._count(station.id, call, "ended_call")
            await self._rooms.say(station.id, call, Hangup(past.end_reason))
        elif past is None and isinstance(message, Request):
            await self._request(station, call, envelope, message)
        else:
            await self._reject(station.id, call, "foreign_call")

    async def _request(self, station: Station, call: str, envelope: Envelope, message: Request) -> None:
        clinic = await self._whom(station, message)
        refusal = await self._why_not(station, clinic)
        if refusal is not None or clinic is None:
            await self._refuse(station, call, refusal or "no_clinic")
            return
        old = await self._rooms.of_station(station.id)
        if old is not None:
            await self._rooms.apply(old.room.call, Superseded(), station.id)
        now = self._rooms.clock.wall()
        try:
            async with self._rooms.registry.begin() as t:
                await t.calls.add(
                    call, station.id, clinic.id, "resident", "waiting", now, boot=envelope.boot,
                    devices=encode(message.devices),
                )  # fmt: skip
                await self._audit(t, "call.requested", "waiting", station, call, clinic)
        except Conflict:
            await self._reject(station.id, call, "foreign_call")
            return
        await self._rooms.opened(requested(call, station.id, clinic.id, message.devices, now))
        await self._rings(station, call, clinic)

    async def _rings(self, station: Station, call: str, clinic: Clinic) -> None:
        relays = self._rooms.relays
        await self._rooms.say(station.id, call, Ringing(clinic.name, relays.servers(station.id), relays.only))

    async def _whom(self, station: Station, message: Request) -> Clinic | None:
        """The station's clinic, or the one that its config falls back on."""
        async with self._rooms.registry.read() as t:
            if not message.fallback:
                return None if station.clinic_id is None else await t.clinics.get(station.clinic_id)
            document = (await t.layers.desired([station]))[station.id]
            return await t.clinics.find(str(document.get("fallback") or ""))

    async def _why_not(self, station: Station, clinic: Clinic | None) -> RefusalCode | None:
        if clinic is None:
            return "no_clinic"
        if self._requests.take(station.id, self._rooms.clock.monotonic()):
            return "rate_limited"
        async with self._rooms.registry.read() as t:
            calls = await t.calls.open()
        others = [one for one in calls if one.station_id != station.id]
        waiting = [one for one in others if one.state == "waiting" and one.clinic_id == clinic.id]
        return "busy" if len(waiting) >= MOST_WAITING or len(others) >= MOST_ROOMS else None

    async def _refuse(self, station: Station, call: str, code: RefusalCode) -> None:
        self._count(station.id, call, code)
        if code != "rate_limited":  # otherwise a stuck button would fill the audit
            async with self._rooms.registry.begin() as t:
                await self._audit(t, "call.refused", code, station, call)
        await self._rooms.say(station.id, call, Refused(code))

    async def _audit(
        self, t: Transaction, action: AuditAction, outcome: AuditOutcome, station: Station, call: str,
        clinic: Clinic | None = None,
    ) -> None:  # fmt: skip
        await t.audit.add(
            station.id, action, outcome, self._rooms.clock.wall(), station_id=station.id, call_id=call,
            clinic=(clinic.name if clinic else station.clinic) or None,
        )  # fmt: skip

    async def _reject(self, station: str, call: str, code: str) -> None:
        self._count(station, call, code)
        await self._rooms.say(station, call, Rejected(code))

    def _count(self, station: str, call: str, code: str) -> None:
        self._rooms.refused[code] += 1
        _log.info("call %.32s: a message of %s was not taken: %s", call, station, code)


def _news_of(change: PresenceChange, held: Held) -> Event:
    """What its coming or going means for the station's call."""
    said = change.now
    if said.state == "offline":
        return StationGone()
    over = said.hung_up if said.hung_up is not None and said.hung_up.call == held.room.call else None
    return StationBack(said.call, held.boot in ("", said.boot), over.reason if over is not None else None)
