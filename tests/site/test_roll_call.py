"""A station that the broker lost together with its Will: it is asked, and then shown as what it is, not heard of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter

from messaging.envelope import Sealer
from messaging.link.port import Inbound
from messaging.status import Connection, Process
from messaging.topics import Topic, region_subscriptions, up
from region.fleet.whole import one_of_the_fleet
from region.registry import Registry, Unavailable
from region.registry.records import ProcessPresence
from region.serving.attendance import ANSWER_WITHIN_S, ASK_AFTER_S, QUESTIONS, Attendance
from region.serving.roll_call import LOOK_EVERY_S, RollCall
from region.serving.wire import Wire
from region.web.subject import PresenceChange, Subject
from tests.kits.clock import ManualClock
from tests.kits.eventually import eventually
from tests.kits.servers.databases import ready_sqlite
from tests.kits.servers.memory_broker import MemoryBroker

GIVEN_UP_S = ASK_AFTER_S + QUESTIONS * (ANSWER_WITHIN_S + LOOK_EVERY_S) + LOOK_EVERY_S
REGION = "region"


@dataclass
class Told:
    """A subject that takes health and hears of presence."""

    changes: list[PresenceChange] = field(default_factory=list)
    fail: list[Exception] = field(default_factory=list)

    async def handle(self, topic: Topic, envelope: object) -> None:
        if self.fail:
            raise self.fail.pop(0)

    async def presence(self, change: PresenceChange) -> None:
        self.changes.append(change)


class Program:
    """One process of a station at the broker; it answers while it lives."""

    def __init__(self, broker: MemoryBroker, clock: ManualClock, station: str, process: Process) -> None:
        self.sealer = Sealer(clock.monotonic, clock.wall)
        self.station, self.process, self.lives, self.answers, self.bd = station, process, True, True, 1
        self.asked = 0
        self._broker = broker
        self.link = broker.link(f"{station}-{process}", (f"vs/1/d/{station}/dn/conn/{process}",))

    def connect(self) -> None:
        said = Connection(self.process, "online", self.sealer.boot, self.bd, {"laegeknap": "1"}, answers=self.answers)
        self.says("conn", self.process, message=said, retain=True)

    def says(self, *branch: str, message: Any, retain: bool = False) -> None:
        self._broker.publish("", up(self.station, *branch), self.sealer.seal(message), retain=retain)

    async def run(self) -> None:
        await self.link.start()
        async for event in self.link.events():
            if isinstance(event, Inbound):
                self.asked += 1
                self.link.ack(event)
                if self.lives:
                    self.connect()


class World:
    """A broker, a station's two processes, and a region that can be ended and begun again."""

    def __init__(self, registry: Registry) -> None:
        self.registry, self.clock, self.broker = registry, ManualClock(), MemoryBroker()
        self.told = Told()
        self.tasks: list[asyncio.Task[None]] = []
        self.region: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        attendance = Attendance()
        self.link = self.broker.link(REGION, region_subscriptions())
        wire = Wire(self.link, self.registry, self.clock, attendance=attendance)
        roll_call = RollCall(attendance, self.registry, wire, self.clock)
        wire.when_up(roll_call.hears_again)
        told = {"up": {"m": self.told}, "presence": self.told.presence}
        wire.add(Subject("told", Path(__file__).parent, APIRouter(), {"en": {}, "da": {}}, **told))
        roll_call.presence.append(self.told.presence)
        self.region = [asyncio.create_task(wire.run()), asyncio.create_task(roll_call.run())]
        await self.clock.advance(0)
        await self.passes(0)

    async def end(self) -> None:
        for task in self.region:
            task.cancel()
        await asyncio.gather(*self.region, return_exceptions=True)

    async def passes(self, seconds: float) -> None:
        """So much time, while the region takes what comes."""
        until = self.clock.monotonic() + seconds
        await self.heard()
        while self.clock.monotonic() < until:
            await self.clock.advance(min(LOOK_EVERY_S, until - self.clock.monotonic()))
            await self.heard()

    async def heard(self) -> None:
        """What has been said is in the database, unless that is away; and the roll call sleeps until its next look."""
        session = self.link._session
        if not self.told.fail:
            await eventually(lambda: not session.up or not session.unacknowledged, every_s=0.0)
        await eventually(lambda: self.clock._sleepers, every_s=0.0)
        await self.clock.advance(0)

    async def become(self, agent: str, call: str) -> None:
        """Both processes, in the database."""

        async def are_so() -> bool:
            return await self.states() == (agent, call)

        await eventually(are_so)

    async def state(self, process: Process) -> ProcessPresence:
        async with self.registry.read() as t:
            known = await t.reports.presence(self.station, process)
        assert known is not None
        return known

    async def states(self) -> tuple[str, str]:
        return (await self.state("agent")).state, (await self.state("call")).state


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    registry = Registry(ready_sqlite(tmp_path))
    world = World(registry)
    async with registry.begin() as t:
        site = await t.sites.add("Solgården", world.clock.wall())
        clinic = await t.clinics.add("Bakkens Klinik", "", world.clock.wall())
        world.station = (await t.stations.add("Stue 4", site.id, clinic.id, world.clock.wall())).id
    world.agent = Program(world.broker, world.clock, world.station, "agent")
    world.call = Program(world.broker, world.clock, world.station, "call")
    world.tasks = [asyncio.create_task(one.run()) for one in (world.agent, world.call)]
    await world.begin()
    for one in (world.agent, world.call):
        one.connect()
    await world.passes(0)
    yield world
    for task in world.tasks:
        task.cancel()
    await asyncio.gather(*world.tasks, return_exceptions=True)
    await world.end()
    await registry.close()


async def dies(world: World) -> float:
    """Both processes, without a word of the broker's; when."""
    world.agent.lives = world.call.lives = False
    return world.clock.wall()


async def test_a_station_that_died_unnoticed_is_not_ready_and_since_when_is_told(world: World) -> None:
    await world.passes(60)
    world.agent.says("m", "health", message={})
    await world.passes(0)
    heard = await dies(world)
    assert (await one_of_the_fleet(world.registry, world.station, world.clock.wall())).standing.ready
    await world.passes(GIVEN_UP_S)
    await world.become("unheard", "unheard")
    assert (await world.state("agent")).since == pytest.approx(heard)
    stands = (await one_of_the_fleet(world.registry, world.station, world.clock.wall())).standing
    assert (stands.ready, stands.unheard, stands.remarks[0].code) == (False, ("agent", "call"), "unheard")
    assert stands.remarks[0].value in ("3", "4")
    assert sorted(change.now.process for change in world.told.changes[2:]) == ["agent", "call"]
    assert {change.now.state for change in world.told.changes[2:]} == {"offline"}, "as its Will would have told"


async def test_a_quiet_station_that_lives_is_asked_and_stays_connected_and_nobody_is_told_of_it(world: World) -> None:
    before = await world.state("call")
    await world.passes(1800)
    assert await world.states() == ("online", "online")
    assert 10 <= world.call.asked <= 15
    assert await world.state("call") == before
    assert len(world.told.changes) == 2, "an answer is no news"


async def test_a_process_that_is_too_old_to_answer_is_not_judged(world: World) -> None:
    world.call.answers, world.call.bd = False, 2
    world.call.connect()
    await world.passes(2 * GIVEN_UP_S)
    assert await world.states() == ("online", "online")
    assert world.call.asked == 0


async def test_what_the_broker_kept_does_not_bring_it_back_and_its_return_does(world: World) -> None:
    await dies(world)
    await world.passes(GIVEN_UP_S)
    await world.end()
    await world.begin()
    await world.passes(10)
    await world.become("unheard", "unheard")  # the status that the broker retained is the old one
    world.broker.cut(REGION)
    world.broker.restore(REGION)
    await world.passes(10)
    await world.become("unheard", "unheard")
    world.call.lives, world.call.bd = True, 2
    world.call.connect()
    await world.passes(0)
    await world.become("unheard", "online")


async def test_one_that_says_something_after_all_is_there_again_without_a_new_connection(world: World) -> None:
    await dies(world)
    await world.passes(GIVEN_UP_S)
    world.agent.says("m", "health", message={})
    await world.passes(0)
    await world.become("online", "unheard")
    assert (world.told.changes[-1].now.process, world.told.changes[-1].now.state) == ("agent", "online")
    world.call.lives = True  # it is asked now and then
    await world.passes(ASK_AFTER_S + LOOK_EVERY_S)
    await world.become("online", "online")


async def test_a_will_that_comes_after_all_counts(world: World) -> None:
    await dies(world)
    await world.passes(GIVEN_UP_S)
    gone = Connection("call", "offline", world.call.sealer.boot, world.call.bd)
    world.call.says("conn", "call", message=gone, retain=True)
    await world.passes(0)
    await world.become("unheard", "offline")


async def test_while_the_region_is_away_from_its_broker_nobody_is_given_up(world: World) -> None:
    world.broker.cut(REGION)
    await world.passes(3 * GIVEN_UP_S)
    assert await world.states() == ("online", "online")
    world.broker.restore(REGION)
    await world.passes(GIVEN_UP_S)
    assert await world.states() == ("online", "online")


async def test_a_region_that_begins_anew_knows_whom_it_has_not_heard_yet(world: World) -> None:
    await world.end()
    await dies(world)
    world.broker.retained.clear()  # and the broker has lost what it kept
    await world.begin()
    await world.passes(ASK_AFTER_S)
    assert await world.states() == ("online", "online"), "they have had no time to answer yet"
    await world.passes(GIVEN_UP_S)
    await world.become("unheard", "unheard")


async def test_a_clock_that_steps_gives_nobody_up(world: World) -> None:
    for step in (86_400.0, -2 * 86_400.0):
        world.clock.set_wall(world.clock.wall() + step)
        await world.passes(LOOK_EVERY_S)
        assert await world.states() == ("online", "online")
    await dies(world)
    await world.passes(GIVEN_UP_S)
    await world.become("unheard", "unheard")


async def test_what_waits_for_the_database_is_no_silence(world: World) -> None:
    await world.passes(ASK_AFTER_S - LOOK_EVERY_S)
    world.told.fail = [Unavailable("away")] * 400
    world.agent.says("m", "health", message={})
    await world.passes(350)
    assert await world.states() == ("online", "online")


async def test_both_databases_keep_who_is_not_heard_of_and_only_that_connection(registry: Registry) -> None:
    async with registry.begin() as t:
        site = await t.sites.add("Solgården", 1.0)
        station = (await t.stations.add("Stue 4", site.id, None, 1.0)).id
        await t.reports.set_presence(station, Connection("call", "online", "b1", 2, answers=True), 3.0)
        await t.reports.set_presence(station, Connection("agent", "online", "b1", 2), 3.0)
        await t.reports.set_report(station, "m/health", {}, "b1", 1, 7.0)
        ((known, last),) = await t.reports.who_answers()
        assert (known.process, known.answers, last) == ("call", True, 7.0)
        assert await t.reports.not_heard_of(station, "call", ("b1", 1), 5.0) is None
        assert await t.reports.heard_again(station, "call", 5.0) is None
        assert await t.reports.not_heard_of(station, "call", ("b1", 2), 5.0) == known
        assert await t.reports.not_heard_of(station, "call", ("b1", 2), 6.0) is None, "it is known"
    async with registry.begin() as t:
        ((known, _),) = await t.reports.who_answers()
        assert (known.state, known.since) == ("unheard", 5.0)
        assert await t.reports.heard_again(station, "call", 9.0) == known
        ((known, _),) = await t.reports.who_answers()
    assert (known.state, known.since) == ("online", 9.0)
