"""Queues of packets: a slow peer loses its own pictures and nobody else's."""

from __future__ import annotations

import av

from device.media.fanout import Fanout, Outlet


def packet(name: str, key: bool = False) -> av.Packet:
    packet = av.Packet(name.encode())
    packet.is_keyframe = key
    return packet


def data(outlet: Outlet) -> bytes | None:
    packet = outlet.pop()
    return None if packet is None else bytes(packet)


def test_pictures_begin_with_a_key_frame() -> None:
    outlet = Outlet(8)
    for each in (packet("a"), packet("b"), packet("K", key=True), packet("c")):
        outlet.put(each)
    assert [data(outlet), data(outlet)] == [b"K", b"c"]
    assert outlet.dropped == 2


def test_a_slow_peer_goes_on_from_the_next_key_frame_and_asks_for_it() -> None:
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
    assert [data(outlet), data(outlet)] == [b"L", b"g"]


def test_of_sound_the_oldest_goes() -> None:
    outlet = Outlet(3, keyed=False)
    for name in "abcde":
        outlet.put(packet(name))
    assert [data(outlet) for _ in range(3)] == [b"c", b"d", b"e"]
    assert outlet.dropped == 2


def test_a_slow_peer_costs_a_quick_one_nothing() -> None:
    fanout, quick, slow = Fanout(), Outlet(4), Outlet(4)
    fanout.add(quick)
    fanout.add(slow)
    taken = []
    fanout.publish([packet("K", key=True)])
    for name in "abcdefgh":
        taken.append(data(quick))
        fanout.publish([packet(name)])
    assert taken == [b"K", b"a", b"b", b"c", b"d", b"e", b"f", b"g"]
    assert quick.dropped == 0
    assert slow.dropped > 0


def test_a_packet_calls_who_takes_them_and_a_removed_outlet_gets_none() -> None:
    fanout, outlet = Fanout(), Outlet(4)
    fanout.add(outlet)
    got: list[bytes | None] = []
    outlet.on_ready = lambda: got.append(data(outlet))
    fanout.publish([packet("K", key=True), packet("a")])
    assert got == [b"K", b"a"]

    fanout.remove(outlet)
    fanout.remove(outlet)
    fanout.publish([packet("L", key=True)])
    assert not fanout
    assert got == [b"K", b"a"]
    assert outlet.pop() is None


def test_what_waits_is_counted_in_bytes_and_can_be_cut_to_the_newest() -> None:
    outlet = Outlet(4, keyed=False)
    outlet.keep_newest()
    for name in ("a", "bb", "ccc"):
        outlet.put(packet(name))
    assert outlet.waiting == 6

    outlet.keep_newest()

    assert (outlet.waiting, outlet.dropped) == (3, 2)
    assert data(outlet) == b"ccc"
