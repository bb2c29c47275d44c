"""What the line between them does to a call."""

from __future__ import annotations

import time

from aiortc.rtp import RTCP_PSFB_APP, RtcpPsfbPacket, pack_remb_fci

from device.media.picture_stream import KEY_GAP_S
from tests.loopback.conftest import Station
from tests.loopback.stock_peer import StockPeer


async def say_bandwidth(peer: StockPeer, bitrate: int) -> None:
    """Tell the station what the peer can take (REMB)."""
    remb = pack_remb_fci(bitrate, [peer.picture_source])
    await peer.picture_receiver._send_rtcp(RtcpPsfbPacket(RTCP_PSFB_APP, 1, 0, fci=remb))


async def received_kbps(peer: StockPeer, pictures: int) -> float:
    """Bits a second that reach the peer, over so many pictures."""

    async def total() -> int:
        report = await peer.pc.getStats()
        return max(s.bytesReceived for s in report.values() if s.type == "transport")

    before, start = await total(), time.monotonic()
    await peer.gets("video", peer.received["video"] + pictures)
    return (await total() - before) * 8 / (time.monotonic() - start) / 1000


async def test_the_station_sends_less_when_the_other_side_can_take_less(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    station.engine.open()
    await peer.gets("video", 30)
    free = await received_kbps(peer, 45)

    peer.picture_receiver._RTCRtpReceiver__remote_bitrate_estimator = None  # it has no opinion but ours
    for _ in range(25):  # as browsers do: a limit that is meant is said again and again
        await say_bandwidth(peer, 170_000)
        await peer.gets("video", peer.received["video"] + 8)
    thin = await received_kbps(peer, 30)

    assert thin < free
    assert thin < 230, "170, with what DTLS and the other side's reports take"


async def test_asking_for_key_frames_without_end_does_not_make_every_picture_one(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    station.engine.open()
    await peer.gets("video", 5)

    began = time.monotonic()
    for count in range(6, 66):
        await peer.picture_receiver._send_rtcp_pli(peer.picture_source)
        await peer.gets("video", count)

    at_most = (time.monotonic() - began) / KEY_GAP_S + 4  # two with which the encoder grows as the call begins
    assert 4 <= sum(frame.key_frame for frame in peer.pictures) <= at_most


async def test_a_call_on_a_line_that_loses_packets_goes_on(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    station.engine.open()
    await peer.gets("video", 5)

    transport = next(t for t in peer.pc.getTransceivers() if t.kind == "video").sender.transport
    send, count = transport._send_rtp, 0

    async def lossy(data: bytes) -> None:
        nonlocal count
        count += 1
        if count % 20:
            await send(data)

    transport._send_rtp = lossy
    await station.shows(station.remote, 60)
    assert count > 100
