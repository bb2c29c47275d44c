"""RTCP: what we say of what we send, and what the other side says of it (RFC 3550)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from aiortc.rtp import (
    RtcpByePacket,
    RtcpReceiverInfo,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
)

_NTP_EPOCH = 2_208_988_800  # 1900 to 1970, seconds
_CNAME = 1
_REMEMBERED = 16  # reports of ours that an answer may speak of
_JUMP_S = 0.5  # of the source's own time: it has begun anew
_DRIFT = 0.01


def ntp(wall: float) -> int:
    """Unix seconds as NTP time, 32.32 bits."""
    return int((wall + _NTP_EPOCH) * (1 << 32)) & 0xFFFF_FFFF_FFFF_FFFF


class SourceClock:
    """The source's own time beside ours: by it the other side plays sound and pictures together.

    What comes quickest is nearest to the truth; the rest has waited somewhere on its way.
    """

    def __init__(self) -> None:
        self._behind: float | None = None

    def stamped(self, seconds: float, now: float) -> None:
        """Something stamped with the source's `seconds` came `now`."""
        behind = now - seconds
        if self._behind is None or behind < self._behind or behind > self._behind + _JUMP_S:
            self._behind = behind
        else:
            self._behind += (behind - self._behind) * _DRIFT

    def at(self, now: float) -> float:
        """The source's time `now`; 0 if nothing has come."""
        return 0.0 if self._behind is None else now - self._behind


def report_of(ssrc: int, ntp_time: int, timestamp: int, packets: int, octets: int) -> bytes:
    """A sender report: at `ntp_time` the stream's RTP clock says `timestamp`."""
    info = RtcpSenderInfo(ntp_time, timestamp, packets & 0xFFFF_FFFF, octets & 0xFFFF_FFFF)
    return bytes(RtcpSrPacket(ssrc, info))


def names(ssrcs: list[int], cname: str) -> bytes:
    """The source description that says that these streams belong together."""
    return bytes(RtcpSdesPacket([RtcpSourceInfo(ssrc, [(_CNAME, cname.encode())]) for ssrc in ssrcs]))


def goodbye(ssrc: int) -> bytes:
    """Nothing more comes from this stream."""
    return bytes(RtcpByePacket([ssrc]))


@dataclass(frozen=True)
class Heard:
    """One receiver report: packets it speaks of and how many of them were lost, jitter, and the round trip if known."""

    expected: int
    lost: int
    jitter_s: float
    round_trip_s: float | None


class ReceiverReports:
    """What the other side says of one stream."""

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._said: OrderedDict[int, float] = OrderedDict()
        self._last: RtcpReceiverInfo | None = None

    def said(self, ntp_time: int, now: float) -> None:
        """A sender report has left."""
        self._said[ntp_time >> 16 & 0xFFFF_FFFF] = now
        while len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)

    def take(self, report: RtcpReceiverInfo, now: float) -> Heard:
        """Read a report; the first one says what was lost before it too."""
        before, self._last = self._last, report
        if before is None:
            expected, lost = 256, report.fraction_lost
        else:
            expected = (report.highest_sequence - before.highest_sequence) & 0xFFFF_FFFF
            lost = report.packets_lost - before.packets_lost
            if expected >= 1 << 31:
                expected = 0  # an old report, overtaken on its way
        return Heard(expected, min(expected, max(0, lost)), report.jitter / self._clock_rate, self._trip(report, now))

    def _trip(self, report: RtcpReceiverInfo, now: float) -> float | None:
        left = self._said.get(report.lsr)
        return None if left is None else max(0.0, now - left - report.dlsr / 65536)
