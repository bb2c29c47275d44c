"""The private parts of aiortc and aioice that device/media/aiortc_hooks/sender.py holds on to.

If one of these fails after an upgrade, the station sends nothing, or does not hear that its pictures are lost.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator

import aioice.ice
import aioice.turn
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.rtcdtlstransport import RTCDtlsTransport, State
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RTCP_PSFB_PLI, AnyRtcpPacket, RtcpPsfbPacket, RtcpReceiverInfo, RtcpRrPacket, RtpPacket
from pylibsrtp import Session

from device.media import aiortc_hooks
from device.media.aiortc_hooks import DtlsLine
from device.media.rtp.header import ABS_SEND_TIME, MID, PLAYOUT_DELAY, Wire
from device.media.rtp.reports import goodbye

H264 = RTCRtpCodecParameters("video/H264", 90_000, payloadType=99)


class Outgoing:
    """Remembers what the hooks tell it."""

    def __init__(self) -> None:
        self.wire: Wire | None = None
        self.line: DtlsLine | None = None
        self.heard: asyncio.Queue[AnyRtcpPacket] = asyncio.Queue()
        self.ended = 0
        self.open = asyncio.Event()

    def opened(self, wire: Wire, line: DtlsLine) -> None:
        self.wire, self.line = wire, line
        self.open.set()

    def rtcp(self, packet: AnyRtcpPacket) -> None:
        self.heard.put_nowait(packet)

    def closed(self) -> None:
        self.ended += 1

    def sent(self) -> tuple[int, int]:
        return 7, 700


class Pair:
    """Two peer connections; the first sends pictures by `outgoing`."""

    def __init__(self) -> None:
        aiortc_hooks.install()
        self.one, self.two = (RTCPeerConnection(RTCConfiguration([])) for _ in range(2))
        self.outgoing = Outgoing()
        self.transceiver = self.one.addTransceiver("video", "sendrecv")
        aiortc_hooks.send_instead(self.transceiver.sender, self.outgoing)

    async def connect(self) -> None:
        await self.one.setLocalDescription(await self.one.createOffer())
        await self.two.setRemoteDescription(RTCSessionDescription(self.one.localDescription.sdp, "offer"))
        await self.two.setLocalDescription(await self.two.createAnswer())
        await self.one.setRemoteDescription(RTCSessionDescription(self.two.localDescription.sdp, "answer"))
        async with asyncio.timeout(10):
            await self.outgoing.open.wait()

    @property
    def sender(self) -> RTCRtpSender:
        return self.transceiver.sender

    @property
    def receiving(self) -> RTCDtlsTransport:
        return self.two.getTransceivers()[0].receiver.transport

    async def close(self) -> None:
        await self.one.close()
        await self.two.close()


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    pair = Pair()
    await pair.connect()
    yield pair
    await pair.close()


async def test_a_sender_of_ours_is_opened_with_all_that_was_negotiated(pair: Pair) -> None:
    wire = pair.outgoing.wire
    assert wire is not None
    assert (wire.codec, wire.clock_rate) == (aiortc_hooks.negotiated_codec(pair.transceiver), 90_000)
    assert wire.rtx_payload_type is not None
    assert wire.rtx_payload_type != wire.payload_type
    assert f"a=ssrc:{wire.ssrc} cname:{wire.cname}" in pair.one.localDescription.sdp
    assert f"a=ssrc-group:FID {wire.ssrc} {wire.rtx_ssrc}" in pair.one.localDescription.sdp
    assert wire.mid == pair.transceiver.mid
    assert set(wire.extensions) == {MID, ABS_SEND_TIME, PLAYOUT_DELAY}
    for uri, number in wire.extensions.items():
        assert f"a=extmap:{number} {uri}" in pair.two.localDescription.sdp


async def test_what_is_sent_arrives_decrypted_and_is_counted_as_aiortc_would(pair: Pair) -> None:
    assert pair.outgoing.wire is not None
    assert pair.outgoing.line is not None
    came: asyncio.Queue[bytes] = asyncio.Queue()

    async def rtp(data: bytes, arrival_time_ms: int) -> None:
        came.put_nowait(data)

    pair.receiving._handle_rtp_data = rtp  # type: ignore[method-assign]
    pair.receiving._handle_rtcp_data = came.put  # type: ignore[method-assign,assignment]
    before = _sent(pair.sender.transport)
    packet = RtpPacket(payload_type=pair.outgoing.wire.payload_type, ssrc=pair.outgoing.wire.ssrc, payload=b"picture")

    assert pair.outgoing.line.send(packet.serialize())
    assert pair.outgoing.line.send(goodbye(pair.outgoing.wire.ssrc))

    async with asyncio.timeout(5):
        assert await came.get() == packet.serialize()
        assert await came.get() == goodbye(pair.outgoing.wire.ssrc)
    packets, octets = (after - earlier for after, earlier in zip(_sent(pair.sender.transport), before, strict=True))
    assert packets >= 2
    assert octets > len(packet.serialize()) + len(goodbye(1)), "encryption adds its tags"
    assert pair.outgoing.line.backlog() == 0


def _sent(transport: RTCDtlsTransport) -> tuple[int, int]:
    report = transport._get_stats()[transport._stats_id]
    return report.packetsSent, report.bytesSent


async def test_feedback_reaches_us_by_aiortcs_own_routes(pair: Pair) -> None:
    assert pair.outgoing.wire is not None
    ssrc = pair.outgoing.wire.ssrc
    said: list[AnyRtcpPacket] = [
        RtcpRrPacket(1, [RtcpReceiverInfo(ssrc, 0, 0, 0, 0, 0, 0)]),
        RtcpPsfbPacket(RTCP_PSFB_PLI, 1, ssrc),
    ]
    for packet in said:
        await pair.receiving._send_rtp(bytes(packet))
    async with asyncio.timeout(5):
        while said:
            heard = await pair.outgoing.heard.get()
            said = [packet for packet in said if packet != heard]


async def test_statistics_and_the_end_are_aiortcs_own(pair: Pair) -> None:
    report = await pair.sender.getStats()
    outbound = next(each for each in report.values() if each.type == "outbound-rtp")
    assert (outbound.packetsSent, outbound.bytesSent) == (7, 700)

    async with asyncio.timeout(5):
        await pair.close()

    assert pair.outgoing.ended == 1
    assert pair.outgoing.line is not None
    assert pair.outgoing.line.send(goodbye(1)) is False
    assert pair.outgoing.line.backlog() == 0


async def test_a_sender_that_fails_to_open_does_not_hold_up_the_end() -> None:
    pair = Pair()
    pair.outgoing.opened = _fail  # type: ignore[method-assign]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await pair.connect()
    async with asyncio.timeout(5):
        await pair.close()


def _fail(wire: Wire, line: DtlsLine) -> None:
    raise ConnectionError


def test_aiortc_starts_what_we_put_in_its_place() -> None:
    source = inspect.getsource(RTCRtpSender.send)
    assert "self._run_rtp(parameters.codecs[0])" in source, "aiortc would send by itself"
    assert "self._run_rtcp()" in source, "aiortc would report by itself"
    stop = inspect.getsource(RTCRtpSender.stop)
    for event in ("__rtp_started", "__rtcp_started", "__rtp_exited", "__rtcp_exited"):
        assert event in stop, f"stop() no longer waits for {event}"


def test_a_packet_goes_the_way_that_our_short_cut_takes() -> None:
    dtls = inspect.getsource(RTCDtlsTransport._send_rtp)
    assert "self._state != State.CONNECTED" in dtls
    assert "self._tx_srtp.protect_rtcp(data)" in dtls
    assert "self._tx_srtp.protect(data)" in dtls
    assert "self.transport._send(data)" in dtls
    assert "self.__tx_bytes += len(data)" in dtls
    assert "self.__tx_packets += 1" in dtls
    ice = inspect.getsource(aioice.ice.Connection.sendto)
    assert "self._nominated.get(component)" in ice
    assert "active_pair.protocol.send_data(data, active_pair.remote_addr)" in ice
    assert "self.transport.sendto(data, addr)" in inspect.getsource(aioice.ice.StunProtocol.send_data)
    assert not inspect.iscoroutinefunction(aioice.turn.TurnTransport.sendto), "a relay would get nothing"
    assert State.CONNECTED in State


def test_a_relays_own_connection_is_where_backlog_looks() -> None:
    protocol = aioice.turn.TurnClientTcpProtocol(("192.0.2.1", 3478), "user", "secret", 600, 300)
    transport = aioice.turn.TurnTransport(protocol)
    assert getattr(transport, "_TurnTransport__inner_protocol") is protocol  # noqa: B009
    assert "self.transport = " in inspect.getsource(aioice.turn.TurnClientTcpProtocol.connection_made)


def test_a_sequence_number_may_be_sent_again_for_who_knows_no_rtx() -> None:
    assert "allow_repeat_tx = True" in inspect.getsource(RTCDtlsTransport), "SRTP would refuse a repeated packet"
    assert "packet is too long" in inspect.getsource(Session), "the largest packet is bounded by 1500 bytes"


def test_playout_delay_is_offered_once() -> None:
    aiortc_hooks.install()
    aiortc_hooks.install()
    offered = [each.uri for each in RTCRtpSender.getCapabilities("video").headerExtensions]
    assert offered.count(PLAYOUT_DELAY) == 1


async def test_the_negotiated_codec_is_the_transceivers_first() -> None:
    connection = RTCPeerConnection(RTCConfiguration([]))
    transceiver = connection.addTransceiver("video")
    transceiver._codecs = [H264]
    assert aiortc_hooks.negotiated_codec(transceiver) == "H264"
    assert "parameters.codecs[0]" in inspect.getsource(RTCRtpSender.send)
    await connection.close()
