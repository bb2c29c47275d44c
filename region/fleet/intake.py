"""What the stations tell of themselves, into the registry: the last birth, health report, config report and events."""

from __future__ import annotations

from messaging.clock import Clock
from messaging.codec import decode, encode
from messaging.envelope import Envelope
from messaging.errors import MalformedMessage
from messaging.health import Event, Health
from messaging.status import Birth
from messaging.topics import Topic
from messaging.twin import Reported
from region.registry import Registry
from region.web.subject import PresenceChange

_KINDS: dict[str, type] = {"birth": Birth, "reported": Reported, "m/health": Health}


class Intake:
    """Takes `up/birth`, `up/reported`, `up/m/health` and `up/e/<type>`; anything else is refused."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self.changed = True
        self._registry = registry
        self._clock = clock

    async def handle(self, topic: Topic, envelope: Envelope) -> None:
        """Store one message: only the fields its type allows (no name, picture or sound can ride along)."""
        branch = "/".join((topic.branch, *topic.words))
        kind = Event if topic.branch == "e" else _KINDS.get(branch)
        if kind is None:
            raise MalformedMessage("a measurement this region does not know")
        data = encode(decode(kind, envelope.data))
        async with self._registry.begin() as t:
            if topic.branch == "e":
                await t.audit.add(
                    topic.station, "event", topic.words[0], self._at(envelope), station_id=topic.station, **data
                )
            else:
                await t.reports.set_report(topic.station, branch, data, envelope.boot, envelope.seq, self._at(envelope))
        self.changed = True

    async def presence(self, _change: PresenceChange) -> None:
        """A process came or went."""
        self.changed = True

    def _at(self, envelope: Envelope) -> float:
        """When it was said: by the station's clock if that can be trusted (the outbox may bring it late), else now."""
        now = self._clock.wall()
        return min(now, envelope.wall) if envelope.clock == "ntp" else now
