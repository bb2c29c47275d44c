"""A config that the broker took and did not bring: published again to whom it lacks, once for each birth."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from messaging.codec import encode
from messaging.envelope import Envelope
from messaging.status import Birth
from messaging.topics import Topic, down
from messaging.twin import Config, Proving, Reported, TakenBack
from region.registry import Registry, Unavailable
from region.stations.lacking import BROUGHT_WITHIN_S, Lacking
from region.stations.publishing import Publisher
from region.stations.sending import LOOK_EVERY_S
from tests.kits.clock import ManualClock
from tests.kits.eventually import eventually
from tests.kits.region.app import FakeDownlink, Kit, every_subject
from tests.kits.trust.signing import SigningKit, said

NOW = 1_800_000_000.0
NEWEST = 2  # the version of the stations' config, which the broker has taken


@dataclass
class World:
    registry: Registry
    clock: ManualClock = field(default_factory=ManualClock)
    downlink: FakeDownlink = field(default_factory=FakeDownlink)
    stations: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 100)))

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.registry, self.downlink, SigningKit(self.clock), self.clock)
        self.lacking = Lacking(self.registry, self.clock)

    async def furnish(self) -> None:
        async with self.registry.begin() as t:
            site = await t.sites.add("Solgården", NOW)
            self.stations = [(await t.stations.add(f"Stue {number}", site.id, None, NOW)).id for number in (1, 2)]
            await t.layers.put("region", "", {"volume": 10}, "ivan", NOW)
        await self.publisher.look()
        self.downlink.sent.clear()

    async def born(self, station: str, version: int) -> None:
        birth = Envelope(1, "id", "b", next(self._numbers), 1.0, 1.0, "ntp", encode(Birth("sim", {}, version)))
        await self.lacking.handle(Topic(station, "up", "birth"), birth)

    async def reports(self, station: str, version: int, proving: Proving | None = None) -> None:
        told = encode(Reported(version, Config(), {}, proving or Proving()))
        envelope = Envelope(1, "id", "b", next(self._numbers), 1.0, 1.0, "ntp", told)
        await self.lacking.handle(Topic(station, "up", "reported"), envelope)

    async def published(self, after_s: float = BROUGHT_WITHIN_S) -> list[tuple[str, int]]:
        """What is published when so many seconds have passed: to whom, and which version."""
        await self.clock.advance(after_s)
        await self.lacking.look()
        self.downlink.sent.clear()
        await self.publisher.look()
        assert all(sent.retain for sent in self.downlink.sent)
        return [(sent.topic, said(sent.message).version) for sent in self.downlink.sent]


@pytest.fixture
async def world(registry: Registry) -> World:
    world = World(registry)
    await world.furnish()
    return world


async def test_a_station_that_the_broker_brought_nothing_gets_its_config_again_and_nobody_else_does(
    world: World,
) -> None:
    first, second = world.stations
    await world.born(first, 0)
    await world.born(second, NEWEST)
    assert await world.published() == [(down(first, "desired"), NEWEST)]


async def test_a_broker_has_some_seconds_to_bring_what_it_kept(world: World) -> None:
    first, second = world.stations
    await world.born(first, 1)
    await world.born(second, 1)
    assert await world.published(BROUGHT_WITHIN_S - 0.5) == []
    await world.reports(first, NEWEST)
    await world.reports(second, 1)
    assert await world.published(0.5) == [(down(second, "desired"), NEWEST)]


@pytest.mark.parametrize("proving", [Proving(waiting=NEWEST), Proving(taken_back=TakenBack(NEWEST, "link lost"))])
async def test_a_station_that_has_it_and_does_not_work_by_it_lacks_nothing(world: World, proving: Proving) -> None:
    await world.born(world.stations[0], 1)
    await world.reports(world.stations[0], 1, proving)
    assert await world.published() == []


async def test_it_is_sent_once_for_each_birth(world: World) -> None:
    station = world.stations[0]
    for _ in range(2):
        await world.born(station, 0)
        assert await world.published() == [(down(station, "desired"), NEWEST)]
        await world.reports(station, 0)  # it can make nothing of it
        assert await world.published() == []


async def test_what_is_on_its_way_for_the_first_time_is_not_sent_twice(world: World) -> None:
    station = world.stations[0]
    await world.born(station, NEWEST)
    async with world.registry.begin() as t:
        await t.layers.put("station", station, {"volume": 20}, "ivan", NOW)
    assert await world.published() == [(down(station, "desired"), NEWEST + 1)]


async def test_who_is_due_while_the_database_is_away_is_looked_up_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = world.stations[0]
    await world.born(station, 0)
    with monkeypatch.context() as away:
        away.setattr(world.registry, "begin", _away)
        with pytest.raises(Unavailable):
            await world.published()
    assert await world.published(0.0) == [(down(station, "desired"), NEWEST)]


async def test_the_region_put_together_sends_again_what_a_station_lacks(kit: Kit, tmp_path: Path) -> None:
    _, _, station = await kit.places()
    subject = next(made for made in (make(kit.region) for make in every_subject(tmp_path)) if made.name == "stations")
    assert subject.duty is not None

    async def published(times: int) -> bool:
        await kit.clock.advance(LOOK_EVERY_S)
        return [said(sent.message).version for sent in kit.downlink.sent if sent.retain] == [1] * times

    duty = asyncio.create_task(subject.duty())
    try:
        await eventually(lambda: published(1))
        birth = Envelope(1, "id", "b", 1, 1.0, 1.0, "ntp", encode(Birth("sim", {}, 0)))
        await subject.up["birth"].handle(Topic(station.id, "up", "birth"), birth)
        await eventually(lambda: published(2))
    finally:
        duty.cancel()
        await asyncio.gather(duty, return_exceptions=True)


def _away() -> None:
    raise Unavailable("cut by the test")
