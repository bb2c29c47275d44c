"""The private parts of aiortc and aioice that device/media/aiortc_hooks/receiver.py and arrival.py hold on to.

If one of these fails after an upgrade, lost packets are not asked for, a browser is held back or let flood the line.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import aioice.ice
import aioice.stun
import aioice.turn
import pylibsrtp
import pytest
import pytest_asyncio
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport, State
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
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from device.media import aiortc_hooks
from device.media.aiortc_hooks.arrival import Intake, _socket, at_once
from tests.kits.eventually import eventually
from tests.kits.examples import examples

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
        self._queue: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue()

    def data_received(self, data: bytes, component: int) -> None:
        assert component == 1
        self.data.append(data)

    def request_received(self, *_: object) -> None:
        self.requests += 1

    def protocol_lost(self, _: object) -> None: ...


async def endpoint(connection: Any) -> Any:
    """A STUN protocol of aioice's on a socket of its own, and its address."""
    aiortc_hooks.install()
    _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: aioice.ice.StunProtocol(connection), local_addr=("127.0.0.1", 0)
    )
    protocol.local_candidate = aioice.Candidate("1", 1, "udp", 1, "127.0.0.1", 1, "host")
    return protocol, protocol.transport.get_extra_info("sockname")


async def test_what_nobody_takes_at_once_goes_on_to_aioice() -> None:
    connection = Connection()
    protocol, address = await endpoint(connection)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in (b"\x80media", b"\x16dtls"):
            sender.sendto(data, address)
        sender.sendto(bytes(aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST)), address)
        await eventually(lambda: connection.requests == 1)
    await protocol.close()
    assert connection.data == [b"\x80media", b"\x16dtls"]


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


class Dtls:
    """A DTLS transport that is connected and decrypts by leaving off a byte; remembers what it handles."""

    def __init__(self) -> None:
        self.transport = self._rx_srtp = self
        self._connection = Connection()
        self._state = State.CONNECTED
        self._RTCDtlsTransport__rx_bytes = self._RTCDtlsTransport__rx_packets = 0
        self.handled: list[tuple[str, bytes]] = []
        self.seen: list[float] = []
        self.arrived: Callable[[], float] = lambda: 0.0
        self.failing: Exception | None = None

    def unprotect(self, data: bytes) -> bytes:
        if data.endswith(b"forged"):
            raise pylibsrtp.Error("authentication failure")
        return data[:-1]

    unprotect_rtcp = unprotect

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        await self._handle("rtp", data)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        await self._handle("rtcp", data)

    async def _handle(self, kind: str, data: bytes) -> None:
        self.handled.append((kind, data))
        self.seen.append(self.arrived())
        if self.failing is not None:
            raise self.failing

    @property
    def counted(self) -> tuple[int, int]:
        return self._RTCDtlsTransport__rx_packets, self._RTCDtlsTransport__rx_bytes


def intake_of(dtls: Dtls, monotonic: Callable[[], float] = time.monotonic) -> Intake:
    receiver = SimpleNamespace(transport=dtls)
    arrived = aiortc_hooks.take_media(receiver, monotonic, time.time)  # type: ignore[arg-type]
    dtls.arrived = arrived
    return arrived.__self__  # type: ignore[attr-defined,no-any-return]


async def test_media_are_handled_in_the_call_that_reads_them_and_stamped_by_the_kernel() -> None:
    dtls = Dtls()
    intake_of(dtls)
    protocol, address = await endpoint(dtls._connection)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"\x80\x63first.", address)  # from here on the kernel keeps the time
        await eventually(lambda: len(dtls.handled) == 1)
        before = time.monotonic()
        sender.sendto(b"\x80\x63media.", address)
        sender.sendto(b"\x80\xc8report.", address)
        sender.sendto(b"\x80\x63forged", address)
        sent = time.monotonic()
        while time.monotonic() < sent + 0.05:
            pass  # the loop is out of breath
        await eventually(lambda: dtls.counted[0] == 4)
    await protocol.close()
    assert dtls.handled == [("rtp", b"\x80\x63first"), ("rtp", b"\x80\x63media"), ("rtcp", b"\x80\xc8report")]
    assert dtls.counted == (4, 8 + 8 + 9 + 8)
    assert dtls._connection.data == []
    assert before - 0.001 <= dtls.seen[1] <= sent + 0.02, "the time is that of the loop, not that of the arrival"


def test_a_stamp_that_cannot_be_right_is_not_believed() -> None:
    clocks = {"wall": time.time() + 3600.0}  # the wall clock was set by an hour
    dtls = Dtls()
    arrived = aiortc_hooks.take_media(
        SimpleNamespace(transport=dtls),  # type: ignore[arg-type]
        lambda: 50.0,
        lambda: clocks["wall"],
    )
    dtls.arrived = arrived
    intake: Intake = arrived.__self__  # type: ignore[attr-defined]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        source.bind(("127.0.0.1", 0))
        for _ in range(2):  # the kernel begins to keep the time when it is first asked
            source.sendto(b"x", source.getsockname())
            source.recv(10)
            assert intake.take(b"\x80\x63media.", source)
    assert intake.take(b"\x80\x63by TCP.", None)
    assert dtls.seen == [50.0, 50.0, 50.0]


@pytest.mark.parametrize("why", ["not connected", "older ones wait"])
def test_media_wait_their_turn_until_aiortc_has_the_keys(why: str) -> None:
    dtls = Dtls()
    intake = intake_of(dtls)
    if why == "not connected":
        dtls._state = State.CONNECTING
    else:
        dtls._connection._queue.put_nowait((b"\x80older", 1))
    assert not intake.take(b"\x80\x63media.", None)
    assert dtls.handled == []


@pytest.mark.parametrize("error", [ValueError(), struct.error(), IndexError(), OverflowError()])
async def test_what_cannot_be_read_is_counted_and_ends_nothing(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    dtls = Dtls()
    intake = intake_of(dtls)
    dtls.failing = error
    assert intake.take(b"\x80\x63media.", None)
    assert intake.take(b"\x80\xc8report.", None)
    await dtls._handle_rtcp_data(b"queued before the keys were there")
    assert intake.refused == 3
    assert len(caplog.records) == 1, "who sends many shall not fill the log"


async def test_a_coroutine_that_waits_is_not_left_half_done() -> None:
    async def waits() -> None:
        await asyncio.Future()

    with pytest.raises(RuntimeError, match="waits"):
        at_once(waits())


class Router(Rig):
    """A real receiver and router, behind a real DTLS transport that needs no keys."""

    def __init__(self) -> None:
        super().__init__()
        self.dtls = self.receiver.transport
        self.dtls._state = State.CONNECTED
        self.dtls._rx_srtp = SimpleNamespace(unprotect=bytes, unprotect_rtcp=bytes)  # type: ignore[assignment]
        arrived = aiortc_hooks.take_media(self.receiver, time.monotonic, time.time)
        self.intake: Intake = arrived.__self__  # type: ignore[attr-defined]


@pytest_asyncio.fixture
async def router() -> AsyncIterator[Router]:
    router = Router()
    await router.begin()
    yield router
    await router.connection.close()


HEADERS = st.sampled_from(
    [*(bytes((0x80 | count, kind)) for count in (0, 1, 15) for kind in range(200, 208)), b"\x90\x63"]
)
REMB = struct.pack("!BBHLL4sBBH", 0x8F, 206, 4, OWN, 0, b"REMB", 9, 0, 100)  # of nine streams, and says none


@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=60),
        st.builds(
            lambda h, words, rest: h + struct.pack("!H", words) + rest,
            HEADERS,
            st.integers(0, 12),
            st.binary(max_size=48),
        ),
    )
)
@example(REMB)
async def test_no_bytes_of_the_other_side_end_the_reading(router: Router, data: bytes) -> None:
    """Authenticated does not mean well meant."""
    assert router.intake.take(data, None)


async def test_a_remb_that_is_cut_short_is_refused(router: Router) -> None:
    assert router.intake.take(REMB, None)
    assert router.intake.refused == 1


async def test_media_reach_the_buffers_without_a_turn_of_the_loop(router: Router) -> None:
    packet = RtpPacket(payload_type=99, ssrc=SSRC, sequence_number=5, payload=b"\x41picture")
    assert router.intake.take(packet.serialize(), None)
    assert [word for word, *_ in router.pictures.told] == ["take", "add"]


def test_aiortc_keeps_what_we_stand_in_for() -> None:
    source = inspect.getsource(RTCDtlsTransport._recv_next)
    assert "await self._handle_rtp_data(data, arrival_time_ms=arrival_time_ms)" in source
    assert "await self._handle_rtcp_data(data)" in source
    assert "self.__rx_packets += 1" in source
    assert "self.receiver.data_received(data, self.local_candidate.component)" in inspect.getsource(
        aiortc_hooks.arrival._stock_received
    )
