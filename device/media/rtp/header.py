"""The RTP header with the extensions that were negotiated, as flat bytes (RFC 3550, RFC 8285)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

_ONE_BYTE_PROFILE = 0xBEDE
_MOST_ID = 14  # what fits the one-byte form
_SEND_TIME_UNITS = 1 << 18  # a second, in abs-send-time: 6 bits of seconds, 18 of fraction
_SHOW_AT_ONCE = 0  # playout-delay: least and most, 12 bits each


@dataclass(frozen=True)
class Wire:
    """What was negotiated for one stream that we send. `extensions`: URI to id."""

    codec: str
    payload_type: int
    clock_rate: int
    ssrc: int
    rtx_ssrc: int
    rtx_payload_type: int | None
    cname: str
    mid: str
    extensions: Mapping[str, int] = field(default_factory=dict)


class HeaderWriter:
    """Writes the headers of one SSRC."""

    def __init__(self, wire: Wire, ssrc: int, payload_type: int) -> None:
        fixed = _fixed_extensions(wire)
        send_time = _usable_id(wire, ABS_SEND_TIME)
        words = len(fixed) // 4 + bool(send_time)
        self._types = (payload_type, payload_type | 0x80)
        self._ssrc = ssrc
        self._first = 0x90 if words else 0x80
        self._send_time = (send_time << 4 | 2) << 24 if send_time else 0
        self._tail = struct.pack("!HH", _ONE_BYTE_PROFILE, words) if words else b""
        self._fixed = fixed
        self._pack = struct.Struct(f"!BBHII{len(self._tail)}s{'I' if send_time else ''}").pack

    def write(self, sequence: int, timestamp: int, marker: bool, now: float) -> bytes:
        """The header of a packet that leaves `now` (seconds of a clock that is never set)."""
        start = (self._first, self._types[marker], sequence, timestamp, self._ssrc, self._tail)
        if not self._send_time:
            return self._pack(*start) + self._fixed
        return self._pack(*start, self._send_time | int(now * _SEND_TIME_UNITS) & 0xFFFFFF) + self._fixed


def _fixed_extensions(wire: Wire) -> bytes:
    """Those that are the same in every packet, padded to words."""
    parts = b""
    if delay := _usable_id(wire, PLAYOUT_DELAY):
        parts += bytes((delay << 4 | 2, 0, 0, _SHOW_AT_ONCE))
    if (name := _usable_id(wire, MID)) and 0 < len(mid := wire.mid.encode()) <= 16:
        parts += bytes((name << 4 | len(mid) - 1,)) + mid
    return parts + bytes(-len(parts) % 4)


def _usable_id(wire: Wire, uri: str) -> int:
    """Its id, or 0."""
    number = wire.extensions.get(uri, 0)
    return number if number <= _MOST_ID else 0
