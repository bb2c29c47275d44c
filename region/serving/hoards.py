"""What stations have the broker keep where nothing is to stay: who goes on is shut out, and it is all taken away.

Under the id of a call or a command a station can retain without end (`messaging.topics.acl_patterns`), and mosquitto
measures no single client. No program of ours does it: whoever goes on has a station's key and is no station of ours.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from messaging.clock import Clock
from messaging.link.port import Inbound, Link, LinkDown, LinkError, Up
from messaging.topics import down, is_retained, station_subscriptions
from region.broker import MOST_AT_ONCE
from region.floods import Counts, speaker
from region.registry import RegistryError
from region.registry.table import chunks

_log = logging.getLogger(__name__)
MOST = 100  # messages retained in vain within `WITHIN_S`
SHUT_OUT_WITHIN_S = 5.0
_MOST_TOGETHER = 100  # stations in one visit


def in_vain(message: Inbound) -> bool:
    """Whether it was sent to stay at the broker, where nothing is to stay. An empty one takes away what was there."""
    return message.retained and not is_retained(message.topic)


class Hoards:
    """Counts what is retained in vain. `sweep` and `shut_out` are told the station; RegistryError: told again."""

    def __init__(
        self, clock: Clock, sweep: Callable[[str], Awaitable[None]], shut_out: Callable[[str], Awaitable[None]],
        most: int = MOST,
    ) -> None:  # fmt: skip
        self._clock = clock
        self._sweep = sweep
        self._shut_out = shut_out
        self._most = most
        self._counts = Counts()

    async def look(self, said: Iterable[Inbound], admissions: Mapping[str, str]) -> None:
        """Look at what has come. `admissions`: how the stations stand that have said it."""
        for station, more in Counter(speaker(one.topic) for one in said if one.payload and in_vain(one)).items():
            count = self._counts.add(station, self._clock.monotonic(), more)
            try:
                if count > self._most and admissions.get(station) == "admitted":
                    await self._shut_out(station)
            except RegistryError as error:
                _log.error("%s fills the broker, and is not shut out yet: %s", station, error)
            await self._sweep(station)


class Sweeper:
    """Takes away at the broker what is there in vain, by short visits of its own.

    Not on the way by which the region hears: behind a flood the broker's answers would be waited for long.
    """

    def __init__(self, visit: Callable[[tuple[str, ...]], Link], clock: Clock) -> None:
        self._visit = visit
        self._clock = clock
        self._waiting: dict[str, None] = {}
        self._wanted = asyncio.Event()

    async def add(self, station: str) -> None:
        """Look at what the broker keeps of this station, in a while: whoever is being shut out is out by then."""
        self._waiting[station] = None
        self._wanted.set()

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            await self._wanted.wait()
            await self._clock.sleep(SHUT_OUT_WITHIN_S)
            self._wanted.clear()
            waiting, self._waiting = list(self._waiting), {}
            for some in chunks(waiting, _MOST_TOGETHER):
                try:
                    gone = await self.sweep(some)
                except LinkError as error:
                    _log.error("what %s retained in vain stays at the broker: %s", ", ".join(some), error)
                else:
                    for station, count in gone.items():
                        _log.warning("%s had retained %d in vain: taken away", station, count)

    async def sweep(self, stations: Sequence[str]) -> Counter[str]:
        """Take away theirs until there is no more; how much that was, by the station. LinkError: we may not."""
        marker = down(f"sweep-{secrets.token_hex(8)}", "rebirth")  # no station's: it comes after what was retained
        theirs = [one for station in stations for one in station_subscriptions(station)]
        link = self._visit((*theirs, marker))
        link.hurry(True)
        await link.start()
        gone: Counter[str] = Counter()
        found = False
        try:
            while True:
                events = await link.burst(MOST_AT_ONCE)
                said = [event for event in events if isinstance(event, Inbound)]
                left = {one.topic for one in said if one.payload and in_vain(one)}
                await asyncio.gather(*(_quietly(link, topic, b"", retain=True) for topic in left))
                for message in said:
                    link.ack(message)
                gone.update(map(speaker, left))
                found = found or bool(left)
                if any(isinstance(event, Up) for event in events):
                    await _quietly(link, marker, b"so far")
                if any(one.topic == marker for one in said):
                    if not found:
                        return gone
                    found = False
                    link.renew()  # the broker tells anew what it retains
        finally:
            await link.stop()


async def _quietly(link: Link, topic: str, payload: bytes, *, retain: bool = False) -> None:
    """Publish; where the connection breaks the next one begins all anew."""
    try:
        await link.publish(topic, payload, retain=retain)
    except LinkDown as error:
        _log.debug("the visit begins anew: %s", error)
