"""What every link does, on the broker in process and on a real mosquitto with mutual TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from messaging.clock import SystemClock
from messaging.link.inbox import Inbox
from messaging.link.mqtt import MqttLink
from messaging.link.port import Down, Inbound, Link, LinkDown, LinkEvent, LinkRefused, Up
from tests.kits.clock import ManualClock
from tests.kits.eventually import eventually
from tests.kits.servers.broker import Authority, Broker, running_broker
from tests.kits.servers.memory_broker import MemoryBroker

WAIT_S = 20
STATION, OTHER = "st-aaaaaaaa", "st-bbbbbbbb"
DN, UP = f"vs/1/d/{STATION}/dn/call/c1", f"vs/1/d/{STATION}/up/call/c1"
WILL = (f"vs/1/d/{STATION}/up/conn/call", b"gone")


@dataclass
class Net:
    """One kind of broker: how to make a link on it, and how to break it."""

    make: Callable[..., Link]
    cut: Callable[[], None]
    restore: Callable[[], None]


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as broker:
        yield broker


@pytest.fixture(params=["memory", pytest.param("mqtt", marks=pytest.mark.system)])
def net(request: pytest.FixtureRequest) -> Net:
    if request.param == "memory":
        memory = MemoryBroker()
        memory.refuse(STATION, "vs/1/d/st-bbbbbbbb/#")
        return Net(
            lambda name, subscriptions=(), will=None: memory.link(name, subscriptions, will),
            lambda: memory.cut(STATION),
            lambda: memory.restore(STATION),
        )
    broker: Broker = request.getfixturevalue("mosquitto")

    def make(
        name: str, subscriptions: tuple[str, ...] = (), will: Callable[[], tuple[str, bytes]] | None = None
    ) -> Link:
        return MqttLink(broker.settings(name), subscriptions, will, SystemClock())

    return Net(make, lambda: broker.stop(kill=True), broker.start)


@asynccontextmanager
async def started(link: Link) -> AsyncIterator[tuple[Link, asyncio.Queue[LinkEvent]]]:
    """A link that is up, and its events since then (what the broker kept may come before Up)."""
    heard: asyncio.Queue[LinkEvent] = asyncio.Queue()
    up = asyncio.Event()

    async def listen() -> None:
        async for event in link.events():
            if isinstance(event, Up) and not up.is_set():
                up.set()
            else:
                heard.put_nowait(event)

    listening = asyncio.create_task(listen())
    await link.start()
    try:
        await asyncio.wait_for(up.wait(), WAIT_S)
        yield link, heard
    finally:
        await link.stop()
        listening.cancel()


async def until(heard: asyncio.Queue[LinkEvent], kind: type[LinkEvent]) -> LinkEvent:
    """The next event of a kind."""
    async with asyncio.timeout(WAIT_S):
        while True:
            event = await heard.get()
            if isinstance(event, kind):
                return event


async def test_a_message_reaches_who_listens_and_nobody_else(net: Net) -> None:
    async with started(net.make("region")) as (region, _), started(net.make(STATION, (DN,))) as (station, heard):
        await region.publish(DN.replace("c1", "other"), b"not this")
        await region.publish(DN, b"this")
        message = await until(heard, Inbound)
        assert isinstance(message, Inbound)
        assert (message.topic, message.payload, message.retained) == (DN, b"this", False)
        station.ack(message)


async def test_whoever_speaks_hears_whether_somebody_listens_now_or_when_they_are_back(net: Net) -> None:
    ears = ("vs/1/d/+/up/#",)
    async with started(net.make(STATION)) as (station, _):
        assert not await station.publish(UP, b"to nobody")
        async with started(net.make("region", ears)):
            assert await station.publish(UP, b"to somebody")
        assert await station.publish(UP, b"kept for somebody")
        async with started(net.make("region", ears)) as (_, heard):
            said = [await until(heard, Inbound)]
            while isinstance(said[-1], Inbound) and said[-1].payload != b"kept for somebody":
                said.append(await until(heard, Inbound))
            assert b"to nobody" not in [one.payload for one in said if isinstance(one, Inbound)]


async def test_what_was_sent_to_stay_is_told_as_such_to_whoever_hears_it_now_or_later(net: Net) -> None:
    async def heard_next(region: Link, heard: asyncio.Queue[LinkEvent]) -> tuple[bytes, bool]:
        message = await until(heard, Inbound)
        assert isinstance(message, Inbound)
        region.ack(message)
        return message.payload, message.retained

    async with started(net.make("region", ("vs/1/d/+/up/#",))) as (region, heard):
        async with started(net.make(STATION)) as (station, _):
            await station.publish(UP, b"once")
            await station.publish(UP, b"to stay", retain=True)
        assert [await heard_next(region, heard) for _ in range(2)] == [(b"once", False), (b"to stay", True)]
    async with started(net.make("region", ("vs/1/d/+/up/#",))) as (region, heard):
        assert await heard_next(region, heard) == (b"to stay", True)


async def test_messages_come_in_the_order_they_were_sent(net: Net) -> None:
    async with started(net.make("region")) as (region, _), started(net.make(STATION, (DN,))) as (station, heard):
        for i in range(60):  # three times what may be under way unacknowledged
            await region.publish(DN, str(i).encode())
        got = []
        for _ in range(60):
            message = await until(heard, Inbound)
            assert isinstance(message, Inbound)
            got.append(int(message.payload))
            station.ack(message)
        assert got == list(range(60))


async def test_a_publish_while_the_broker_is_away_fails_at_once_and_is_not_kept(net: Net) -> None:
    async with started(net.make(STATION)) as (station, heard):
        net.cut()
        await until(heard, Down)
        assert not station.is_up
        with pytest.raises(LinkDown):
            await station.publish(UP, b"never")
        net.restore()
        await until(heard, Up)
        async with started(net.make("region", ("vs/1/d/+/up/#",))) as (_, region_heard):
            await station.publish(UP, b"later")
            message = await until(region_heard, Inbound)
            assert isinstance(message, Inbound)
            assert message.payload == b"later"


async def test_a_station_may_not_write_anothers_branch(net: Net) -> None:
    async with started(net.make(STATION)) as (station, _):
        with pytest.raises(LinkRefused):
            await station.publish(f"vs/1/d/{OTHER}/up/call/c1", b"forged")


async def test_last_words_are_retained_in_place_of_the_will(net: Net) -> None:
    async with started(net.make("region", ("vs/1/d/+/up/conn/#",))) as (region, heard):
        async with started(net.make(STATION, will=lambda: WILL)) as (station, _):
            await station.stop(last_words=(WILL[0], b"orderly"))
        message = await until(heard, Inbound)
        assert isinstance(message, Inbound)
        assert message.payload == b"orderly"
        region.ack(message)
        assert heard.empty()
    async with started(net.make("region", ("vs/1/d/+/up/conn/#",))) as (_, heard):
        message = await until(heard, Inbound)
        assert isinstance(message, Inbound)
        assert (message.payload, message.retained) == (b"orderly", True)


@pytest.mark.system
async def test_what_was_not_acknowledged_comes_again_on_the_next_connection(mosquitto: Broker) -> None:
    async def connection() -> Link:
        return MqttLink(mosquitto.settings(STATION), (DN,), None, SystemClock())

    async with started(MqttLink(mosquitto.settings("region"), (), None, SystemClock())) as (region, _):
        async with started(await connection()) as (_, heard):
            await region.publish(DN, b"twice")
            await until(heard, Inbound)
        async with started(await connection()) as (station, heard):
            message = await until(heard, Inbound)
            assert isinstance(message, Inbound)
            assert message.payload == b"twice"
            station.ack(message)


@pytest.mark.system
async def test_a_certificate_from_another_authority_is_refused_and_said(mosquitto: Broker, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger").issue(STATION)
    settings = replace(mosquitto.settings(STATION), certificate=stranger.certificate, key=stranger.key)
    link = MqttLink(settings, (), None, SystemClock())
    events = link.events()
    await link.start()
    async with asyncio.timeout(WAIT_S):
        event = await anext(events)
    assert isinstance(event, Down)
    assert not link.is_up
    await link.stop()


async def test_a_connection_that_is_renewed_goes_down_and_comes_back_by_itself(net: Net) -> None:
    async with started(net.make(STATION)) as (station, heard):
        station.hurry(True)
        station.renew()
        await until(heard, Down)
        await until(heard, Up)
        await station.publish(UP, b"through the new one")


@pytest.mark.system
async def test_a_hurry_cuts_a_long_wait_short(mosquitto: Broker) -> None:
    """On a clock that stands still: only the hurry can end the pause after a failed try."""
    mosquitto.stop(kill=True)
    clock = ManualClock()
    link = MqttLink(mosquitto.settings(STATION), (), None, clock)
    events = link.events()
    await link.start()
    try:
        async with asyncio.timeout(WAIT_S):
            assert isinstance(await anext(events), Down)
            mosquitto.start()
            link.hurry(True)
            while not isinstance(await anext(events), Up):
                await clock.advance(1)  # the pauses in a hurry are short
    finally:
        await link.stop()


@pytest.mark.system
async def test_what_finds_no_room_comes_again_on_a_new_connection_and_in_order(
    mosquitto: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    station = MqttLink(mosquitto.settings(STATION), (DN,), None, SystemClock(), inbox=Inbox(most_bytes=10))
    station.hurry(True)
    async with started(MqttLink(mosquitto.settings("region"), (), None, SystemClock())) as (region, _):
        await station.start()
        try:
            async with asyncio.timeout(WAIT_S):
                assert isinstance((await station.burst(1))[0], Up)
                for number in range(15):
                    await region.publish(DN, str(number).encode())
                await eventually(lambda: "connecting again" in caplog.text, WAIT_S)  # nobody has taken any of it
                events: list[LinkEvent] = []
                news: list[int] = []
                while news != list(range(15)):
                    (event,) = await station.burst(1)
                    events.append(event)
                    if isinstance(event, Inbound):
                        station.ack(event)
                        if int(event.payload) not in news:
                            news.append(int(event.payload))
                assert any(isinstance(event, Down) for event in events), "there was room for all of them"
        finally:
            await station.stop()
