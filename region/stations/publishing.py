"""Desired config on its way to the stations: retained, versioned, and published until the broker has taken it.

One process publishes at a time (a lease in the database): two could let the broker retain the older of two versions.
"""

from __future__ import annotations

import asyncio
import logging
import secrets

from messaging.clock import Clock
from messaging.link.port import LinkError
from messaging.topics import down
from region.registry import Registry, Unavailable
from region.registry.records import Station
from region.web.subject import Downlink

_log = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0
LEASE_S = 30.0
_BATCH = 500  # stations whose documents are made, published and marked together
_AT_ONCE = 50  # publications under way to the broker


class Publisher:
    """Looks in the registry, so that a change by the command line travels like one made on a page."""

    def __init__(self, registry: Registry, downlink: Downlink, clock: Clock) -> None:
        self._registry = registry
        self._downlink = downlink
        self._clock = clock
        self._broker_is_new = True
        self._name = secrets.token_hex(8)

    def broker_came_up(self) -> None:
        """The broker may have lost what it retained: publish everything again."""
        self._broker_is_new = True

    async def run(self) -> None:
        """Publish what has not been, for ever."""
        try:
            while True:
                if self._downlink.is_up:
                    try:
                        await self.publish_all()
                    except (LinkError, Unavailable) as error:
                        _log.warning("config waits to be published: %s", error)
                await self._clock.sleep(LOOK_EVERY_S)
        finally:
            await self._give_back()

    async def publish_all(self) -> int:
        """Publish what the broker has not taken yet; how many. LinkError or Unavailable when it must wait.

        None while another process publishes.
        """
        published = 0
        while await self._waits() and await self._mine():
            async with self._registry.read() as t:
                waiting = await t.stations.unpublished(_BATCH)
                documents = await t.layers.desired(waiting)
            if not waiting:
                break
            published += await self._publish(waiting, documents)
        return published

    async def _waits(self) -> bool:
        """Whether there is anything to do: a look each second must cost no write."""
        if self._broker_is_new:
            return True
        async with self._registry.read() as t:
            return bool(await t.stations.unpublished(1))

    async def _mine(self) -> bool:
        """Whether this process is the one that publishes, for as long as a batch may take."""
        async with self._registry.begin() as t:
            mine = await t.leases.take("publisher", self._name, self._clock.wall(), LEASE_S)
            if mine and self._broker_is_new:
                await t.stations.forget_published()
        if mine:
            self._broker_is_new = False
        return mine

    async def _publish(self, waiting: list[Station], documents: dict[str, dict[str, object]]) -> int:
        """Publish them side by side, and mark those that the broker took; the first error once all have ended."""
        room = asyncio.Semaphore(_AT_ONCE)
        begun = self._clock.monotonic()

        async def one(station: Station) -> Station:
            async with room:
                if self._clock.monotonic() - begun > LEASE_S / 2:
                    raise LinkError("the broker is slow: the rest waits for the next look")
                message = {"version": station.desired_version, "config": documents[station.id]}
                await self._downlink.send(down(station.id, "desired"), message, retain=True)
            return station

        outcomes = await asyncio.gather(*(one(station) for station in waiting), return_exceptions=True)
        taken = {one.id: one.desired_version for one in outcomes if isinstance(one, Station)}
        if taken:
            async with self._registry.begin() as t:
                await t.stations.published(taken)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(taken)

    async def _give_back(self) -> None:
        try:
            async with self._registry.begin() as t:
                await t.leases.give_back("publisher", self._name)
        except Unavailable as error:
            _log.warning("who publishes is known to the others in %d s: %s", LEASE_S, error)
