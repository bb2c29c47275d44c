"""The desk as one thing: the rooms, and those who may change them."""

from __future__ import annotations

import asyncio
import itertools
import logging

from messaging.clock import Clock
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
        self.ear = Ear(self.rooms)
        self.hands = Hands(self.rooms)
        self._downlink = downlink
        self._clock = clock

    async def restore(self) -> None:
        """Take up the calls that were running when the region stopped."""
        async with self.rooms.registry.read() as t:
            running = await t.calls.open()
        for call in running:
            self.rooms.restore(call)
        if running:
            _log.info("%d calls go on after the restart", len(running))
        self.rooms.ready.set()

    async def run(self) -> None:
        """Take up what was running, then keep time and boards until cancelled."""
        await self.restore()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ticks())
            tasks.create_task(self._boards())

    async def presence(self, change: PresenceChange) -> None:
        """A process of a station came, went or restarted, and the registry knows it."""
        if change.now.process == "call":
            await self.ear.connection(change)
        async with self.rooms.registry.read() as t:
            known = await t.stations.find(change.station)
        if known is not None and known.clinic_id is not None:
            self.rooms.stale_board(known.clinic_id)

    async def shut_out(self, station: str) -> None:
        """The region lets this station in no more: its call ends, and it is told so while it can still hear."""
        await self.rooms.ready.wait()
        held = self.rooms.of_station(station)
        if held is not None:
            async with self.rooms.lock(station):
                await self.rooms.apply(held, ShutOut(), "region")

    async def link_up(self) -> None:
        """The region has its broker again."""
        for held in self.rooms.all():
            async with self.rooms.lock(held.room.station):
                await self.rooms.apply(held, LinkUp(), "region")

    async def _ticks(self) -> None:
        was_up = False
        for tick in itertools.count(1):
            up = self._downlink.is_up
            try:
                if up and not was_up:
                    await self.link_up()
                await self.rooms.tick()
            except RegistryError:
                _log.exception("the registry does not answer; calls keep their time limits")
            was_up = up
            if tick % _REFRESH_TICKS == 0:
                self.rooms.stale_boards()
            await self._clock.sleep(_TICK_S)

    async def _boards(self) -> None:
        while True:
            try:
                await self.rooms.draw_boards()
            except RegistryError:
                _log.exception("the registry does not answer; boards are not drawn")
            await self._clock.sleep(_BOARD_PAUSE_S)
