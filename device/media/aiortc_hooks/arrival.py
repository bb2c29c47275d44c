"""Media are handled in the call that reads them from the socket, and a packet's arrival is told by the kernel.

aioice tries to read every packet as a STUN message, then queues it for a task of aiortc's: a turn of the loop and a few
dozen calls more for each of a hundred packets a second. And what cannot be parsed ends that task, and with it the call:
aiortc catches ValueError, but a REMB that is cut short raises struct.error.
"""

from __future__ import annotations

import fcntl
import logging
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any, cast

import aioice.ice
import aiortc.rtcdtlstransport
from aiortc import RTCDtlsTransport, RTCRtpReceiver, clock
from aiortc.rtcdtlstransport import State
from aiortc.rtp import is_rtcp

_log = logging.getLogger(__name__)

_SIOCGSTAMPNS = 0x8907  # socket(7): when the packet that was read last came in
_TIMESPEC = struct.Struct("@ll")
_EMPTY = bytes(_TIMESPEC.size)
_MEDIA = range(128, 192)  # the first byte of RTP and RTCP (RFC 7983); STUN's is below 4
_SOURCE = "laegeknap_source"  # among the attributes of a protocol: looked for once, not with every packet
_INTAKE = "laegeknap_intake"  # among the attributes of an ICE connection
_RX_BYTES, _RX_PACKETS = "_RTCDtlsTransport__rx_bytes", "_RTCDtlsTransport__rx_packets"
_LATEST_S = 2.0  # a packet that claims to have waited longer: the wall clock was set meanwhile
_UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, struct.error)

_NotTheirs = aiortc.rtcdtlstransport.pylibsrtp.Error  # type: ignore[attr-defined]
_stock_received = aioice.ice.StunProtocol.datagram_received


def install_arrival() -> None:
    """Put our reading of datagrams where asyncio calls it; doing it again changes nothing."""
    aioice.ice.StunProtocol.datagram_received = _received  # type: ignore[method-assign]


def take_media(
    receiver: RTCRtpReceiver, monotonic: Callable[[], float], wall: Callable[[], float]
) -> Callable[[], float]:
    """Handle the media of this receiver's transport at once, and survive what cannot be read.

    What is returned tells when the packet that is being handled came in, on the monotonic clock.
    """
    intake = Intake(receiver.transport, monotonic, wall)
    vars(receiver.transport.transport._connection)[_INTAKE] = intake
    return intake.arrived


class Intake:
    """The media of one transport. `refused`: packets that could not be read though they were the other side's."""

    def __init__(self, dtls: RTCDtlsTransport, monotonic: Callable[[], float], wall: Callable[[], float]) -> None:
        self._dtls = dtls
        self._queue = dtls.transport._connection._queue
        self._monotonic = monotonic
        self._wall = wall
        self._source: socket.socket | None = None  # of the packet that is being handled
        self.refused = 0
        stock_rtp, stock_rtcp = dtls._handle_rtp_data, dtls._handle_rtcp_data

        async def handle_rtp(data: bytes, arrival_time_ms: int) -> None:
            try:
                await stock_rtp(data, arrival_time_ms=arrival_time_ms)
            except _UNREADABLE:
                self._refuse()

        async def handle_rtcp(data: bytes) -> None:
            try:
                await stock_rtcp(data)
            except _UNREADABLE:
                self._refuse()

        dtls._handle_rtp_data = handle_rtp  # type: ignore[method-assign]
        dtls._handle_rtcp_data = handle_rtcp  # type: ignore[method-assign]

    def take(self, data: bytes, source: socket.socket | None) -> bool:
        """Handle a packet; False if aiortc is not there yet, or has older ones to handle first."""
        dtls = self._dtls
        if dtls._state is not State.CONNECTED or not self._queue.empty():
            return False
        setattr(dtls, _RX_BYTES, getattr(dtls, _RX_BYTES) + len(data))
        setattr(dtls, _RX_PACKETS, getattr(dtls, _RX_PACKETS) + 1)
        self._source = source
        try:
            if is_rtcp(data):
                at_once(dtls._handle_rtcp_data(dtls._rx_srtp.unprotect_rtcp(data)))
            else:
                at_once(dtls._handle_rtp_data(dtls._rx_srtp.unprotect(data), clock.current_ms()))
        except _NotTheirs:
            pass  # not the other side's, or one that has come before
        finally:
            self._source = None
        return True

    def arrived(self) -> float:
        """When the packet that is being handled came in; now, if the kernel does not tell (TCP, TLS)."""
        now = self._monotonic()
        stamp = None if self._source is None else _stamp(self._source)
        if stamp is None:
            return now
        waited = self._wall() - stamp
        return now - waited if 0 <= waited < _LATEST_S else now

    def _refuse(self) -> None:
        self.refused += 1
        if self.refused == 1:
            _log.warning("a packet from the other side cannot be read", exc_info=True)


def at_once(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that waits for nothing; RuntimeError if it does wait."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("aiortc waits where it did not")


def _received(self: aioice.ice.StunProtocol, data: bytes | str, addr: tuple[Any, ...]) -> None:
    if isinstance(data, str) or not data or data[0] not in _MEDIA:
        _stock_received(self, data, addr)
        return
    intake: Intake | None = vars(self.receiver).get(_INTAKE)
    if intake is None or not intake.take(data, _source(self)):
        self.receiver.data_received(data, self.local_candidate.component)


def _source(protocol: aioice.ice.StunProtocol) -> socket.socket | None:
    kept = vars(protocol)
    if _SOURCE not in kept:
        kept[_SOURCE] = _socket(protocol)
    return cast("socket.socket | None", kept[_SOURCE])


def _stamp(source: socket.socket) -> float | None:
    try:
        seconds, nanoseconds = _TIMESPEC.unpack(fcntl.ioctl(source.fileno(), _SIOCGSTAMPNS, _EMPTY))
    except (OSError, ValueError):  # ValueError: it has been closed meanwhile
        return None
    return float(seconds + nanoseconds / 1e9)


def _socket(protocol: aioice.ice.StunProtocol) -> socket.socket | None:
    """The UDP socket that this protocol reads, its own or the one to its relay."""
    transport: Any = protocol.transport
    relayed = getattr(transport, "_TurnTransport__inner_protocol", None)
    source = (relayed.transport if relayed is not None else transport).get_extra_info("socket")
    if source is None or source.type != socket.SOCK_DGRAM:
        return None
    return cast("socket.socket", source)
