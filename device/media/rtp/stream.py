"""One RTP stream that we send: frames in, packets out, each numbered as it leaves."""

from __future__ import annotations

import secrets
import struct
from collections import deque

from device.media.rtp.header import HeaderWriter, Wire
from device.media.rtp.packing import packer
from device.media.rtp.repairs import Repairs
from device.media.rtp.reports import ReceiverReports, SourceClock, ntp, report_of

_FIRST_SEQUENCE = 1 << 15  # the lower half: an early wrap would confuse SRTP's roll-over counter


class Stream:
    """Times are seconds of one clock that only goes forward; `wall_offset` makes Unix seconds of them."""

    def __init__(self, wire: Wire, wall_offset: float, now: float) -> None:
        self.wire = wire
        self.repairs = Repairs(now)
        self.reports = ReceiverReports(wire.clock_rate)
        self.packets = 0
        self.octets = 0
        self.waiting = 0  # bytes of the frame that is leaving
        self._pack = packer(wire.codec)
        self._header = HeaderWriter(wire, wire.ssrc, wire.payload_type)
        self._rtx_header: HeaderWriter | None = None
        if wire.rtx_payload_type is not None:
            self._rtx_header = HeaderWriter(wire, wire.rtx_ssrc, wire.rtx_payload_type)
        self._repairable = wire.codec != "opus"
        self._wall_offset = wall_offset
        self._source = SourceClock()
        self._sequence = secrets.randbelow(_FIRST_SEQUENCE)
        self._rtx_sequence = secrets.randbelow(_FIRST_SEQUENCE)
        self._origin = secrets.randbits(32)
        self._timestamp = 0
        self._payloads: deque[bytes] = deque()

    def take(self, frame: bytes, ticks: int, key: bool, now: float) -> None:
        """The next frame, stamped by its source in `ticks` of the RTP clock. None may be waiting."""
        self._source.stamped(ticks / self.wire.clock_rate, now)
        self._timestamp = (self._origin + ticks) & 0xFFFF_FFFF
        if key:
            self.repairs.key_frame(self._sequence)
        self._payloads.extend(self._pack(frame))
        self.waiting = sum(map(len, self._payloads))

    def next(self, now: float) -> bytes:
        """The next packet of the frame; IndexError if none waits."""
        payload = self._payloads.popleft()
        size = len(payload)
        marker = not self._payloads
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0xFFFF
        self.waiting -= size
        self.packets += 1
        self.octets += size
        if self._repairable:
            self.repairs.remember(sequence, payload, self._timestamp, marker, now)
        return self._header.write(sequence, self._timestamp, marker, now) + payload

    def drop(self) -> None:
        """Forget what waits; what has left of it is of no use without the rest."""
        self._payloads.clear()
        self.waiting = 0

    def again(self, sequence: int, now: float) -> bytes:
        """A packet that `repairs` lets go once more: wrapped as RFC 4588 says, or as it was for who knows no RTX."""
        sent = self.repairs[sequence]
        if self._rtx_header is None:
            return self._header.write(sequence, sent.timestamp, sent.marker, now) + sent.payload
        header = self._rtx_header.write(self._rtx_sequence, sent.timestamp, sent.marker, now)
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        return header + struct.pack("!H", sequence) + sent.payload

    def report(self, now: float) -> bytes:
        """A sender report, to leave now."""
        ntp_time = ntp(now + self._wall_offset)
        self.reports.said(ntp_time, now)
        ticks = self._origin + int(self._source.at(now) * self.wire.clock_rate)
        return report_of(self.wire.ssrc, ntp_time, ticks & 0xFFFF_FFFF, self.packets, self.octets)
