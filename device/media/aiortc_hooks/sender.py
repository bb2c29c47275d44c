"""Senders: our own in place of aiortc's loop, which has no pacer, no bound on repairs, and drops most feedback.

aiortc's RTCRtpSender goes on to negotiate and to be started, stopped and asked for statistics; what it sends is ours.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from aiortc import RTCDtlsTransport, RTCRtpSender, RTCRtpTransceiver
from aiortc.codecs import HEADER_EXTENSIONS, is_rtx
from aiortc.rtcdtlstransport import State
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpHeaderExtensionParameters, RTCRtpSendParameters
from aiortc.rtp import AnyRtcpPacket, is_rtcp
from aiortc.stats import RTCStatsReport

from device.media.rtp.header import PLAYOUT_DELAY, Wire

_PLAYOUT_DELAY_ID = 5
_PRIVATE = "_RTCRtpSender__"
_TX_BYTES, _TX_PACKETS = "_RTCDtlsTransport__tx_bytes", "_RTCDtlsTransport__tx_packets"
_RELAY = "_TurnTransport__inner_protocol"


class Outgoing(Protocol):
    """What sends in aiortc's place. Everything is called on the loop."""

    def opened(self, wire: Wire, line: DtlsLine) -> None:
        """The connection is there."""

    def rtcp(self, packet: AnyRtcpPacket) -> None:
        """Feedback on what has been sent."""

    def closed(self) -> None:
        """The connection is about to be closed."""

    def sent(self) -> tuple[int, int]:
        """Packets, and bytes of payload, for aiortc's statistics."""


def install_extensions() -> None:
    """Offer playout-delay, by which a browser shows a picture when it has it; doing it again changes nothing."""
    offered = HEADER_EXTENSIONS["video"]
    if all(extension.uri != PLAYOUT_DELAY for extension in offered):
        offered.append(RTCRtpHeaderExtensionParameters(id=_PLAYOUT_DELAY_ID, uri=PLAYOUT_DELAY))


def negotiated_codec(transceiver: RTCRtpTransceiver) -> str:
    """The name of the codec that will be sent, e.g. `H264`; known once the answer is in."""
    return transceiver._codecs[0].name


def send_instead(sender: RTCRtpSender, outgoing: Outgoing) -> None:
    """Let `outgoing` send for a sender that has not been started."""
    wires: list[Wire] = []
    stock_send, stock_stats = sender.send, sender.getStats

    async def send(parameters: RTCRtpSendParameters) -> None:
        wires.append(_wire(sender, parameters))
        await stock_send(parameters)

    async def run_rtp(_: RTCRtpCodecParameters) -> None:
        _event(sender, "rtp_started").set()
        try:
            outgoing.opened(wires[0], DtlsLine(sender.transport))
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            outgoing.closed()
        finally:
            _event(sender, "rtp_exited").set()  # sender.stop() waits for it

    async def run_rtcp() -> None:
        _event(sender, "rtcp_started").set()
        _event(sender, "rtcp_exited").set()

    async def handle(packet: AnyRtcpPacket) -> None:
        outgoing.rtcp(packet)

    async def stats() -> RTCStatsReport:
        packets, octets = outgoing.sent()
        setattr(sender, _PRIVATE + "packet_count", packets)
        setattr(sender, _PRIVATE + "octet_count", octets)
        return await stock_stats()

    sender.send = send  # type: ignore[method-assign]
    sender._run_rtp = run_rtp  # type: ignore[method-assign,assignment]
    sender._run_rtcp = run_rtcp  # type: ignore[method-assign]
    sender._handle_rtcp_packet = handle  # type: ignore[method-assign]
    sender.getStats = stats  # type: ignore[method-assign]


class DtlsLine:
    """Encrypts and sends as RTCDtlsTransport and aioice's Connection do, without a coroutine for every layer."""

    def __init__(self, dtls: RTCDtlsTransport) -> None:
        self._dtls = dtls
        self._connection = dtls.transport._connection

    def send(self, packet: bytes) -> bool:
        """Encrypt and send a packet of RTP or RTCP; False if there is no connection (any more)."""
        dtls, pair = self._dtls, self._connection._nominated.get(1)
        if pair is None or dtls._state is not State.CONNECTED:
            return False
        data = dtls._tx_srtp.protect_rtcp(packet) if is_rtcp(packet) else dtls._tx_srtp.protect(packet)
        pair.protocol.transport.sendto(data, pair.remote_addr)
        setattr(dtls, _TX_BYTES, getattr(dtls, _TX_BYTES) + len(data))
        setattr(dtls, _TX_PACKETS, getattr(dtls, _TX_PACKETS) + 1)
        return True

    def backlog(self) -> int:
        """Bytes that wait to leave: only a relay reached by TCP or TLS lets any wait for long."""
        pair = self._connection._nominated.get(1)
        if pair is None:
            return 0
        relay = getattr(pair.protocol.transport, _RELAY, None)
        transport: Any = pair.protocol.transport if relay is None else relay.transport
        waiting: int = transport.get_write_buffer_size()
        return waiting


def _wire(sender: RTCRtpSender, parameters: RTCRtpSendParameters) -> Wire:
    codec = parameters.codecs[0]
    assert codec.payloadType is not None and parameters.rtcp.cname is not None  # noqa: S101 - aiortc sets both
    repairs = (c for c in parameters.codecs if is_rtx(c) and c.parameters["apt"] == codec.payloadType)
    rtx = next(repairs, None)
    return Wire(
        codec=codec.name,
        payload_type=codec.payloadType,
        clock_rate=codec.clockRate,
        ssrc=sender._ssrc,
        rtx_ssrc=sender._rtx_ssrc,
        rtx_payload_type=None if rtx is None else rtx.payloadType,
        cname=parameters.rtcp.cname,
        mid=parameters.muxId,
        extensions={extension.uri: extension.id for extension in parameters.headerExtensions},
    )


def _event(sender: RTCRtpSender, name: str) -> asyncio.Event:
    event: asyncio.Event = getattr(sender, _PRIVATE + name)
    return event
