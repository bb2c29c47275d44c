"""Two peer connections of one call: the one that carries it, and a newer one that is made beside it."""

from __future__ import annotations

import asyncio

import pytest

from device.call.events import PeerBack, PeerConnected, PeerLost
from device.media.errors import BadDescription
from tests.loopback.conftest import Station
from tests.loopback.stock_peer import StockPeer


async def in_call(station: Station) -> StockPeer:
    """A call that is carried by generation 1."""
    await station.media.open()
    peer = station.peer()
    await station.connect(peer)
    station.engine.open()
    station.engine.tell_media(camera=True, microphone=True)
    await station.hears(PeerConnected(1))
    station.engine.keep(1)
    await peer.gets("video", 5)
    return peer


async def beside(station: Station, generation: int = 2) -> StockPeer:
    """A newer connection that has come about."""
    peer = station.peer()
    offer = await station.engine.prepare(generation, (), beside=True)
    await station.engine.answer(generation, await peer.answer(offer))
    await station.hears(PeerConnected(generation))
    return peer


async def test_the_newer_one_sends_nothing_of_the_room_until_it_carries_the_call(station: Station) -> None:
    old = await in_call(station)
    new = await beside(station)
    seen = old.received["video"]
    await old.gets("video", seen + 10)
    assert new.received == {"video": 0, "audio": 0}
    assert not [message for message in new.messages if message["type"] == "media"]
    station.engine.keep(2)
    await asyncio.gather(new.gets("video", 5), new.gets("audio", 5))
    assert await new.is_told("media") == {"type": "media", "camera": True, "microphone": True}


async def test_the_older_one_ends_without_a_word_when_the_newer_carries_the_call(station: Station) -> None:
    old = await in_call(station)
    await beside(station)
    closed = asyncio.Event()
    old.pc.on("connectionstatechange", lambda: old.pc.connectionState == "closed" and closed.set())
    station.engine.keep(2)
    await asyncio.wait_for(closed.wait(), 20)
    assert not [message for message in old.messages if message["type"] == "bye"]
    with pytest.raises(BadDescription):
        await station.engine.candidate(1, "", None, None)


async def test_the_old_one_comes_alive_and_the_newer_is_dropped(station: Station) -> None:
    old = await in_call(station)
    await old.fall_silent()
    await station.hears(PeerLost(1))
    new = await beside(station)
    old.say(type="ping")
    await station.hears(PeerBack(1))
    station.engine.drop(2)
    closed = asyncio.Event()
    new.pc.on("connectionstatechange", lambda: new.pc.connectionState == "closed" and closed.set())
    seen = old.received["video"]
    await old.gets("video", seen + 10)
    if new.pc.connectionState != "closed":
        await asyncio.wait_for(closed.wait(), 20)
    assert new.received["video"] == 0


async def test_one_newer_after_the_other_and_only_the_last_is_left(station: Station) -> None:
    old = await in_call(station)
    for generation in (2, 3, 4):
        await station.engine.prepare(generation, (), beside=True)
    new = await beside(station, 5)
    station.engine.keep(5)
    await new.gets("video", 5)
    for gone in (1, 2, 3, 4):
        with pytest.raises(BadDescription):
            await station.engine.candidate(gone, "", None, None)
    assert old.received["video"] >= 5


async def test_the_end_of_the_call_ends_both_with_a_word(station: Station) -> None:
    old = await in_call(station)
    new = await beside(station)
    for peer in (old, new):
        await peer.is_told("ping")  # a connection carries media before its control channel is open
    await station.engine.close(bye=True)
    for peer in (old, new):
        assert await peer.is_told("bye") == {"type": "bye"}
