"""What the stations tell of themselves, into the registry: the last birth, health report, config report and events."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from messaging.clock import Clock
from messaging.codec import decode, encode
from messaging.envelope import Envelope
from messaging.errors import MalformedMessage
from messaging.health import Event
from messaging.quality import CallQuality
from messaging.topics import Topic
from provisioning.authority.limiter import GuessLimiter
from region.fleet.summary import KINDS, summary, summary_of
from region.registry import NotFound, Registry, Transaction
from region.registry.actions import LEFT_OUT
from region.registry.reports import grouped
from region.registry.table import chunks
from region.web.subject import PresenceChange

_log = logging.getLogger(__name__)
_CATCH_UP = 200  # stations in one transaction, so that nobody waits long
MOST_EVENTS = 60  # of one station in an hour; more would bury the log
EVENTS_WITHIN_S = 3600.0


@dataclass
class _LeftOut:
    """Events of one station that were too many. `since` is monotonic."""

    since: float
    count: int = 0


class Intake:
    """Takes `up/birth`, `up/reported`, `up/m/health`, `up/m/call` and `up/e/<type>`; anything else is refused.

    `changed` holds the stations of which something is new, until whoever tells the pages empties it.
    """

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self.changed: set[str] = set()
        self._registry = registry
        self._clock = clock
        self._events = GuessLimiter(MOST_EVENTS, EVENTS_WITHIN_S)
        self._left_out: dict[str, _LeftOut] = {}

    async def handle(self, topic: Topic, envelope: Envelope) -> None:
        """Store one message: only the fields its type allows (no name, picture or sound can ride along)."""
        if topic.branch == "e":
            await self._event(topic.station, topic.words[0], decode(Event, envelope.data), self._at(envelope))
        elif (topic.branch, *topic.words) == ("m", "call"):
            await self._call(topic.station, decode(CallQuality, envelope.data))
        else:
            await self._report(topic, envelope)
        self.changed.add(topic.station)

    async def presence(self, change: PresenceChange) -> None:
        """A process came or went."""
        self.changed.add(change.station)

    async def catch_up(self) -> None:
        """Stations that reported to an older version of the region can be found like any other."""
        async with self._registry.read() as t:
            unkept = await t.finding.unkept()
        for some in chunks(unkept, _CATCH_UP):
            async with self._registry.begin() as t:
                reports = grouped(await t.reports.reports_of(some))
                await t.finding.keep_first({station: summary_of(told) for station, told in reports.items()})

    async def tell_left_out(self, *, all_of_them: bool = False) -> None:
        """One row for each station whose events were too many in the hour that has passed (or is still passing)."""
        now = self._clock.monotonic()
        over = [s for s, left in self._left_out.items() if all_of_them or now - left.since >= EVENTS_WITHIN_S]
        for station in over:
            left = self._left_out[station]
            told = left.count
            async with self._registry.begin() as t:
                await t.audit.add_event(station, LEFT_OUT, self._clock.wall(), count=told)
            left.since, left.count = now, left.count - told  # more may have come while this was written
            if left.count == 0:
                del self._left_out[station]

    async def _event(self, station: str, kind: str, event: Event, at: float) -> None:
        now = self._clock.monotonic()
        if self._events.take(station, now) > 0:
            if station not in self._left_out:
                _log.warning("%s tells of more than %d events an hour; more are only counted", station, MOST_EVENTS)
            self._left_out.setdefault(station, _LeftOut(now)).count += 1
            return
        await self._registry.together.make(lambda t: t.audit.add_event(station, kind, at, event.detail, event.count))

    async def _call(self, station: str, told: CallQuality) -> None:
        try:
            async with self._registry.begin() as t:
                await t.qualities.put(station, told)  # told twice: the outbox delivers at least once
        except NotFound as error:
            raise MalformedMessage("figures of a call that station did not have") from error

    async def _report(self, topic: Topic, envelope: Envelope) -> None:
        branch = "/".join((topic.branch, *topic.words))
        kind = KINDS.get(branch)
        if kind is None:
            raise MalformedMessage("a measurement this region does not know")
        at = self._at(envelope)
        message: object = decode(kind, envelope.data)
        data, told = encode(message), summary(message, at)

        async def keep(t: Transaction) -> None:
            await t.reports.set_report(topic.station, branch, data, envelope.boot, envelope.seq, at)
            await t.finding.keep(topic.station, told)

        await self._registry.together.make(keep)

    def _at(self, envelope: Envelope) -> float:
        """When it was said: by the station's clock if that can be trusted (the outbox may bring it late), else now."""
        now = self._clock.wall()
        return min(now, envelope.wall) if envelope.clock == "ntp" else now
