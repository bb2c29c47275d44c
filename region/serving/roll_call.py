"""The roll is called: who has long said nothing is asked, and who does not answer is not shown as connected."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from messaging.clock import Clock
from messaging.link.port import LinkError
from messaging.status import Connection
from messaging.topics import down
from region.registry import Registry, RegistryError, Unavailable
from region.registry.records import ProcessPresence
from region.serving.attendance import Attendance, Missing, Who
from region.web.subject import Downlink, PresenceChange

_log = logging.getLogger(__name__)
LOOK_EVERY_S = 2.0
_MOST_ASKED = 400  # in one look: 20,000 processes are asked in less than the time after which they are
_EXPIRES_S = 30


class Line(Downlink, Protocol):
    """The way to the stations, and from them."""

    @property
    def hears(self) -> bool:
        """Whether the region is connected by what it hears stations with."""


class RollCall:
    """Runs where the wire does. `presence` are those who are told of processes that come and go."""

    def __init__(self, attendance: Attendance, registry: Registry, line: Line, clock: Clock) -> None:
        self.presence: list[Callable[[PresenceChange], Awaitable[None]]] = []
        self._attendance = attendance
        self._registry = registry
        self._line = line
        self._clock = clock

    def hears_again(self) -> None:
        """The broker has the region connected (again)."""
        self._attendance.begin(self._clock.monotonic())

    async def run(self) -> None:
        """Call it for ever."""
        known = False
        try:
            while True:
                try:
                    if not known:
                        await self.learn()
                        known = True
                    await self.look()
                except Unavailable as error:
                    _log.warning("who is there is looked up later: %s", error)
                    self.hears_again()  # what they say waits for the database too
                await self._clock.sleep(LOOK_EVERY_S)
        finally:
            self._attendance.clear()

    async def learn(self) -> None:
        """Who is said to be there by those who were on duty before. Unavailable."""
        async with self._registry.read() as t:
            known = await t.reports.who_answers()
        now = self._clock.monotonic()
        for one, at in known:
            run, there = (one.boot, one.bd), one.state == "online"
            self._attendance.expect((one.station_id, one.process), run, now, at, there=there)

    async def look(self) -> None:
        """Ask whom it is time to ask, and give up who has not answered. Unavailable: the next look does."""
        if not self._line.hears:
            return
        now = self._clock.monotonic()
        for one in list(self._attendance.missing(now)):
            await self._give_up(one)
        await asyncio.gather(*(self._ask(who) for who in self._attendance.to_ask(now, _MOST_ASKED)))

    async def _ask(self, who: Who) -> None:
        station, process = who
        try:
            await self._line.send(down(station, "conn", process), {}, expiry_s=_EXPIRES_S)
        except LinkError as error:
            _log.info("the %s of %s was not asked whether it is there: %s", process, station, error)
        else:
            self._attendance.asked(who, self._clock.monotonic())

    async def _give_up(self, one: Missing) -> None:
        station, process = one.who
        self._attendance.give_up(one)
        try:
            async with self._registry.begin() as t:
                before = await t.reports.not_heard_of(station, process, one.run, one.since)
        except RegistryError:
            self._attendance.heard(one.who, self._clock.monotonic(), one.since)  # not known to anybody yet: anew
            raise
        if before is None:  # it went, or came anew, and was told of meanwhile
            self._attendance.forget_run(one)
        elif self._attendance.is_back(one):
            async with self._registry.begin() as t:
                await t.reports.heard_again(station, process, self._clock.wall())
        else:
            await self._tell(one, before)

    async def _tell(self, one: Missing, before: ProcessPresence) -> None:
        station, process = one.who
        _log.warning("the %s of %s does not answer, and nobody has said that it went", process, station)
        change = PresenceChange(station, Connection(process, "offline", *one.run), before)
        for listener in self.presence:
            try:
                await listener(change)
            except Unavailable:
                raise
            except Exception:  # noqa: BLE001 - a part that fails over one station must not keep all others waiting
                _log.exception("a part of the region could not be told that %s is not heard of", station)
