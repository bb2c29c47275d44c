"""The region and the broker: what stations say is judged, stored, and only then acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping

from messaging.clock import Clock
from messaging.codec import decode
from messaging.envelope import Envelope, OrderGuard, Place, Sealer, open_envelope
from messaging.errors import MalformedMessage, MessageError, StaleMessage
from messaging.link.port import Inbound, Link, LinkError, Up
from messaging.status import Connection
from messaging.topics import Topic, parse
from region.broker import MOST_AT_ONCE
from region.floods import Flood, Floods, speaker
from region.registry import Registry, RegistryError, Transaction, Unavailable
from region.registry.records import ProcessPresence
from region.serving.attendance import Attendance, Who
from region.serving.hoards import Hoards, in_vain
from region.web.subject import PresenceChange, Subject, UpHandler

_log = logging.getLogger(__name__)
_MOST_GUARDS = 50_000
_RETRY_S = 1.0


class ShutOut(MessageError):
    """From a station that nobody lets in: revoked, or in quarantine."""

    code = "shut_out"


class Wire:
    """Listens to every station and speaks to each. Subjects are added before `run`."""

    def __init__(
        self, link: Link, registry: Registry, clock: Clock, mouth: Link | None = None, floods: Floods | None = None,
        hoards: Hoards | None = None, attendance: Attendance | None = None,
    ) -> None:  # fmt: skip
        self.refused: Counter[str] = Counter()
        self._link = link
        self._mouth = mouth or link
        self._registry = registry
        self._clock = clock
        self._sealer = Sealer(clock.monotonic, clock.wall)
        self._up: dict[str, list[UpHandler]] = {}
        self._presence: list[Callable[[PresenceChange], Awaitable[None]]] = []
        self._guards: OrderedDict[tuple[str, ...], OrderGuard] = OrderedDict()
        self._came_up: list[Callable[[], None]] = []
        self._floods = floods or Floods()
        self._hoards = hoards
        self._attendance = attendance or Attendance()

    @property
    def is_up(self) -> bool:
        """Whether the broker has the region connected."""
        return self._mouth.is_up

    @property
    def hears(self) -> bool:
        """Whether the broker has that connected by which stations are heard."""
        return self._link.is_up

    def add(self, subject: Subject) -> None:
        """Hand this subject what it asks for."""
        for branch, handler in subject.up.items():
            self._up.setdefault(branch, []).append(handler)
        if subject.presence is not None:
            self._presence.append(subject.presence)

    def when_up(self, act: Callable[[], None]) -> None:
        """Call this each time the broker has the region connected (again)."""
        self._came_up.append(act)

    async def send(
        self, topic: str, message: object, *, retain: bool = False, expiry_s: int | None = None,
        place: Place | None = None,
    ) -> None:  # fmt: skip
        """Seal and publish a message (dataclass or plain data); LinkDown when there is no broker."""
        await self._mouth.publish(topic, self._sealer.seal(message, place), retain=retain, expiry_s=expiry_s)

    async def speak(self) -> None:
        """Keep connected what this process speaks by, until cancelled; nothing to do where that is what listens too."""
        if self._mouth is self._link:
            return
        await self._mouth.start()
        try:
            async for _ in self._mouth.events():
                continue  # the link itself says in the log how it is
        finally:
            await self._mouth.stop()

    async def run(self) -> None:
        """Connect and listen until cancelled: one process at a time, for all are one client of the broker."""
        await self._link.start()
        try:
            while True:
                events = await self._link.burst(MOST_AT_ONCE)
                if any(isinstance(event, Up) for event in events):
                    for act in self._came_up:
                        act()
                said = [event for event in events if isinstance(event, Inbound)]
                await self._take_all(said)
                for message in said:
                    self._link.ack(message)
        finally:
            await self._link.stop()

    async def _take_all(self, said: list[Inbound]) -> None:
        """Side by side, so that their changes are committed together; what one station says, in its order."""
        lanes: dict[str, list[Inbound]] = {}
        for message in said:
            lanes.setdefault(speaker(message.topic), []).append(message)
        admissions = await self._admissions(lanes)
        if self._hoards is not None:
            await self._hoards.look(said, admissions)
        await asyncio.gather(*(self._take_in_order(lane, admissions) for lane in lanes.values()))

    async def _take_in_order(self, lane: list[Inbound], admissions: Mapping[str, str]) -> None:
        for message in lane:
            await self._take(message, admissions)

    async def _admissions(self, stations: Iterable[str]) -> Mapping[str, str]:
        """How those stand that the registry has; while the database is away it waits, and so does the broker."""
        wanted = list(stations)
        while True:
            try:
                async with self._registry.read() as t:
                    return await t.stations.admissions(wanted)
            except Unavailable as error:
                await self._wait(error)

    async def _take(self, inbound: Inbound, admissions: Mapping[str, str]) -> None:
        """One message, for good: dealt with, or refused and counted."""
        if in_vain(inbound):
            self.refused["retained"] += bool(inbound.payload)
            return
        try:
            self._floods.count(speaker(inbound.topic), self._clock.monotonic())
            topic = parse(inbound.topic)
            envelope = open_envelope(inbound.payload)
            said = _connection(topic, envelope) if topic.branch == "conn" else None
            known = self._key(topic) in self._guards  # else it may be older than this process: the broker had kept it
            # A Will was sealed before the birth it belongs to, so it is judged by its number instead.
            if said is None:
                self._guard(topic).admit(envelope)
            elif said.state == "online":
                await self._admit_birth(topic, envelope, said)
            _check_admission(admissions.get(topic.station))
            if known and said is not None and self._attendance.has_said((topic.station, said.process), said):
                self._heard(topic)  # it was asked whether it is there
                return
            await self._deal_with(topic, envelope, said, fresh=known)
        except Flood as error:
            self.refused[error.code] += 1  # a line of the log for each would be a flood too
        except MessageError as error:
            self._refuse(error.code, inbound.topic, error)
        except RegistryError as error:
            self._refuse("registry", inbound.topic, error)
        except LinkError as error:
            self._refuse("link", inbound.topic, error)
        except Exception:  # noqa: BLE001 - a fault of ours with one message must not deafen us to all stations
            self.refused["internal"] += 1
            _log.exception("a message on %.120r was not dealt with", inbound.topic)

    async def _admit_birth(self, topic: Topic, envelope: Envelope, said: Connection) -> None:
        """In order, like anything else; but a run that has been replaced and comes back is news (`runs_twice`)."""
        try:
            self._guard(topic).admit(envelope)
        except StaleMessage:
            async with self._registry.read() as t:
                before = await t.reports.presence(topic.station, said.process)
            if not PresenceChange(topic.station, said, before).runs_twice:
                raise

    def _heard(self, topic: Topic) -> bool:
        """It has said something just now; whether it had been given up."""
        return self._attendance.heard(_who(topic), self._clock.monotonic(), self._clock.wall())

    async def _deal_with(self, topic: Topic, envelope: Envelope, said: Connection | None, *, fresh: bool) -> None:
        """Hand it on; while the database is away it waits, and so does the broker."""
        change: PresenceChange | None = None
        while True:
            try:
                if said is None:
                    await self._note_heard(topic)
                    await self._hand_on(topic, envelope)
                else:
                    change = change or await self._store_presence(topic.station, said, fresh=fresh)
                    self._note_presence(topic, said, fresh=fresh)
                    await self._tell(change)
                return
            except Unavailable as error:
                await self._wait(error)

    async def _note_heard(self, topic: Topic) -> None:
        """One that does not answer, and says something all the same, is there again."""
        if not self._heard(topic):
            return
        station, process = _who(topic)
        async with self._registry.begin() as t:
            before = await t.reports.heard_again(station, process, self._clock.wall())
        if before is not None:
            said = Connection(process, "online", before.boot, before.bd, before.versions, before.call, answers=True)
            await self._tell(PresenceChange(station, said, before))

    def _note_presence(self, topic: Topic, said: Connection, *, fresh: bool) -> None:
        who = _who(topic)
        if said.state == "offline" or not said.answers:
            self._attendance.forget(who)
            return
        self._attendance.connected(who, said, self._clock.monotonic(), self._clock.wall())
        if fresh:
            self._heard(topic)

    async def _tell(self, change: PresenceChange) -> None:
        for listener in self._presence:
            await listener(change)

    async def _wait(self, error: Unavailable) -> None:
        _log.error("what stations say waits for the database: %s", error)
        await self._clock.sleep(_RETRY_S)
        self._attendance.begin(self._clock.monotonic())

    async def _hand_on(self, topic: Topic, envelope: Envelope) -> None:
        handlers = self._up.get(topic.branch)
        if not handlers:
            raise MalformedMessage("a branch nobody takes here")
        for handler in handlers:
            await handler.handle(topic, envelope)

    async def _store_presence(self, station: str, said: Connection, *, fresh: bool) -> PresenceChange:
        now = self._clock.wall()

        async def store(t: Transaction) -> ProcessPresence | None:
            before = await t.reports.presence(station, said.process)
            judge_presence(before, said, fresh=fresh)
            same = before is not None and (before.state, before.boot, before.bd) == (said.state, said.boot, said.bd)
            await t.reports.set_presence(station, said, before.since if before is not None and same else now)
            return before

        return PresenceChange(station, said, await self._registry.together.make(store))

    def _refuse(self, code: str, topic: str, error: Exception) -> None:
        self.refused[code] += 1
        _log.info("not taken (%s) on %.120r: %s", code, topic, error)

    def _guard(self, topic: Topic) -> OrderGuard:
        key = self._key(topic)
        guard = self._guards.get(key)
        if guard is None:
            guard = self._guards[key] = OrderGuard()
        self._guards.move_to_end(key)
        while len(self._guards) > _MOST_GUARDS:
            self._guards.popitem(last=False)
        return guard

    def _key(self, topic: Topic) -> tuple[str, ...]:
        """Calls of a station are one conversation; else each kind of message is in order by itself."""
        return (topic.station, topic.branch) if topic.branch == "call" else (topic.station, topic.branch, *topic.words)


def _who(topic: Topic) -> Who:
    """Which of the station's processes says this: all but calls and its own coming and going are the agent's."""
    of_call = topic.branch == "call" or (topic.branch, *topic.words) == ("conn", "call")
    return topic.station, "call" if of_call else "agent"


def _check_admission(admission: str | None) -> None:
    if admission is None:
        raise MalformedMessage("a station the registry does not have")
    if admission != "admitted":
        raise ShutOut(f"a station that is {admission}")


def _connection(topic: Topic, envelope: Envelope) -> Connection:
    said = decode(Connection, envelope.data)
    if said.process != topic.words[0] or said.boot != envelope.boot:
        raise MalformedMessage("conn: another process than the topic's, or another run than the envelope's")
    return said


def judge_presence(before: ProcessPresence | None, said: Connection, *, fresh: bool = True) -> None:
    """Whether this is news: StaleMessage for a Will of an earlier connection, and for an earlier connection's birth.

    `fresh`: this process has heard the sender before, so it is not what the broker had kept. Of one that does not
    answer that is no sign of life.
    """
    if said.state == "offline" and (before is None or (said.boot, said.bd) != (before.boot, before.bd)):
        raise StaleMessage("a Will that does not belong to the last birth")
    if said.state == "online" and before is not None and said.boot == before.boot and said.bd < before.bd:
        raise StaleMessage("the birth of an earlier connection")
    known = before is not None and before.state == "unheard" and (said.boot, said.bd) == (before.boot, before.bd)
    if said.state == "online" and known and not fresh:
        raise StaleMessage("what the broker had kept of one that does not answer")
