"""The impairing relay with real datagrams: who is passed on to whom, and that the line is what was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.bench.relay import HOST, Direction, Impairment, Leg, Relay, Relaying
from tests.kits.eventually import eventually

PATIENCE_S = 10.0


class Speaker(asyncio.DatagramProtocol):
    """A socket that remembers what it hears."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, _addr: Any) -> None:
        self.heard.put_nowait(data)

    def say(self, data: bytes, port: int) -> None:
        assert self._transport is not None
        self._transport.sendto(data, (HOST, port))

    async def hears(self) -> bytes:
        return await asyncio.wait_for(self.heard.get(), PATIENCE_S)


@asynccontextmanager
async def speakers(count: int) -> AsyncIterator[list[Speaker]]:
    loop = asyncio.get_running_loop()
    pairs = [await loop.create_datagram_endpoint(Speaker, (HOST, 0)) for _ in range(count)]
    try:
        yield [speaker for _, speaker in pairs]
    finally:
        for transport, _ in pairs:
            transport.close()


async def counted(relay: Relaying | Relay, direction: Direction, name: str, least: int) -> None:
    """The relay has counted so many."""

    async def so_many() -> bool:
        return (await relay.figures())[direction][name] >= least

    await eventually(so_many, PATIENCE_S)


async def introduce(station: Speaker, clinic: Speaker, leg: Leg) -> None:
    """Both speak once, so that the relay knows them."""
    station.say(b"station is here", leg.station)  # to nobody yet
    clinic.say(b"clinic is here", leg.clinic)
    assert await station.hears() == b"clinic is here"


@pytest.mark.parametrize("kind", [Relaying, Relay])
async def test_both_directions_lead_through_a_leg(kind: type[Relaying] | type[Relay]) -> None:
    async with kind(seed=1) as relay, speakers(2) as (station, clinic):
        leg = await relay.leg()
        await introduce(station, clinic, leg)
        station.say(b"how are you", leg.station)
        assert await clinic.hears() == b"how are you"
        clinic.say(b"well", leg.clinic)
        assert await station.hears() == b"well"
        figures = await relay.figures()
    assert (figures["out"]["came"], figures["in"]["came"], figures["in"]["passed"]) == (2, 2, 2)
    assert figures["in"]["passed_bytes"] == len(b"clinic is here" + b"well")


async def test_a_stranger_at_a_leg_is_not_listened_to() -> None:
    async with Relaying() as relay, speakers(3) as (station, clinic, stranger):
        leg = await relay.leg()
        await introduce(station, clinic, leg)
        stranger.say(b"let me in", leg.station)
        station.say(b"after it", leg.station)
        assert await clinic.hears() == b"after it"
        clinic.say(b"answer", leg.clinic)
        assert await station.hears() == b"answer"
        assert stranger.heard.empty()


async def test_legs_are_apart_and_share_the_line() -> None:
    async with Relaying() as relay, speakers(4) as (first, one, second, two):
        legs = [await relay.leg(), await relay.leg()]
        await introduce(first, one, legs[0])
        await introduce(second, two, legs[1])
        await relay.set(Impairment(loss=1.0), "out")
        first.say(b"lost", legs[0].station)
        second.say(b"lost as well", legs[1].station)
        one.say(b"not lost", legs[0].clinic)
        assert await first.hears() == b"not lost"
        assert (await relay.figures())["out"]["lost"] == 2
        await relay.set(Impairment())
        second.say(b"again", legs[1].station)
        assert await two.hears() == b"again"
        assert one.heard.empty()


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_one_direction_can_be_bad_alone(direction: Direction) -> None:
    async with Relay(seed=1) as relay, speakers(2) as (station, clinic):
        leg = await relay.leg()
        await introduce(station, clinic, leg)
        await relay.set(Impairment(loss=1.0), direction)
        station.say(b"out", leg.station)
        clinic.say(b"in", leg.clinic)
        good = station if direction == "out" else clinic
        assert await good.hears() == (b"in" if direction == "out" else b"out")
        await counted(relay, direction, "lost", 1)


async def test_a_delay_is_waited_out_and_no_datagram_is_early() -> None:
    async with Relay(seed=1) as relay, speakers(2) as (station, clinic):
        leg = await relay.leg()
        await introduce(station, clinic, leg)
        await relay.set(Impairment(delay_ms=200))
        loop = asyncio.get_running_loop()
        said = loop.time()
        station.say(b"slow", leg.station)
        assert await clinic.hears() == b"slow"
        assert loop.time() - said >= 0.199


async def test_a_schedule_ends_a_cut_by_itself() -> None:
    async with Relay(seed=1) as relay, speakers(2) as (station, clinic):
        leg = await relay.leg()
        await introduce(station, clinic, leg)
        await relay.set(Impairment(loss=1.0, schedule=((0.3, Impairment()),)))
        loop = asyncio.get_running_loop()
        began = loop.time()
        while clinic.heard.empty():
            station.say(b"anybody?", leg.station)
            await asyncio.sleep(0.01)
        assert loop.time() - began >= 0.28
        assert (await relay.figures())["out"]["lost"] >= 1


async def test_the_other_side_going_away_ends_nothing() -> None:
    async with Relay(seed=1) as relay:
        leg = await relay.leg()
        async with speakers(2) as (station, clinic):
            await introduce(station, clinic, leg)
        async with speakers(2) as (station, clinic):
            station.say(b"to a closed port", leg.station)
            again = await relay.leg()
            await introduce(station, clinic, again)


async def test_a_seeded_loss_is_the_same_for_the_same_seed() -> None:
    async def survivors(seed: int) -> list[bytes]:
        async with Relay(seed, Impairment()) as relay, speakers(2) as (station, clinic):
            leg = await relay.leg()
            await introduce(station, clinic, leg)
            await relay.set(Impairment(loss=0.3))
            for number in range(60):
                station.say(bytes([number]), leg.station)
            await counted(relay, "out", "came", 61)
            figures = (await relay.figures())["out"]
            return [await clinic.hears() for _ in range(figures["passed"] - 1)]

    first = await survivors(5)
    assert first == await survivors(5)
    assert 20 < len(first) < 60
    assert first != await survivors(6)
