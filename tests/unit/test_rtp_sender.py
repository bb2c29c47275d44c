"""A peer's sender on a clock that stands still: what leaves when, what is reported, what feedback does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction

import av
import pytest
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSrPacket,
    RtpPacket,
    is_rtcp,
    pack_remb_fci,
)

from device.media.fanout import Outlet
from device.media.rate import Budget
from device.media.rtp.header import Wire
from device.media.rtp.sender import LOOK_S, Sender
from tests.kits.clock import ManualClock

SOUND = Wire("opus", 96, 48_000, 1, 2, None, "room", "0")
PICTURES = Wire("H264", 99, 90_000, 3, 4, 100, "room", "1")
WIDE = Budget(1_800_000, 32_000, 1280, 720, 30, 0.0)
THIN = Budget(200_000, 24_000, 320, 180, 15, 0.0)


class Line:
    """Remembers packets and when they left."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.left: list[tuple[float, bytes]] = []
        self.stuck = 0
        self.connected = True

    def send(self, packet: bytes) -> bool:
        if self.connected:
            self.left.append((self._clock.monotonic(), packet))
        return self.connected

    def backlog(self) -> int:
        return self.stuck

    def rtp(self, ssrc: int) -> list[tuple[float, RtpPacket]]:
        packets = [(at, RtpPacket.parse(data)) for at, data in self.left if not is_rtcp(data)]
        return [(at, packet) for at, packet in packets if packet.ssrc == ssrc]

    def rtcp(self) -> list[object]:
        return [packet for _, data in self.left if is_rtcp(data) for packet in RtcpPacket.parse(data)]


class Control:
    """A rate control that says what it is told to, and remembers what it hears."""

    def __init__(self) -> None:
        self.budget = WIDE
        self.heard: list[tuple[object, ...]] = []
        self.queue = 0.0
        self.sent = 0

    def on_remb(self, bps: int, now: float) -> None:
        self.heard.append(("remb", bps))

    def on_report(self, loss: float, jitter_s: float, rtt_s: float | None, now: float) -> None:
        self.heard.append(("report", loss, jitter_s, rtt_s))

    def on_queue_back(self, seconds: float) -> None:
        self.queue_back = seconds

    def on_sent(self, bits: int) -> None:
        self.sent += bits

    def on_nacks(self, count: int, now: float) -> None:
        self.heard.append(("nacks", count))

    def on_queue(self, seconds: float, now: float) -> None:
        self.queue = max(self.queue, seconds)

    def look(self, now: float) -> Budget:
        return self.budget


class Room:
    """A sender with its outlets and everything around it."""

    def __init__(self) -> None:
        self.clock = ManualClock(monotonic=100.0)
        self.control = Control()
        self.line = Line(self.clock)
        self.keys = 0
        self.budgets: list[Budget] = []
        self.sender = Sender(self.clock, self.control, self._key, self.budgets.append)
        self.sound, self.pictures = Outlet(10, keyed=False), Outlet(8)
        self._frames = {"audio": 0, "video": 0}

    def open(self) -> None:
        self.sender.opened("audio", SOUND, self.line)
        self.sender.opened("video", PICTURES, self.line)
        self.sender.feed("audio", self.sound)
        self.sender.feed("video", self.pictures)

    def speak(self) -> None:
        packet = av.Packet(b"opus" * 20)
        packet.pts, packet.time_base = self._frames["audio"] * 960, Fraction(1, 48_000)
        self._frames["audio"] += 1
        self.sound.put(packet)

    def show(self, size: int, key: bool = False) -> None:
        packet = av.Packet(b"\x00\x00\x00\x01" + (b"\x65" if key else b"\x41") + b"x" * size)
        packet.pts, packet.time_base = self._frames["video"] * 3000, Fraction(1, 90_000)
        packet.is_keyframe = key
        self._frames["video"] += 1
        self.pictures.put(packet)

    def _key(self) -> None:
        self.keys += 1


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    room = Room()
    task = asyncio.create_task(room.sender.run())
    yield room
    task.cancel()
    await asyncio.wait((task,))


async def test_on_a_wide_line_a_picture_leaves_in_the_call_that_brings_it(room: Room) -> None:
    room.open()
    room.show(7500, key=True)
    room.show(7000)
    frames = room.line.rtp(3)
    assert len(frames) == 14
    assert frames[-1][1].marker == 1
    assert room.sender.figures().queue_s == 0


async def test_sound_is_in_time_while_a_key_frame_waits_for_a_thin_line(room: Room) -> None:
    room.control.budget = THIN
    await room.clock.advance(LOOK_S)
    room.open()
    room.show(30_000, key=True)
    for _ in range(50):
        room.speak()
        await room.clock.advance(0.02)

    sound = [round(at - 100.0 - LOOK_S, 3) for at, _ in room.line.rtp(1)]
    assert sound == [round(number * 0.02, 3) for number in range(50)]
    pictures = room.line.rtp(3)
    assert pictures[-1][1].marker == 1, "it is through within the second"
    assert pictures[-1][0] - pictures[0][0] > 0.5, "and has not burst onto the line"
    assert room.control.queue > 0.3, "the rate control hears of what waits"
    figures = room.sender.figures()
    assert figures.worst_queue_s > 0.3
    assert figures.queue_s == 0


async def test_pictures_that_wait_too_long_make_way_for_a_key_frame(room: Room) -> None:
    asked: list[None] = []
    room.control.budget = THIN
    await room.clock.advance(LOOK_S)
    room.pictures = Outlet(8, lambda: asked.append(None))
    room.open()
    room.show(60_000, key=True)
    for _ in range(12):
        room.show(3000)
    assert len(asked) == 1
    room.show(2000, key=True)
    await room.clock.advance(4)
    stamps = [packet.timestamp for _, packet in room.line.rtp(3)]
    assert len(set(stamps)) == 2, "the picture that was leaving, and the new key frame"


async def test_what_was_said_before_the_line_was_there_is_not_sent_late(room: Room) -> None:
    room.sender.feed("audio", room.sound)
    for _ in range(10):
        room.speak()
    room.sender.opened("audio", SOUND, room.line)
    assert len(room.line.rtp(1)) == 1


async def test_reports_come_soon_name_both_streams_as_one_and_speak_only_of_what_was_sent(room: Room) -> None:
    room.open()
    await room.clock.advance(3)
    assert room.line.rtcp() == []

    room.speak()
    await room.clock.advance(LOOK_S)
    room.show(100, key=True)
    await room.clock.advance(LOOK_S)

    reports = room.line.rtcp()
    assert [packet.ssrc for packet in reports if isinstance(packet, RtcpSrPacket)] == [1, 1, 3]
    last = reports[-1]
    assert isinstance(last, RtcpSdesPacket)
    assert [(chunk.ssrc, chunk.items) for chunk in last.chunks] == [(1, [(1, b"room")]), (3, [(1, b"room")])]

    room.line.left.clear()
    await room.clock.advance(20)
    times = [at for at, data in room.line.left if is_rtcp(data)]
    assert 12 <= len(times) <= 41


async def test_a_clock_that_is_set_in_a_call_does_not_part_sound_and_lips(room: Room) -> None:
    room.open()
    room.speak()
    await room.clock.advance(LOOK_S)
    room.clock.set_wall(0.0)
    await room.clock.advance(2)
    times = [packet.sender_info.ntp_timestamp >> 32 for packet in room.line.rtcp() if isinstance(packet, RtcpSrPacket)]
    assert len(times) >= 2
    assert times[-1] - times[0] <= 3


async def test_feedback_reaches_the_rate_control_and_the_camera(room: Room) -> None:
    room.open()
    room.speak()
    room.show(3000, key=True)
    await room.clock.advance(LOOK_S)
    (report,) = [p for p in room.line.rtcp() if isinstance(p, RtcpSrPacket) and p.ssrc == 3]
    await room.clock.advance(0.3)
    lsr = report.sender_info.ntp_timestamp >> 16 & 0xFFFF_FFFF

    room.sender.rtcp("audio", RtcpRrPacket(9, [RtcpReceiverInfo(1, 0, 0, 100, 0, 0, 0)]))
    await room.clock.advance(1.0)
    room.sender.rtcp("video", RtcpRrPacket(9, [RtcpReceiverInfo(3, 26, 10, 100, 900, lsr, 13107 + 65536)]))
    room.sender.rtcp("video", RtcpPsfbPacket(RTCP_PSFB_APP, 9, 0, pack_remb_fci(400_000, [3])))
    room.sender.rtcp("video", RtcpPsfbPacket(RTCP_PSFB_PLI, 9, 3))

    # before the first report on pictures, one on sound is believed
    assert room.control.heard[0] == ("report", 0.0, 0.0, None)
    kind, loss, jitter, trip = room.control.heard[1]
    assert (kind, loss, jitter) == ("report", pytest.approx(0.1, abs=0.01), 0.01)
    assert trip == pytest.approx(0.1, abs=0.01)
    assert room.control.heard[2] == ("remb", pytest.approx(400_000, rel=0.01))
    assert room.keys == 1
    figures = room.sender.figures()
    assert (figures.round_trip_s, figures.loss, figures.key_frames_asked) == (trip, loss, 1)


async def test_a_report_on_sound_counts_with_the_next_on_pictures(room: Room) -> None:
    room.open()
    for number, (ssrc, lost, highest) in enumerate([(3, 0, 100), (1, 0, 100), (1, 40, 200), (3, 0, 200)]):
        await room.clock.advance(0.5)
        kind = "video" if ssrc == 3 else "audio"
        room.sender.rtcp(kind, RtcpRrPacket(9, [RtcpReceiverInfo(ssrc, 0, lost, highest, 0, 0, number)]))
    assert [heard[1] for heard in room.control.heard] == [0.0, pytest.approx(40 / 456)]


async def test_reports_that_come_with_every_nack_are_one_to_the_rate_control(room: Room) -> None:
    """Chromium puts a report into each packet of feedback: twenty in half a second, each on a packet or two."""
    room.open()
    room.speak()
    for number in range(50):
        await room.clock.advance(0.02)
        report = RtcpReceiverInfo(3, 0, number // 2, 100 + 2 * number, 0, 0, number)
        room.sender.rtcp("video", RtcpRrPacket(9, [report]))
    losses = [heard[1] for heard in room.control.heard]
    assert 2 <= len(losses) <= 3
    assert losses[1:] == [pytest.approx(0.25, abs=0.03)] * len(losses[1:])
    assert room.control.sent > 0, "and it hears what really left"


@pytest.mark.parametrize("fci", [b"", b"REMB", b"REMB\x05\x00\x00\x00\x01", b"goog" + bytes(40)])
async def test_half_a_word_does_no_harm(room: Room, fci: bytes) -> None:
    room.sender.rtcp("video", RtcpPsfbPacket(RTCP_PSFB_APP, 9, 0, fci))
    room.open()
    room.sender.rtcp("video", RtcpPsfbPacket(RTCP_PSFB_APP, 9, 0, fci))
    assert room.control.heard == []
    assert room.keys == 0


async def test_a_lost_packet_is_sent_again_at_once_and_a_hopeless_one_makes_a_key_frame(room: Room) -> None:
    room.open()
    room.show(5000, key=True)
    numbers = [packet.sequence_number for _, packet in room.line.rtp(3)]

    room.sender.rtcp("video", RtcpRtpfbPacket(RTCP_RTPFB_NACK, 9, 3, numbers[1:3]))
    repairs = room.line.rtp(4)
    assert [int.from_bytes(packet.payload[:2], "big") for _, packet in repairs] == numbers[1:3]
    assert room.keys == 0

    await room.clock.advance(5)
    room.sender.rtcp("video", RtcpRtpfbPacket(RTCP_RTPFB_NACK, 9, 3, numbers[:1]))
    assert room.keys == 1
    figures = room.sender.figures()
    assert (figures.repaired, figures.repairs_refused) == (2, 1)
    assert room.control.heard == [("nacks", 2), ("nacks", 1)]


async def test_a_new_budget_is_told_and_holds_for_pace_and_repairs(room: Room) -> None:
    room.open()
    await room.clock.advance(LOOK_S)
    room.control.budget = THIN
    await room.clock.advance(LOOK_S)
    assert room.budgets[0] == WIDE
    assert room.budgets[-1] == THIN
    room.show(20_000, key=True)
    assert room.sender.figures().queue_s > 0.3
    await room.clock.advance(2)
    numbers = [packet.sequence_number for _, packet in room.line.rtp(3)]
    room.show(3000)
    room.sender.rtcp("video", RtcpRtpfbPacket(RTCP_RTPFB_NACK, 9, 3, numbers))
    assert sum(len(packet.payload) for _, packet in room.line.rtp(4)) <= 3600


async def test_pictures_wait_with_us_when_a_relays_connection_is_full_and_sound_goes_on(room: Room) -> None:
    room.open()
    room.line.stuck = 200_000
    room.show(2000, key=True)
    room.speak()
    assert room.line.rtp(3) == []
    assert len(room.line.rtp(1)) == 1
    await room.clock.advance(LOOK_S)
    assert room.control.queue > 0.5

    room.line.stuck = 0
    await room.clock.advance(0.1)
    assert room.line.rtp(3)[-1][1].marker == 1


async def test_the_end_is_said_and_a_line_that_is_gone_is_no_error(room: Room) -> None:
    room.open()
    room.speak()
    room.sender.closed("audio")
    assert [packet.sources for packet in room.line.rtcp() if isinstance(packet, RtcpByePacket)] == [[1]]

    room.line.connected = False
    room.show(3000, key=True)
    await room.clock.advance(3)
    room.sender.closed("video")
    assert room.line.rtp(3) == []


async def test_figures_count_what_left(room: Room) -> None:
    assert room.sender.figures().sound_packets == 0
    room.open()
    room.speak()
    room.show(2500, key=True)
    room.show(100)
    figures = room.sender.figures()
    assert (figures.sound_packets, figures.sound_bytes) == (1, 80)
    assert (figures.pictures, figures.key_frames, figures.picture_packets) == (2, 1, 4)
    assert figures.picture_bytes > 2600
    assert room.sender.sent("video") == (figures.picture_packets, figures.picture_bytes)
