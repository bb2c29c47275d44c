"""Packets of pictures: in order, whole, and after a loss only what can be shown."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from aiortc.codecs.h264 import H264Encoder, h264_depayload
from aiortc.codecs.vpx import Vp8Encoder, vp8_depayload
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from device.media.aiortc_hooks import payload
from device.media.encoders import TIME_BASE, VideoCodec, make_encoder
from device.media.levels import RateMeter
from device.media.pictures import PictureRing
from device.media.playout import Playout
from device.media.receiving.bandwidth import START_BPS
from device.media.receiving.picture_buffer import PictureBuffer, begins_key_frame
from device.media.receiving.picture_decoder import is_key_frame
from device.media.receiving.reception import PictureFigures, PictureReception
from device.media.receiving.remote import Remote
from messaging.frames import RingReader
from tests.unit.test_media_encoders import encode, textured

PICTURE_S = 1 / 30
SSRC = 7
CODECS = {name: RTCRtpCodecParameters(f"video/{name}", 90_000, payloadType=99) for name in ("H264", "VP8")}


class Screen:
    """A ring with a reader, a gate that is open, and how often the other side was heard."""

    def __init__(self, path: Path) -> None:
        self.ring = PictureRing(path / "remote.ring")
        self.reader = RingReader(path / "remote.ring")
        self.playout = Playout(lambda: 0.0)
        self.remote = Remote(self.playout, lambda: 12.5, RateMeter(lambda: 0.0))
        self.remote.attach(self.ring)
        self.remote.open_gate()
        self.heard = 0
        self.now = 100.0
        self.reception = PictureReception(self.remote, self.hear, lambda: self.now, 1_800_000)

    def hear(self) -> None:
        self.heard += 1

    def feed(self, parts: list[RtpPacket], codec: VideoCodec = "H264", lasts: float = PICTURE_S) -> int:
        """A picture's packets, which take so long, as aiortc hands them on; how many key frames were asked for."""
        asked = 0
        for packet in parts:
            self.now += lasts / len(parts)
            self.reception.take(packet)
            ask, released = self.reception.add(packet)
            asked += ask
            if released is not None:
                released.decode(CODECS[codec])
        return asked

    def shown(self) -> int | None:
        """The number of the newest picture that was not read yet."""
        picture = self.reader.read()
        return None if picture is None else picture.sequence

    @property
    def figures(self) -> PictureFigures:
        return self.reception.figures()


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    screen = Screen(tmp_path)
    yield screen
    screen.ring.close()
    screen.reader.close()


def packets(codec: VideoCodec, count: int, keys: tuple[int, ...] = (), first: int = 65_530) -> list[list[RtpPacket]]:
    """For each of `count` pictures its RTP packets, as they reach a buffer."""
    packer, depayload = (H264Encoder(), h264_depayload) if codec == "H264" else (Vp8Encoder(), vp8_depayload)
    number = first
    pictures = []
    for encoded in encode(make_encoder(codec, 1_500_000, 30), textured(count), keys=keys):
        payloads, timestamp = packer.pack(encoded)
        parts = []
        for i, data in enumerate(payloads):
            packet = RtpPacket(99, i == len(payloads) - 1, number & 0xFFFF, timestamp, SSRC)
            packet._data = depayload(data)  # type: ignore[attr-defined]
            number += 1
            parts.append(packet)
        pictures.append(parts)
    return pictures


def part(number: int, timestamp: int = 0, data: bytes = b"\x00\x00\x00\x01\x41", marker: bool = False) -> RtpPacket:
    """One packet of a picture."""
    packet = RtpPacket(99, int(marker), number & 0xFFFF, timestamp, SSRC)
    packet._data = data  # type: ignore[attr-defined]
    return packet


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_each_picture_is_shown_with_its_last_packet(screen: Screen, codec: VideoCodec) -> None:
    for parts in packets(codec, 10):
        assert screen.feed(parts[:-1], codec) == 0
        assert screen.reader.read() is None
        screen.feed(parts[-1:], codec)
        shown = screen.reader.read()
        assert shown is not None
        assert (shown.width, shown.height, shown.captured_us) == (320, 240, 12_500_000)
    figures = screen.figures
    assert (figures.frames, figures.dropped, figures.width, figures.height) == (10, 0, 320, 240)


def test_packets_out_of_order_and_repeated_lose_nothing(screen: Screen) -> None:
    (first, *rest) = packets("H264", 12)
    screen.feed(first)
    scrambled = [packet for parts in rest for packet in parts]
    for i in range(0, len(scrambled) - 3, 3):
        scrambled[i], scrambled[i + 2] = scrambled[i + 2], scrambled[i]
    for packet in scrambled:
        assert screen.feed([packet, packet]) == 0
    assert screen.shown() == 12
    assert screen.figures.plis == 0


def test_a_hole_that_is_not_mended_freezes_until_the_key_frame_it_asks_for(screen: Screen) -> None:
    pictures = packets("H264", 60, keys=(50,))
    for parts in pictures[:5]:
        screen.feed(parts)
    good = screen.shown()
    assert good is not None

    asked = [screen.feed(parts) for parts in [pictures[5][:-1], *pictures[6:50]]]
    assert screen.shown() is None, "nothing smeared is shown"
    assert sum(asked) >= 2, "it asks again while no key frame comes"
    assert asked.index(1) in range(10, 15), "a retransmission gets 400 ms"

    for parts in pictures[50:]:
        assert screen.feed(parts) == 0
    assert screen.shown() == good + 10
    figures = screen.figures
    assert figures.frames == 15
    assert figures.dropped >= 40
    assert (figures.lost, figures.recovered) == (1, 0)
    assert figures.nacks >= 2
    assert figures.freezes == 1
    assert figures.freeze_s == pytest.approx(46 * PICTURE_S, abs=0.1)


def test_a_hole_that_is_mended_in_time_costs_nothing(screen: Screen) -> None:
    pictures = packets("H264", 12)
    for parts in pictures[:5]:
        screen.feed(parts)
    missing = pictures[5].pop()
    for parts in pictures[5:10]:
        assert screen.feed(parts) == 0
    screen.feed([missing])
    screen.feed(pictures[10])
    assert screen.shown() == 11, "the pictures that had waited come with the packet that was missing"


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_a_key_frame_behind_a_hole_is_shown_without_waiting_for_what_is_missing(
    screen: Screen, codec: VideoCodec
) -> None:
    pictures = packets(codec, 10, keys=(6,))
    for parts in pictures[:5]:
        screen.feed(parts, codec)
    screen.feed(pictures[5][:-1], codec)
    for parts in pictures[6:]:
        assert screen.feed(parts, codec) == 0
    assert screen.shown() == 9
    assert screen.reception.look() is not None
    assert screen.figures.nacks <= 1, "what nobody needs any more is not asked for"


def test_a_stream_joined_in_the_middle_asks_for_a_key_frame(screen: Screen) -> None:
    asked = sum(screen.feed(parts) for parts in packets("H264", 40)[3:])
    assert asked == 2
    assert screen.shown() is None


def test_what_cannot_be_decoded_is_counted_and_a_key_frame_asked_for_at_once(
    screen: Screen, caplog: pytest.LogCaptureFixture
) -> None:
    (parts, after) = packets("H264", 2)
    screen.feed(parts)
    screen.shown()
    last = parts[-1].sequence_number
    screen.feed([part(last + 1, 3000, b"\x00\x00\x00\x01\x65\x00", marker=True)])
    for packet in after:
        packet.sequence_number = (packet.sequence_number + 1) & 0xFFFF
    assert screen.feed(after) == 1
    assert screen.shown() is None, "and until it comes the last good picture stays"
    assert screen.figures.dropped == 2
    assert len(caplog.records) == 1


def test_pictures_received_before_the_gate_opens_are_shown_when_it_does_and_only_the_newest(screen: Screen) -> None:
    screen.remote.shut_gate()
    for parts in packets("H264", 5):
        screen.feed(parts)
    assert screen.shown() is None
    assert screen.heard > 0

    screen.remote.open_gate()
    assert screen.shown() == 1


def test_after_the_gate_has_shut_the_last_call_is_not_shown_again(screen: Screen) -> None:
    for parts in packets("H264", 2):
        screen.feed(parts)
    screen.shown()
    screen.remote.shut_gate()
    screen.remote.open_gate()
    assert screen.shown() is None


@given(
    st.lists(
        st.tuples(st.integers(0, 65535), st.integers(0, 2**32 - 1), st.booleans(), st.binary(max_size=9)), max_size=80
    )
)
def test_no_sequence_of_packets_breaks_the_buffer_or_makes_it_grow(
    numbers: list[tuple[int, int, bool, bytes]],
) -> None:
    buffer = PictureBuffer()
    for count, (number, timestamp, marker, data) in enumerate(numbers):
        buffer.add(part(number, timestamp, data, marker), count / 30, 0.4)
        assert buffer.waiting <= count + 1
    assert buffer.look(1000.0, 0.4) is not None
    buffer.look(2000.0, 0.4)


def test_packets_behind_a_hole_are_bounded_whatever_time_they_take(screen: Screen) -> None:
    screen.feed([part(0)])
    asked = sum(screen.feed([part(number)], lasts=0) for number in range(2, 2000))
    assert screen.reception._buffer.waiting < 600
    assert asked == 1


def test_a_picture_without_end_is_given_up(screen: Screen) -> None:
    for number in range(10_000):
        screen.feed([part(number, data=b"x")], lasts=0)
    assert len(screen.reception._buffer._parts) < 3000
    assert screen.figures.frames == 0


def test_a_decoder_that_falls_behind_leaves_pictures_out_and_asks_for_a_key_frame(screen: Screen) -> None:
    pictures = packets("H264", 80, keys=(70,))
    screen.feed(pictures[0])
    add = screen.reception.add
    queued = [released for parts in pictures[1:40] for packet in parts if (released := add(packet)[1])]
    for released in queued:
        released.decode(CODECS["H264"])
    assert screen.shown() in (None, 1), "half a second and more is not caught up with, it is left out"
    asked = sum(screen.feed(parts) for parts in pictures[40:])
    assert asked >= 1
    assert screen.shown() == 11


def test_a_sender_that_begins_anew_is_followed_from_its_key_frame(screen: Screen) -> None:
    for parts in packets("H264", 5, first=100):
        screen.feed(parts)
    for parts in packets("H264", 5, first=30_000):
        screen.feed(parts)
    assert screen.shown() == 10


def test_what_is_lost_at_the_end_of_a_burst_is_asked_for_without_another_packet(screen: Screen) -> None:
    pictures = packets("H264", 3)
    screen.feed(pictures[0])
    lost = pictures[1].pop(0)
    screen.feed(pictures[1])
    assert screen.reception.missing == [] or lost.sequence_number in screen.reception.missing
    screen.now += 0.25
    wishes = screen.reception.look()
    assert wishes is not None
    assert wishes.ssrc == SSRC
    assert wishes.again == [lost.sequence_number], "asked for again"


def test_pictures_that_stop_while_the_other_side_is_there_are_asked_for_but_not_when_its_camera_is_off(
    screen: Screen,
) -> None:
    for parts in packets("H264", 5):
        screen.feed(parts)

    def asked(seconds: int) -> int:
        count = 0
        for _ in range(seconds * 20):
            screen.now += 0.05
            screen.reception.heard()
            wishes = screen.reception.look()
            count += wishes is not None and wishes.key
        return count

    assert 2 <= asked(5) <= 5
    assert screen.figures.freeze_s > 4
    screen.reception.camera(on=False)
    assert asked(5) == 0
    assert screen.figures.freezes == 0, "a camera that is off does not freeze"


def test_every_packet_measures_the_line_and_what_may_be_sent_is_told_once_a_second(screen: Screen) -> None:
    told = []
    for parts in packets("H264", 60):
        for _ in parts:
            sent = int((screen.now - 0.02) * (1 << 18)) & 0xFFFFFF
            told.append(screen.reception.measure(sent, 1000, SSRC))
        screen.feed(parts)
    rates = [remb[0] for remb in told if remb is not None and remb[1] == [SSRC]]
    assert rates[0] == START_BPS
    assert rates == sorted(rates), "nothing is lost and nothing queues: more and more may be sent"
    assert len(rates) <= 60, "once a second, and at once on a marked rise"
    assert screen.figures.allowed_bps >= rates[-1] > 2 * START_BPS, "a browser is not kept waiting for long"
    assert screen.figures.received_bytes == 1000 * len(told)


def test_before_the_first_picture_there_is_nobody_to_say_anything_to(screen: Screen) -> None:
    assert screen.reception.look() is None
    assert screen.reception.measure(0, 100, SSRC) is None


@given(st.binary(max_size=60))
def test_any_bytes_begin_a_key_frame_or_not(data: bytes) -> None:
    assert begins_key_frame(data) in (True, False)


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_the_first_packet_of_a_key_frame_and_no_other_begins_one(codec: VideoCodec) -> None:
    pictures = packets(codec, 10, keys=(4,))
    begins = [
        (i, k) for i, parts in enumerate(pictures) for k, one in enumerate(parts) if begins_key_frame(payload(one))
    ]
    assert begins == [(0, 0), (4, 0)]


@given(st.binary(max_size=200), st.sampled_from(["H264", "VP8"]))
def test_any_bytes_are_a_key_frame_or_not(data: bytes, codec: str) -> None:
    assert is_key_frame(codec, data) in (True, False)


def test_time_base_is_that_of_rtp_pictures() -> None:
    assert Fraction(1, 90_000) == TIME_BASE
