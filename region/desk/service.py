"""The desk as one thing: the rooms, and those who may change them."""

from __future__ import annotations

import asyncio
import itertools
import logging

from messaging.clock import Clock
from region.desk.boards import Boards, stale_topic
from region.desk.ear import Ear
from region.desk.hands import Hands
from region.desk.room import LinkUp, ShutOut
from region.desk.rooms import Rooms
from region.registry import Registry, RegistryError
from region.web.events import Hub
from region.web.subject import Downlink, PresenceChange
from region.web.turn import Relays

_log = logging.getLogger(__name__)
_TICK_S = 1.0
_REFRESH_TICKS = 10  # boards are drawn anew so often at least, with what stations report of their devices
_BOARD_PAUSE_S = 0.05  # changes that come together are told together


class Desk:
    """The stations speak to its `ear`, the clinicians work with its `hands`."""

    def __init__(self, registry: Registry, downlink: Downlink, clock: Clock, hub: Hub, relays: Relays) -> None:
        self.rooms = Rooms(registry, downlink, clock, hub, relays)
        self.boards = Boards(registry, clock, hub)
        self.ear = Ear(self.rooms)
        self.hands = Hands(self.rooms, self.boards)
        self._registry = registry
        self._downlink = downlink
        self._clock = clock
        self._hub = hub

    async def run(self) -> None:
        """For the pages that are open at this process: see which are, and draw their boards; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pages())
            tasks.create_task(self._draw())

    async def keep_time(self) -> None:
        """For all calls: let time pass, and ask for what was missed while the broker was away; until cancelled."""
        was_up = False
        while True:
            up = self._downlink.is_up
            try:
                if up and not was_up:
                    await self.link_up()
                await self.rooms.tick()
            except RegistryError:
                _log.exception("the registry does not answer; calls keep their time limits")
            was_up = up
            await self._clock.sleep(_TICK_S)

    async def presence(self, change: PresenceChange) -> None:
        """A process of a station came, went or restarted, and the registry knows it."""
        if change.now.process == "call":
            await self.ear.connection(change)
        async with self._registry.read() as t:
            known = await t.stations.find(change.station)
        if known is not None and known.clinic_id is not None:
            self._hub.publish(stale_topic(known.clinic_id), "stale")

    async def shut_out(self, station: str) -> None:
        """The region lets this station in no more: its call ends, and it is told so while it can still hear."""
        async with self.rooms.lock(station):
            held = await self.rooms.of_station(station)
            if held is not None:
                await self.rooms.apply(held.room.call, ShutOut(), "region")

    async def link_up(self) -> None:
        """The region has its broker again."""
        for held in await self.rooms.all():
            async with self.rooms.lock(held.room.station):
                await self.rooms.apply(held.room.call, LinkUp(), "region")

    async def _pages(self) -> None:
        for tick in itertools.count(1):
            try:
                await self.rooms.see_pages()
            except RegistryError:
                _log.exception("the registry does not answer; pages are not looked after")
            if tick % _REFRESH_TICKS == 0:
                self.boards.all_stale()
            await self._clock.sleep(_TICK_S)

    async def _draw(self) -> None:
        while True:
            try:
                await self.boards.draw()
            except RegistryError:
                _log.exception("the registry does not answer; boards are not drawn")
            await self._clock.sleep(_BOARD_PAUSE_S)
