"""Queues of packets: a slow peer loses its own pictures and nobody else's."""

from __future__ import annotations

import asyncio

import av
import pytest

from device.media.fanout import Fanout, Outlet


def packet(name: str, key: bool = False) -> av.Packet:
    packet = av.Packet(name.encode())
    packet.is_keyframe = key
    return packet


async def test_pictures_begin_with_a_key_frame() -> None:
    outlet = Outlet(8)
    for each in (packet("a"), packet("b"), packet("K", key=True), packet("c")):
        outlet.put(each)
    assert [bytes(await outlet.take()), bytes(await outlet.take())] == [b"K", b"c"]
    assert outlet.dropped == 2


async def test_a_slow_peer_goes_on_from_the_next_key_frame_and_asks_for_it() -> None:
    asked = 0

    def ask() -> None:
        nonlocal asked
        asked += 1

    outlet = Outlet(3, ask)
    outlet.put(packet("K", key=True))
    for name in "abcdef":
        outlet.put(packet(name))
    assert asked == 1
    outlet.put(packet("L", key=True))
    outlet.put(packet("g"))
    assert [bytes(await outlet.take()), bytes(await outlet.take())] == [b"L", b"g"]


async def test_of_sound_the_oldest_goes() -> None:
    outlet = Outlet(3, keyed=False)
    for name in "abcde":
        outlet.put(packet(name))
    assert [bytes(await outlet.take()) for _ in range(3)] == [b"c", b"d", b"e"]
    assert outlet.dropped == 2


async def test_a_slow_peer_costs_a_quick_one_nothing() -> None:
    fanout, quick, slow = Fanout(), Outlet(4), Outlet(4)
    fanout.add(quick)
    fanout.add(slow)
    taken = []
    fanout.publish([packet("K", key=True)])
    for name in "abcdefgh":
        taken.append(bytes(await quick.take()))
        fanout.publish([packet(name)])
    assert taken == [b"K", b"a", b"b", b"c", b"d", b"e", b"f", b"g"]
    assert quick.dropped == 0
    assert slow.dropped > 0


async def test_a_packet_wakes_who_waits_and_a_removed_outlet_gets_none() -> None:
    fanout, outlet = Fanout(), Outlet(4)
    fanout.add(outlet)
    waiting = asyncio.create_task(outlet.take())
    await asyncio.sleep(0)
    fanout.publish([packet("K", key=True)])
    assert bytes(await waiting) == b"K"

    fanout.remove(outlet)
    fanout.remove(outlet)
    fanout.publish([packet("L", key=True)])
    assert not fanout
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await outlet.take()
