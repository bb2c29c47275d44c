"""Stations that work by an older config than theirs although a broker has taken it: theirs is published again."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from messaging.clock import Clock
from messaging.codec import decode
from messaging.envelope import Envelope
from messaging.status import Birth
from messaging.topics import Topic
from messaging.twin import Reported
from region.registry import Registry, Unavailable
from region.stations.sending import LOOK_EVERY_S

_log = logging.getLogger(__name__)
BROUGHT_WITHIN_S = 5.0  # what a broker kept for a station is there with its connection, and told of at once


@dataclass(frozen=True)
class _Born:
    """A station that has said by which version it works. `judged_at` is monotonic."""

    version: int
    judged_at: float


class Lacking:
    """Takes `up/birth` and `up/reported`: what a station still lacks some seconds after its birth, it is sent.

    A broker that loses what it retained tells nobody, and of several not every one retains what one of them was given:
    RabbitMQ's nodes each keep their own. Once for each birth, so that a station which can make nothing of it has peace.
    """

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._born: dict[str, _Born] = {}  # lost with the process: whoever is on duty next publishes everything anew

    async def handle(self, topic: Topic, envelope: Envelope) -> None:
        """Note what the station works by, or has heard of since its birth."""
        if topic.branch == "birth":
            birth = decode(Birth, envelope.data)
            self._born[topic.station] = _Born(birth.config_version, self._clock.monotonic() + BROUGHT_WITHIN_S)
        elif (born := self._born.get(topic.station)) is not None:
            self._born[topic.station] = _Born(_heard(decode(Reported, envelope.data)), born.judged_at)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except Unavailable as error:
                _log.warning("who lacks a config is looked up later: %s", error)
            await self._clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Have published again what stations lack whose time is up. Unavailable: the next look does."""
        now = self._clock.monotonic()
        due = {station: born.version for station, born in self._born.items() if born.judged_at <= now}
        if not due:
            return
        async with self._registry.begin() as t:
            lacking = await t.stations.publish_again(due)
        for station in due:
            del self._born[station]
        for station in lacking:
            _log.info("%s was not brought its config by the broker: it is published again", station)


def _heard(reported: Reported) -> int:
    """The newest version that the station has, whatever it makes of it."""
    proving = reported.proving
    return max(reported.version, proving.waiting, proving.taken_back.version if proving.taken_back is not None else 0)
