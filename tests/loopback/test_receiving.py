"""What the station makes of pictures that come over a bad line, or from a strange sender; the other side is aiortc."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable

import pytest
from aiortc import RTCRtpSender
from aiortc.rtp import RTCP_PSFB_APP, RTCP_PSFB_PLI, AnyRtcpPacket, RtcpPsfbPacket, is_rtcp, unpack_remb_fci

from device.media.receiving.reception import PictureFigures
from tests.kits.eventually import eventually
from tests.loopback.conftest import Station
from tests.loopback.stock_peer import StockPeer

ALL = 1_500_000 * 1.09  # what the station wants at most, and a little for sound
Pass = Callable[[bytes], Awaitable[None]]


class PictureLine:
    """Between the peer's sender of pictures and the station: every RTP packet of it goes through `judge`."""

    def __init__(self, peer: StockPeer) -> None:
        self.sender: RTCRtpSender = next(t.sender for t in peer.pc.getTransceivers() if t.kind == "video")
        self.told: list[AnyRtcpPacket] = []
        self.drop: Callable[[int, bool], bool] = lambda number, repair: False
        self.change: Callable[[bytes], bytes] = lambda payload: payload
        self._send = self.sender.transport._send_rtp
        self.sender.transport._send_rtp = self._pass  # type: ignore[method-assign]
        self._handle = self.sender._handle_rtcp_packet
        self.sender._handle_rtcp_packet = self._hear  # type: ignore[method-assign]

    @property
    def rembs(self) -> list[int]:
        """The bitrates it was told."""
        return [unpack_remb_fci(p.fci)[0] for p in self._feedback(RTCP_PSFB_APP)]

    @property
    def plis(self) -> int:
        """How often it was asked for a key frame."""
        return len(self._feedback(RTCP_PSFB_PLI))

    def _feedback(self, fmt: int) -> list[RtcpPsfbPacket]:
        return [packet for packet in self.told if isinstance(packet, RtcpPsfbPacket) and packet.fmt == fmt]

    async def _pass(self, data: bytes) -> None:
        if not is_rtcp(data):
            number, ssrc = struct.unpack_from("!H", data, 2)[0], struct.unpack_from("!L", data, 8)[0]
            head = 12 + (4 + 4 * struct.unpack_from("!H", data, 14)[0] if data[0] & 0x10 else 0)
            if ssrc == self.sender._rtx_ssrc and self.drop(struct.unpack_from("!H", data, head)[0], True):
                return
            if ssrc == self.sender._ssrc:
                if self.drop(number, False):
                    return
                data = data[:head] + self.change(data[head:])
        await self._send(data)

    async def _hear(self, packet: AnyRtcpPacket) -> None:
        self.told.append(packet)
        await self._handle(packet)


async def receiving(station: Station) -> tuple[StockPeer, PictureLine]:
    """A call in which the peer's pictures are shown."""
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    station.engine.open()
    line = PictureLine(peer)
    await station.shows(station.remote, 10)
    # While it is told of more and more, aiortc makes encoder after encoder, and each begins with a key frame.
    await eventually(lambda: figures(station).allowed_bps >= ALL, within_s=15)
    return peer, line


def figures(station: Station) -> PictureFigures:
    return station.engine._of(1)._receiving.figures()


async def test_a_retransmission_that_is_lost_too_is_asked_for_again_and_nothing_freezes(station: Station) -> None:
    _, line = await receiving(station)
    seen: dict[int, int] = {}

    def drop(number: int, repair: bool) -> bool:
        """Every tenth packet, and its first retransmission."""
        if number % 10:
            return False
        seen[number] = seen.get(number, 0) + 1
        return seen[number] <= 2

    line.drop = drop
    before = figures(station)
    await station.shows(station.remote, 60)
    await eventually(lambda: figures(station).recovered >= before.recovered + 4)
    after = figures(station)

    assert after.nacks >= 2 * (after.recovered - before.recovered), "each was asked for twice"
    assert after.plis == before.plis, "none was given up"
    assert after.dropped == before.dropped


async def test_a_packet_that_never_comes_costs_one_key_frame(station: Station) -> None:
    _, line = await receiving(station)
    lost: list[int] = []

    def drop(number: int, repair: bool) -> bool:
        if not lost and not repair:
            lost.append(number)
        return number in lost

    line.drop = drop
    before = figures(station)
    await eventually(lambda: figures(station).plis > before.plis)
    await station.shows(station.remote, 20)
    after = figures(station)
    assert after.plis == before.plis + 1
    assert after.nacks - before.nacks >= 2
    assert after.freezes == before.freezes + 1
    assert 0.3 < after.freeze_s - before.freeze_s < 2


async def test_pictures_that_stop_are_asked_for_while_the_other_side_speaks_and_go_on_when_they_return(
    station: Station,
) -> None:
    peer, line = await receiving(station)
    asked = line.plis
    peer.scene.tap.shut()
    await eventually(lambda: line.plis >= asked + 2)
    peer.scene.tap.open()
    await station.shows(station.remote, 20)


async def test_a_camera_that_is_said_to_be_off_is_not_asked_for(station: Station) -> None:
    peer, line = await receiving(station)
    peer.say(type="media", camera=False, microphone=True)
    peer.scene.tap.shut()
    await peer.scene.tap.held.wait()
    asked, sounds = line.plis, peer.received["audio"]
    await peer.gets("audio", sounds + 150)
    assert line.plis == asked


async def test_garbage_for_pictures_is_not_shown_and_the_next_key_frame_is(station: Station) -> None:
    _, line = await receiving(station)
    before = figures(station)
    line.change = lambda payload: bytes(payload[:2]) + bytes(len(payload) - 2)
    await eventually(lambda: figures(station).plis > before.plis)
    line.change = lambda payload: payload
    await station.shows(station.remote, 20)
    assert figures(station).dropped > before.dropped


async def test_a_sender_is_soon_told_that_it_may_send_all_that_is_wanted(station: Station) -> None:
    _, line = await receiving(station)
    await station.shows(station.remote, 60)
    assert line.rembs[-1] == pytest.approx(1_500_000 * 1.1, rel=0.01), "nothing is wrong with this line"
    assert line.rembs == sorted(line.rembs)
