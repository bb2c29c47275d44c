"""The private parts of aiortc that device/media/aiortc_hooks/lateness.py holds on to.

If one of these fails after an upgrade, nobody is told any more by how much sound and picture are apart.
"""

from __future__ import annotations

import time

import pytest
from aiortc import RTCRtpReceiver
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import RtcpByePacket, RtcpPacket, RtcpSenderInfo, RtcpSrPacket, RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from device.media.aiortc_hooks.lateness import Lateness

RATE = 90_000
SSRC = 7


class Receiver:
    """What `Lateness` uses of an aiortc receiver."""

    def __init__(self) -> None:
        self.handed_on: list[object] = []
        self.streams: dict[int, StreamStatistics] = {}
        vars(self)["_RTCRtpReceiver__remote_streams"] = self.streams

    async def _handle_rtcp_packet(self, packet: object) -> None:
        self.handed_on.append(packet)

    def receives(self, timestamp: int, number: int = 1) -> None:
        stream = self.streams.setdefault(SSRC, StreamStatistics(RATE))
        stream.add(RtpPacket(sequence_number=number, timestamp=timestamp % 2**32, ssrc=SSRC))


def report(captured: float, timestamp: int) -> RtcpSrPacket:
    info = RtcpSenderInfo(int(captured * 2**32), timestamp % 2**32, 1, 1)
    return RtcpSrPacket(ssrc=SSRC, sender_info=info)


def test_a_receiver_has_what_is_hooked() -> None:
    receiver = RTCRtpReceiver.__new__(RTCRtpReceiver)
    assert callable(receiver._handle_rtcp_packet)
    assert "_RTCRtpReceiver__remote_streams" in RTCRtpReceiver.__init__.__code__.co_names


async def test_a_sender_report_keeps_its_two_clocks_and_everything_is_handed_on() -> None:
    receiver = Receiver()
    lateness = Lateness(receiver, RATE)  # type: ignore[arg-type]
    (parsed,) = RtcpPacket.parse(bytes(report(1000.0, 5)))
    assert isinstance(parsed, RtcpSrPacket)
    bye = RtcpByePacket(sources=[SSRC])
    await receiver._handle_rtcp_packet(parsed)
    await receiver._handle_rtcp_packet(bye)
    assert receiver.handed_on == [parsed, bye]
    assert lateness.look() is None, "no packet yet"


async def test_how_late_the_newest_packet_came() -> None:
    receiver = Receiver()
    lateness = Lateness(receiver, RATE)  # type: ignore[arg-type]
    receiver.receives(0)
    assert lateness.look() is None, "no report yet"
    captured = time.time() - 3.0  # by the sender's clock, at timestamp 900 000
    await receiver._handle_rtcp_packet(report(captured, 900_000))
    receiver.receives(900_000 + RATE, 2)  # a second later
    assert lateness.look() == pytest.approx(2.0, abs=0.5)


@given(st.integers(0, 2**32 - 1), st.integers(-10 * RATE, 10 * RATE))
async def test_timestamps_may_wrap_between_report_and_packet(timestamp: int, since: int) -> None:
    receiver = Receiver()
    lateness = Lateness(receiver, RATE)  # type: ignore[arg-type]
    captured = time.time()
    await receiver._handle_rtcp_packet(report(captured, timestamp))
    receiver.receives(timestamp + since)
    found = lateness.look()
    assert found is not None
    assert found == pytest.approx(-since / RATE, abs=1.0)
