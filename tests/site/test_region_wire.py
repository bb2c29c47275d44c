"""What comes from the stations: in order, stored before it is acknowledged, and refused without harm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import APIRouter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.envelope import Envelope, Sealer
from messaging.errors import StaleMessage
from messaging.link.bursts import burst_of
from messaging.link.port import Inbound, LinkEvent, Up
from messaging.status import Connection
from messaging.topics import Topic, down, up
from region.floods import WITHIN_S, Floods
from region.registry import Registry, Unavailable, database_url
from region.registry.records import ProcessPresence
from region.serving.wire import Wire, judge_presence
from region.web.subject import PresenceChange, Subject
from tests.kits.clock import ManualClock
from tests.kits.eventually import eventually

MOST_SAID = 300


@dataclass
class ScriptedLink:
    """A link whose broker is the test: it delivers, and remembers what was acknowledged and published."""

    is_up: bool = True
    queue: asyncio.Queue[LinkEvent] = field(default_factory=asyncio.Queue)
    acked: list[int] = field(default_factory=list)
    published: list[tuple[str, bytes, bool]] = field(default_factory=list)
    stopped: bool = False
    taken: int = 0

    async def events(self) -> AsyncIterator[LinkEvent]:
        while True:
            yield await self.queue.get()
            self.queue.task_done()

    async def burst(self, most: int) -> list[LinkEvent]:
        for _ in range(self.taken):  # whoever asks for more has dealt with what there was
            self.queue.task_done()
        self.taken = 0
        found = await burst_of(self.queue, most)
        self.taken = len(found)
        return found

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None) -> bool:
        self.published.append((topic, payload, retain))
        return True

    def ack(self, message: Inbound) -> None:
        self.acked.append(message.token)

    async def start(self) -> None: ...

    async def stop(self, last_words: tuple[str, bytes] | None = None) -> None:
        self.stopped = True


@dataclass
class Ears:
    """A subject that listens to calls and presence, and can fail."""

    heard: list[tuple[str, dict]] = field(default_factory=list)
    presence: list[PresenceChange] = field(default_factory=list)
    fail: list[Exception] = field(default_factory=list)

    async def handle(self, topic: Topic, envelope: Envelope) -> None:
        if self.fail:
            raise self.fail.pop(0)
        self.heard.append((topic.words[0], envelope.data))

    async def told(self, change: PresenceChange) -> None:
        self.presence.append(change)


class World:
    """A wire that runs, a station, and the station's two processes to speak with."""

    def __init__(self, registry: Registry, clock: ManualClock, station: str) -> None:
        self.link, self.ears, self.clock, self.station = ScriptedLink(), Ears(), clock, station
        self.wire = Wire(self.link, registry, clock, floods=Floods(MOST_SAID))
        subject = Subject(
            "ears",
            Path(__file__).parent,
            APIRouter(),
            {"en": {}, "da": {}},
            up={"call": self.ears},
            presence=self.ears.told,
        )
        self.wire.add(subject)
        self.call = Sealer(clock.monotonic, clock.wall)
        self._token = 0

    async def deliver(self, topic: str, payload: bytes, retained: bool = False) -> int:
        self._token += 1
        await self.link.queue.put(Inbound(topic, payload, retained, self._token))
        await asyncio.wait_for(self.link.queue.join(), 10)
        return self._token

    async def says(self, call: str, message: dict, sealer: Sealer | None = None) -> bytes:
        payload = (sealer or self.call).seal(message)
        await self.deliver(up(self.station, "call", call), payload)
        return payload

    async def conn(self, state: str, bd: int, sealer: Sealer | None = None, **more: str) -> None:
        by = sealer or self.call
        await self.deliver(
            up(self.station, "conn", "call"), by.seal(Connection("call", state, by.boot, bd, **more)), True
        )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock, registry = ManualClock(), Registry(database_url(tmp_path))
    await registry.migrate()
    async with registry.begin() as t:
        site = await t.sites.add("Solgården", clock.wall())
        station = await t.stations.add("Room 4", site.id, None, clock.wall())
    world = World(registry, clock, station.id)
    world.registry = registry
    running = asyncio.create_task(world.wire.run())
    yield world
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert world.link.stopped
    await registry.close()


async def test_a_message_is_handed_on_and_then_acknowledged(world: World) -> None:
    await world.says("c0ffee00", {"type": "accept"})
    assert world.ears.heard == [("c0ffee00", {"type": "accept"})]
    assert world.link.acked == [1]


async def test_nothing_is_acknowledged_while_the_database_is_away(world: World) -> None:
    world.ears.fail = [Unavailable("away"), Unavailable("still away")]
    await world.link.queue.put(
        Inbound(up(world.station, "call", "c0ffee00"), world.call.seal({"type": "accept"}), False, 7)
    )
    while len(world.ears.fail) > 1:
        await world.clock.advance(0)
    assert world.link.acked == []
    while world.link.acked == []:
        await world.clock.advance(1)
    assert world.ears.heard == [("c0ffee00", {"type": "accept"})]


async def test_a_fault_of_ours_with_one_message_does_not_deafen_us(world: World) -> None:
    world.ears.fail = [RuntimeError("a bug")]
    await world.says("c0ffee00", {"type": "accept"})
    await world.says("c0ffee00", {"type": "hangup"})
    assert [data["type"] for _, data in world.ears.heard] == ["hangup"]
    assert world.link.acked == [1, 2]
    assert world.wire.refused["internal"] == 1


async def test_a_replay_and_a_step_back_are_refused(world: World) -> None:
    first = await world.says("c0ffee00", {"n": 1})
    second = await world.says("c0ffee00", {"n": 2})
    for old in (second, first):
        await world.deliver(up(world.station, "call", "c0ffee00"), old)
    assert [data["n"] for _, data in world.ears.heard] == [1, 2]
    assert world.wire.refused["stale"] == 2
    assert len(world.link.acked) == 4


async def test_a_run_that_has_been_replaced_is_heard_no_more(world: World) -> None:
    old, new = Sealer(world.clock.monotonic, world.clock.wall), Sealer(world.clock.monotonic, world.clock.wall)
    await world.says("c0ffee00", {"n": 1}, old)
    await world.says("c0ffee00", {"n": 2}, new)
    await world.says("c0ffee00", {"n": 3}, old)
    assert [data["n"] for _, data in world.ears.heard] == [1, 2]


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        (lambda s: up(s, "call", "c0ffee00"), b"\xff\x00 not json", "malformed"),
        (lambda s: up(s, "call", "c0ffee00"), b"{}", "malformed"),
        (lambda s: up(s, "call", "c0ffee00"), b'{"v": 99}', "unknown_version"),
        (lambda s: up(s, "call", "c0ffee00"), b'"' + b"x" * 70_000 + b'"', "oversized"),
        (lambda s: f"vs/1/d/{s}/up/nothing/of/ours", b"{}", "malformed"),
        (lambda s: "vs/1/d/+/up/birth", b"{}", "malformed"),
    ],
)
async def test_what_is_no_message_of_ours_is_counted_and_costs_nothing(
    world: World, topic: Callable[[str], str], payload: bytes, code: str
) -> None:
    await world.deliver(topic(world.station), payload)
    assert world.wire.refused[code] == 1
    assert world.link.acked == [1]
    await world.says("c0ffee00", {"type": "accept"})
    assert len(world.ears.heard) == 1


async def test_a_station_nobody_knows_is_not_heard(world: World) -> None:
    payload = world.call.seal({"type": "request"})
    await world.deliver(up("st-unknown0", "call", "c0ffee00"), payload)
    assert world.ears.heard == []
    assert world.wire.refused["malformed"] == 1


async def test_a_station_that_is_shut_out_is_not_heard(world: World) -> None:
    async with world.registry.begin() as t:
        await t.stations.set_admission(world.station, "revoked")
    await world.says("c0ffee00", {"type": "accept"})
    await world.conn("online", 1)
    assert (world.ears.heard, world.ears.presence) == ([], [])
    assert world.wire.refused["shut_out"] == 2


async def test_a_station_that_floods_is_not_heard_for_a_while_and_costs_the_others_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.registry.begin() as t:
        site = await t.sites.add("Månelyst", world.clock.wall())
        other = await t.stations.add("Stue 1", site.id, None, world.clock.wall())
    with caplog.at_level("INFO"):
        for number in range(MOST_SAID + 50):
            await world.deliver(f"vs/1/d/{world.station}/up/rubbish/{number}", b"no message of ours")
        await world.says("c0ffee00", {"type": "accept"})
    assert world.wire.refused == {"malformed": MOST_SAID, "flood": 51}
    assert caplog.text.count("ALARM") == 1
    assert len(caplog.records) == MOST_SAID + 1
    await world.deliver(up(other.id, "call", "c0ffee01"), world.call.seal({"type": "request"}))
    assert [call for call, _ in world.ears.heard] == ["c0ffee01"]
    await world.clock.advance(WITHIN_S)
    await world.says("c0ffee02", {"type": "request"})
    assert [call for call, _ in world.ears.heard] == ["c0ffee01", "c0ffee02"]
    assert len(world.link.acked) == MOST_SAID + 53, "the broker keeps none of it"


async def test_a_run_that_comes_back_after_another_is_told_for_there_are_two(world: World) -> None:
    other = Sealer(world.clock.monotonic, world.clock.wall)
    await world.conn("online", 1)
    await world.conn("online", 1, other)
    await world.conn("online", 1)  # only delivered again
    assert [change.runs_twice for change in world.ears.presence] == [False, False]
    await world.conn("online", 2)
    assert [change.runs_twice for change in world.ears.presence] == [False, False, True]


async def test_a_retained_call_message_is_refused(world: World) -> None:
    await world.deliver(up(world.station, "call", "c0ffee00"), world.call.seal({"type": "request"}), retained=True)
    assert world.ears.heard == []


async def test_presence_is_stored_and_told(world: World) -> None:
    await world.conn("online", 1, call="c0ffee00")
    await world.clock.advance(30)
    await world.conn("online", 1)
    async with world.registry.read() as t:
        known = await t.reports.presence(world.station, "call")
    assert known is not None
    assert (known.state, known.call, known.since) == ("online", None, 1_800_000_000.0)
    assert [(change.now.call, change.restarted) for change in world.ears.presence] == [
        ("c0ffee00", False),
        (None, False),
    ]


async def test_a_restarted_call_process_is_told_as_such(world: World) -> None:
    await world.conn("online", 1, call="c0ffee00")
    await world.conn("online", 1, Sealer(world.clock.monotonic, world.clock.wall))
    assert [change.restarted for change in world.ears.presence] == [False, True]


async def test_a_late_will_does_not_mark_a_live_station_dead(world: World) -> None:
    will = world.call.seal(Connection("call", "offline", world.call.boot, 1))
    await world.conn("online", 1)
    await world.conn("online", 2)
    await world.deliver(up(world.station, "conn", "call"), will)
    async with world.registry.read() as t:
        known = await t.reports.presence(world.station, "call")
    assert known is not None
    assert known.state == "online"
    assert len(world.ears.presence) == 2


async def test_the_will_of_this_connection_counts_although_it_was_sealed_before_the_birth(world: World) -> None:
    will = world.call.seal(Connection("call", "offline", world.call.boot, 1))
    await world.conn("online", 1)
    await world.deliver(up(world.station, "conn", "call"), will)
    assert [change.now.state for change in world.ears.presence] == ["online", "offline"]


async def test_one_process_cannot_speak_for_the_other(world: World) -> None:
    said = Connection("agent", "online", world.call.boot, 1)
    await world.deliver(up(world.station, "conn", "call"), world.call.seal(said))
    assert world.ears.presence == []
    assert world.wire.refused["malformed"] == 1


async def test_what_the_region_sends_is_sealed_in_its_own_order(world: World) -> None:
    for number in (1, 2):
        await world.wire.send(down(world.station, "call", "c0ffee00"), {"n": number})
    envelopes = [json.loads(payload) for _, payload, _ in world.link.published]
    assert [(e["seq"], e["data"]["n"]) for e in envelopes] == [(1, 1), (2, 2)]


async def test_whoever_asks_is_told_when_the_broker_is_there_again(world: World) -> None:
    times: list[int] = []
    world.wire.when_up(lambda: times.append(1))
    await world.link.queue.put(Up(resumed=False))
    await asyncio.wait_for(world.link.queue.join(), 10)
    assert times == [1]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["online", "offline"]), st.integers(0, 3), st.sampled_from("ab")), max_size=12)
)
def test_presence_ends_as_the_last_connection_left_it(said: list[tuple[str, int, str]]) -> None:
    """However births and Wills interleave, only the Will of the last birth taken makes a process offline."""
    known: ProcessPresence | None = None
    for state, bd, boot in said:
        message = Connection("call", state, boot, bd)
        try:
            judge_presence(known, message)
        except StaleMessage:
            if state == "online":
                assert known is not None
                assert (known.boot, known.bd > bd) == (boot, True)
            else:
                assert known is None or (known.boot, known.bd) != (boot, bd)
            continue
        if state == "offline":
            assert known is not None
            assert (known.boot, known.bd) == (boot, bd)
        known = ProcessPresence("st-00000000", "call", state, boot, bd, None, {}, 0.0)


@dataclass
class Slow:
    """A subject that is in no hurry with one station."""

    station: str
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    heard: list[tuple[str, str]] = field(default_factory=list)

    async def handle(self, topic: Topic, envelope: Envelope) -> None:
        if topic.station == self.station:
            await self.go_on.wait()
        self.heard.append((topic.station, envelope.data["n"]))


async def test_what_has_come_is_taken_side_by_side_in_each_station_s_order_and_acknowledged_as_it_came(
    world: World,
) -> None:
    async with world.registry.begin() as t:
        (home,) = await t.sites.all()
        others = [(await t.stations.add(f"Room {n}", home.id, None, 0.0)).id for n in range(5, 8)]
    slow = Slow(world.station)
    world.wire.add(Subject("slow", Path(__file__).parent, APIRouter(), {"en": {}, "da": {}}, up={"m": slow}))
    sealers = {one: Sealer(world.clock.monotonic, world.clock.wall) for one in (world.station, *others)}
    said = [(one, number) for number in range(3) for one in sealers]
    for token, (one, number) in enumerate(said):
        payload = sealers[one].seal({"n": number})
        world.link.queue.put_nowait(Inbound(up(one, "m", "health"), payload, False, token))
    await eventually(lambda: len(slow.heard) == 9)
    assert world.station not in dict(slow.heard), "the others do not wait for it"
    assert world.link.acked == [], "what is acknowledged before it could be lost"
    slow.go_on.set()
    await asyncio.wait_for(world.link.queue.join(), 10)
    assert world.link.acked == list(range(len(said)))
    for one in sealers:
        assert [number for station, number in slow.heard if station == one] == [0, 1, 2]


async def test_the_presence_of_many_is_one_commit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world.registry.begin() as t:
        (home,) = await t.sites.all()
        stations = [(await t.stations.add(f"Room {n}", home.id, None, 0.0)).id for n in range(20)]
    commits, begin = [], world.registry.begin
    monkeypatch.setattr(world.registry, "begin", lambda: commits.append(1) or begin())
    for token, one in enumerate(stations):
        sealer = Sealer(world.clock.monotonic, world.clock.wall)
        said = Connection("call", "online", sealer.boot, 1)
        world.link.queue.put_nowait(Inbound(up(one, "conn", "call"), sealer.seal(said), True, token))
    await asyncio.wait_for(world.link.queue.join(), 10)
    assert len(world.ears.presence) == len(stations)
    assert len(commits) <= 2
