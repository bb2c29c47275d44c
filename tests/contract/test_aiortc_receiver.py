"""The private parts of aiortc and aioice that device/media/aiortc_hooks/receiver.py and arrival.py hold on to.

If one of these fails after an upgrade, lost packets are not asked for, a browser is held back or let flood the line.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import aioice.ice
import aioice.stun
import aioice.turn
import pytest
import pytest_asyncio
from aiortc import RTCConfiguration, RTCIceTransport, RTCPeerConnection, RTCRtpReceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import (
    RTCRtpCodecParameters,
    RTCRtpDecodingParameters,
    RTCRtpReceiveParameters,
    RTCRtpRtxParameters,
)
from aiortc.rtcrtpreceiver import RemoteStreamTrack
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRtpfbPacket,
    RtpPacket,
    unpack_remb_fci,
)

from device.media import aiortc_hooks
from device.media.aiortc_hooks.arrival import StampedPacket, _socket
from tests.eventually import eventually

CODECS = [
    RTCRtpCodecParameters("video/H264", 90_000, payloadType=99),
    RTCRtpCodecParameters("video/rtx", 90_000, payloadType=100, parameters={"apt": 99}),
]
SSRC, RTX_SSRC, OWN = 7, 8, 9


class Pictures:
    """Remembers in which order it is told what; asks for `missing`, and for `bandwidth`."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.missing: list[int] = []
        self.bandwidth: int | None = None

    def measure(self, abs_send_time: int, size: int, ssrc: int) -> tuple[int, list[int]] | None:
        self.told.append(("measure", abs_send_time, size, ssrc))
        return None if self.bandwidth is None else (self.bandwidth, [SSRC])

    def take(self, packet: RtpPacket) -> bool:
        self.told.append(("take", packet.sequence_number, packet.ssrc))
        return bool(self.missing)

    def add(self, packet: RtpPacket) -> tuple[bool, None]:
        self.told.append(("add", packet.sequence_number, aiortc_hooks.payload(packet)))
        return False, None


class Rig:
    """A receiver that delivers to `pictures`, and the RTCP it sends."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration([]))
        self.pictures = Pictures()
        self.sent: list[AnyRtcpPacket] = []
        with aiortc_hooks.receiver_buffers(lambda _: self.pictures):
            self.receiver: RTCRtpReceiver = self.connection.addTransceiver("video").receiver
        aiortc_hooks.measure_line(self.receiver, self.pictures)
        self.receiver.transport._send_rtp = self._send  # type: ignore[method-assign]

    async def begin(self) -> None:
        self.receiver._track = RemoteStreamTrack("video")
        encoding = RTCRtpDecodingParameters(ssrc=SSRC, payloadType=99, rtx=RTCRtpRtxParameters(RTX_SSRC))
        await self.receiver.receive(RTCRtpReceiveParameters(codecs=CODECS, encodings=[encoding]))
        self.receiver._set_rtcp_ssrc(OWN)

    async def receive(self, number: int, payload: bytes, ssrc: int = SSRC, padding: int = 0) -> None:
        packet = RtpPacket(99 if ssrc == SSRC else 100, 1, number, 3000, ssrc, payload)
        packet.padding_size = padding
        packet.extensions.abs_send_time = 1234
        await self.receiver._handle_rtp_packet(packet, arrival_time_ms=0)

    async def _send(self, data: bytes) -> None:
        self.sent += [packet for packet in RtcpPacket.parse(data) if not hasattr(packet, "reports")]


@pytest_asyncio.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    await rig.begin()
    yield rig
    await rig.connection.close()


async def test_each_packet_is_measured_then_taken_then_added(rig: Rig) -> None:
    await rig.receive(5, b"\x65picture")
    assert rig.pictures.told == [
        ("measure", 1234, 8, SSRC),
        ("take", 5, SSRC),
        ("add", 5, b"\x00\x00\x00\x01\x65picture"),
    ], "aiortc no longer asks its bitrate estimator, its NACK generator and its jitter buffer, in this order"
    assert rig.sent == []


async def test_a_retransmission_is_measured_by_its_own_ssrc_and_taken_as_what_it_repairs(rig: Rig) -> None:
    await rig.receive(900, b"\x00\x06\x65picture", RTX_SSRC)
    assert rig.pictures.told[:2] == [("measure", 1234, 10, RTX_SSRC), ("take", 6, SSRC)], (
        "repairs can no longer be told from late packets: the round trip would be measured wrongly"
    )


async def test_padding_is_measured_and_no_more(rig: Rig) -> None:
    await rig.receive(901, b"", RTX_SSRC, padding=200)
    assert rig.pictures.told == [("measure", 1234, 200, RTX_SSRC)]


async def test_what_is_missing_is_asked_for_when_take_says_so(rig: Rig) -> None:
    rig.pictures.missing = [65_535, 3, 4]
    await rig.receive(5, b"\x65x")
    (nack,) = rig.sent
    assert isinstance(nack, RtcpRtpfbPacket)
    assert (nack.fmt, nack.media_ssrc, set(nack.lost)) == (RTCP_RTPFB_NACK, SSRC, {65_535, 3, 4})


async def test_what_measure_answers_is_sent_as_remb(rig: Rig) -> None:
    rig.pictures.bandwidth = 700_000
    await rig.receive(5, b"\x65x")
    (remb,) = rig.sent
    assert isinstance(remb, RtcpPsfbPacket)
    assert remb.fmt == RTCP_PSFB_APP
    bitrate, ssrcs = unpack_remb_fci(remb.fci)
    assert bitrate == pytest.approx(700_000, rel=0.01)
    assert ssrcs == [SSRC]


async def test_between_packets_the_same_is_sent_by_us(rig: Rig) -> None:
    await aiortc_hooks.ask_again(rig.receiver, SSRC, [9, 8])
    await aiortc_hooks.ask_key_frame(rig.receiver, SSRC)
    await aiortc_hooks.tell_bandwidth(rig.receiver, SSRC, 300_000)
    nack, pli, remb = rig.sent
    assert isinstance(nack, RtcpRtpfbPacket)
    assert nack.lost == [8, 9]
    assert isinstance(pli, RtcpPsfbPacket)
    assert (pli.fmt, pli.media_ssrc, pli.ssrc) == (RTCP_PSFB_PLI, SSRC, OWN)
    assert isinstance(remb, RtcpPsfbPacket)
    assert unpack_remb_fci(remb.fci)[0] == pytest.approx(300_000, rel=0.01)


async def test_a_receiver_has_an_ssrc_to_speak_with_from_the_beginning(rig: Rig) -> None:
    rig.receiver._set_rtcp_ssrc(OWN)
    await aiortc_hooks.tell_bandwidth(rig.receiver, SSRC, 300_000)
    fresh = rig.connection.addTransceiver("video").receiver
    assert getattr(fresh, "_RTCRtpReceiver__rtcp_ssrc") is not None  # noqa: B009
    assert [packet.ssrc for packet in rig.sent if isinstance(packet, RtcpPsfbPacket)] == [OWN]


# When packets arrived.


class Connection:
    """What aioice's protocol delivers to."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.requests = 0

    def data_received(self, data: bytes, component: int) -> None:
        assert component == 1
        self.data.append(data)

    def request_received(self, *_: object) -> None:
        self.requests += 1

    def protocol_lost(self, _: object) -> None: ...


async def test_media_are_stamped_by_the_kernel_and_stun_goes_on_to_aioice() -> None:
    aiortc_hooks.install()
    loop = asyncio.get_running_loop()
    connection = Connection()
    _, protocol = await loop.create_datagram_endpoint(
        lambda: aioice.ice.StunProtocol(connection),  # type: ignore[arg-type]
        local_addr=("127.0.0.1", 0),
    )
    protocol.local_candidate = aioice.Candidate("1", 1, "udp", 1, "127.0.0.1", 1, "host")
    address = protocol.transport.get_extra_info("sockname")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"\x80first", address)  # from here on the kernel keeps the time
        await eventually(lambda: len(connection.data) == 1)
        before = time.time()
        sender.sendto(b"\x80media", address)
        sender.sendto(bytes(aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST)), address)
        sender.sendto(b"\x16dtls", address)
        sent = time.time()
        while time.time() < sent + 0.05:
            pass  # the loop is out of breath
        await eventually(lambda: len(connection.data) == 3)
    await protocol.close()

    media, dtls = connection.data[1:]
    assert isinstance(media, StampedPacket)
    assert (bytes(media), bytes(dtls), connection.requests) == (b"\x80media", b"\x16dtls", 1)
    assert media.stamp is not None
    assert before - 0.001 <= media.stamp <= sent + 0.02, "the time is that of the loop, not that of the arrival"


def test_what_comes_by_a_relay_over_udp_is_stamped_too_and_over_tcp_it_cannot_be() -> None:
    class Inner:
        receiver = None

        def __init__(self, source: socket.socket) -> None:
            self.transport = self
            self._source = source

        def get_extra_info(self, name: str) -> socket.socket:
            assert name == "socket"
            return self._source

    assert "self.transport = transport" in inspect.getsource(aioice.turn.TurnClientMixin.connection_made)
    found = []
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as source:
            protocol = aioice.ice.StunProtocol.__new__(aioice.ice.StunProtocol)
            protocol.transport = aioice.turn.TurnTransport(Inner(source))  # type: ignore[arg-type,assignment]
            found.append(_socket(protocol) is source)
    assert found == [True, False], "the socket to a relay is no longer found"


async def test_the_arrival_of_the_packet_that_is_handled_is_told() -> None:
    connection = RTCPeerConnection(RTCConfiguration([]))
    receiver = connection.addTransceiver("video").receiver
    ice = receiver.transport.transport
    stamped = StampedPacket(b"\x80x")
    stamped.stamp = 999.7
    future = StampedPacket(b"\x80x")
    future.stamp = 1500.0
    queue = [stamped, b"\x80y", future]

    async def take() -> bytes:
        return queue.pop(0)

    ice._recv = take
    arrived = aiortc_hooks.follow_arrivals(receiver, lambda: 50.0, lambda: 1000.0)
    seen = []
    while queue:
        await ice._recv()
        seen.append(arrived())
    await connection.close()
    assert seen == [pytest.approx(49.7), 50.0, 50.0], "without a stamp that can be right, it is now"


def test_every_packet_is_taken_from_the_ice_transport_and_handled_before_the_next() -> None:
    assert "self._recv = self._connection.recv" in inspect.getsource(RTCIceTransport.__init__)
    source = inspect.getsource(RTCDtlsTransport._recv_next)
    assert "await self.transport._recv()" in source
    assert "await self._handle_rtp_data(" in source, "the time told could be that of a later packet"
    assert "self.receiver.data_received(data, self.local_candidate.component)" in inspect.getsource(
        aiortc_hooks.arrival._stock_received
    )
