"""When a packet reached this machine, by the kernel's word: a loop that is out of breath takes packets late.

aioice hands on what its sockets receive without a time, and tries to read every media packet as a STUN message first.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Callable
from typing import Any, cast

import aioice.ice
from aiortc import RTCRtpReceiver

_SIOCGSTAMPNS = 0x8907  # socket(7): when the packet that was read last came in
_TIMESPEC = struct.Struct("@ll")
_EMPTY = bytes(_TIMESPEC.size)
_MEDIA = range(128, 192)  # the first byte of RTP and RTCP (RFC 7983); STUN's is below 4
_SOURCE = "laegeknap_source"  # among the attributes of a protocol: looked for once, not with every packet
_LATEST_S = 2.0  # a packet that claims to have waited longer: the wall clock was set meanwhile

_stock_received = aioice.ice.StunProtocol.datagram_received


class StampedPacket(bytes):
    """A datagram; `stamp`: Unix seconds of its arrival, None if the kernel does not tell (TCP, TLS)."""

    stamp: float | None = None


def install_arrival() -> None:
    """Put our reading of datagrams where asyncio calls it; doing it again changes nothing."""
    aioice.ice.StunProtocol.datagram_received = _received  # type: ignore[method-assign]


def follow_arrivals(
    receiver: RTCRtpReceiver, monotonic: Callable[[], float], wall: Callable[[], float]
) -> Callable[[], float]:
    """What tells when the packet that this receiver's transport is handling came in, on the monotonic clock."""
    transport = receiver.transport.transport
    take = transport._recv
    stamp: float | None = None

    async def recv() -> bytes:
        nonlocal stamp
        data: bytes = await take()
        stamp = data.stamp if isinstance(data, StampedPacket) else None
        return data

    def arrived() -> float:
        if stamp is None:
            return monotonic()
        waited = wall() - stamp
        return monotonic() - (waited if 0 <= waited < _LATEST_S else 0.0)

    transport._recv = recv
    return arrived


def _received(self: aioice.ice.StunProtocol, data: bytes | str, addr: tuple[Any, ...]) -> None:
    if isinstance(data, str) or not data or data[0] not in _MEDIA:
        _stock_received(self, data, addr)
        return
    packet = StampedPacket(data)
    kept = vars(self)
    if _SOURCE not in kept:
        kept[_SOURCE] = _socket(self)
    source = kept[_SOURCE]
    packet.stamp = None if source is None else _stamp(source)
    self.receiver.data_received(packet, self.local_candidate.component)


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
