"""Desired config on its way to the stations: retained, versioned, and published until the broker has taken it."""

from __future__ import annotations

import logging

from messaging.clock import Clock
from messaging.link.port import LinkError
from messaging.topics import down
from messaging.twin import Desired
from region.registry import Registry, Unavailable
from region.web.subject import Downlink

_log = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0


class Publisher:
    """Looks in the registry, so that a change by the command line travels like one made on a page."""

    def __init__(self, registry: Registry, downlink: Downlink, clock: Clock) -> None:
        self._registry = registry
        self._downlink = downlink
        self._clock = clock
        self._broker_is_new = True

    def broker_came_up(self) -> None:
        """The broker may have lost what it retained: publish everything again."""
        self._broker_is_new = True

    async def run(self) -> None:
        """Publish what has not been, for ever."""
        while True:
            if self._downlink.is_up:
                try:
                    await self.publish_all()
                except (LinkError, Unavailable) as error:
                    _log.warning("config waits to be published: %s", error)
            await self._clock.sleep(LOOK_EVERY_S)

    async def publish_all(self) -> int:
        """Publish what the broker has not taken yet; how many. LinkError or Unavailable when it must wait."""
        if self._broker_is_new:
            self._broker_is_new = False
            async with self._registry.begin() as t:
                await t.stations.forget_published()
        async with self._registry.read() as t:
            waiting = await t.stations.unpublished()
        for station in waiting:
            message = Desired(station.desired_version, station.config)
            await self._downlink.send(down(station.id, "desired"), message, retain=True)
            async with self._registry.begin() as t:
                await t.stations.published(station.id, station.desired_version)
        return len(waiting)
