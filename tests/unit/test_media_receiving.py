"""Packets of pictures and sound: in order, whole, and after a loss only what can be shown."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from aiortc.codecs.h264 import H264Encoder, h264_depayload
from aiortc.codecs.vpx import Vp8Encoder, vp8_depayload
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from device.media.encoders import TIME_BASE, VideoCodec, make_encoder
from device.media.levels import RateMeter
from device.media.pictures import PictureRing
from device.media.playout import Playout
from device.media.receiving import PictureBuffer, Remote, is_key_frame
from messaging.frames import RingReader
from tests.unit.test_media_encoders import encode, textured

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

    def hear(self) -> None:
        self.heard += 1


@pytest.fixture
def screen(tmp_path: Path):
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
            packet = RtpPacket(99, i == len(payloads) - 1, number & 0xFFFF, timestamp)
            packet._data = depayload(data)  # type: ignore[attr-defined]
            number += 1
            parts.append(packet)
        pictures.append(parts)
    return pictures


def feed(buffer: PictureBuffer, parts: list[RtpPacket], codec: VideoCodec = "H264") -> int:
    """Give packets to a buffer and decode what it releases; how often it asked for a key frame."""
    asked = 0
    for packet in parts:
        ask, released = buffer.add(packet)
        asked += ask
        if released is not None:
            released.decode(CODECS[codec])
    return asked


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_each_picture_is_shown_with_its_last_packet(screen: Screen, codec: VideoCodec) -> None:
    buffer = PictureBuffer(screen.remote, screen.hear)
    for parts in packets(codec, 10):
        assert feed(buffer, parts[:-1], codec) == 0
        assert screen.reader.read() is None
        feed(buffer, parts[-1:], codec)
        shown = screen.reader.read()
        assert shown is not None
        assert (shown.width, shown.height, shown.captured_us) == (320, 240, 12_500_000)


def test_packets_out_of_order_and_repeated_lose_nothing(screen: Screen) -> None:
    buffer = PictureBuffer(screen.remote, screen.hear)
    (first, *rest) = packets("H264", 12)
    feed(buffer, first)
    scrambled = [packet for parts in rest for packet in parts]
    for i in range(0, len(scrambled) - 3, 3):
        scrambled[i], scrambled[i + 2] = scrambled[i + 2], scrambled[i]
    for packet in scrambled:
        assert feed(buffer, [packet, packet]) == 0
    shown = screen.reader.read()
    assert shown is not None
    assert shown.sequence == 12


def test_a_hole_that_is_not_mended_freezes_until_the_key_frame_it_asks_for(screen: Screen) -> None:
    buffer = PictureBuffer(screen.remote, screen.hear)
    pictures = packets("H264", 60, keys=(50,))
    for parts in pictures[:5]:
        feed(buffer, parts)
    good = screen.reader.read()
    assert good is not None

    asked = [feed(buffer, parts) for parts in [pictures[5][:-1], *pictures[6:50]]]
    assert screen.reader.read() is None, "nothing smeared is shown"
    assert sum(asked) >= 2, "it asks again while no key frame comes"
    assert asked.index(1) in range(10, 15), "a retransmission gets 400 ms"

    for parts in pictures[50:]:
        assert feed(buffer, parts) == 0
    shown = screen.reader.read()
    assert shown is not None
    assert shown.sequence == good.sequence + 10


def test_a_hole_that_is_mended_in_time_costs_nothing(screen: Screen) -> None:
    buffer = PictureBuffer(screen.remote, screen.hear)
    pictures = packets("H264", 12)
    for parts in pictures[:5]:
        feed(buffer, parts)
    missing = pictures[5].pop()
    for parts in pictures[5:10]:
        assert feed(buffer, parts) == 0
    feed(buffer, [missing])
    feed(buffer, pictures[10])
    shown = screen.reader.read()
    assert shown is not None
    assert shown.sequence == 11, "the pictures that had waited come with the packet that was missing"


def test_a_stream_joined_in_the_middle_asks_for_a_key_frame(screen: Screen) -> None:
    buffer = PictureBuffer(screen.remote, screen.hear)
    asked = sum(feed(buffer, parts) for parts in packets("H264", 40)[3:])
    assert asked == 2
    assert screen.reader.read() is None


def test_what_cannot_be_decoded_raises_so_that_a_key_frame_is_asked_for(screen: Screen) -> None:
    buffer = PictureBuffer(screen.remote, screen.hear)
    (parts,) = packets("H264", 1)
    feed(buffer, parts)
    broken = RtpPacket(99, 1, (parts[-1].sequence_number + 1) & 0xFFFF, 3000)
    broken._data = b"\x00\x00\x00\x01\x65\x00"  # type: ignore[attr-defined]
    with pytest.raises(av.FFmpegError):
        feed(buffer, [broken])


def test_pictures_received_before_the_gate_opens_are_shown_when_it_does_and_only_the_newest(tmp_path: Path) -> None:
    screen = Screen(tmp_path)
    screen.remote.shut_gate()
    buffer = PictureBuffer(screen.remote, screen.hear)
    for parts in packets("H264", 5):
        feed(buffer, parts)
    assert screen.reader.read() is None
    assert screen.heard > 0

    screen.remote.open_gate()
    shown = screen.reader.read()
    assert shown is not None
    assert shown.sequence == 1
    screen.ring.close()
    screen.reader.close()


def test_after_the_gate_has_shut_the_last_call_is_neither_shown_nor_heard_again(screen: Screen) -> None:
    buffer = PictureBuffer(screen.remote, screen.hear)
    for parts in packets("H264", 2):
        feed(buffer, parts)
    screen.reader.read()
    screen.remote.shut_gate()
    screen.remote.open_gate()
    assert screen.reader.read() is None
    assert not screen.playout.next_block().any()


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 2**32 - 1), st.booleans()), max_size=80))
def test_no_sequence_of_packets_breaks_the_buffer_or_makes_it_grow(numbers: list[tuple[int, int, bool]]) -> None:
    buffer = PictureBuffer(Remote(Playout(lambda: 0.0), lambda: 0.0, RateMeter(lambda: 0.0)), lambda: None)
    for number, timestamp, marker in numbers:
        packet = RtpPacket(99, int(marker), number, timestamp)
        packet._data = b"\x00\x00\x00\x01\x41"  # type: ignore[attr-defined]
        buffer.add(packet)
    assert len(buffer._waiting) <= len(numbers)


def test_packets_behind_a_hole_are_bounded_whatever_time_they_claim(screen: Screen) -> None:
    buffer = PictureBuffer(screen.remote, screen.hear)
    first, *rest = (RtpPacket(99, 0, number, 0) for number in range(2000) if number != 1)
    for packet in (first, *rest):
        packet._data = b"\x00\x00\x00\x01\x41"  # type: ignore[attr-defined]
    buffer.add(first)
    asked = sum(buffer.add(packet)[0] for packet in rest)
    assert len(buffer._waiting) < 600
    assert asked == 1


def test_a_picture_without_end_is_given_up(screen: Screen) -> None:
    buffer = PictureBuffer(screen.remote, screen.hear)
    for number in range(10_000):
        packet = RtpPacket(99, 0, number, 0)
        packet._data = b"x"  # type: ignore[attr-defined]
        assert buffer.add(packet)[1] is None
    assert len(buffer._parts) < 3000


def test_a_decoder_that_falls_behind_leaves_pictures_out_and_asks_for_a_key_frame(screen: Screen) -> None:
    buffer = PictureBuffer(screen.remote, screen.hear)
    pictures = packets("H264", 80, keys=(70,))
    feed(buffer, pictures[0])
    queued = [released for parts in pictures[1:40] for packet in parts if (released := buffer.add(packet)[1])]
    for released in queued:
        released.decode(CODECS["H264"])
    shown = screen.reader.read()
    assert shown is None or shown.sequence == 1, "half a second and more is not caught up with, it is left out"
    asked = sum(feed(buffer, parts) for parts in pictures[40:])
    assert asked >= 1
    shown = screen.reader.read()
    assert shown is not None
    assert shown.sequence == 11


@given(st.binary(max_size=200), st.sampled_from(["H264", "VP8"]))
def test_any_bytes_are_a_key_frame_or_not(data: bytes, codec: str) -> None:
    assert is_key_frame(codec, data) in (True, False)


def test_time_base_is_that_of_rtp_pictures() -> None:
    assert Fraction(1, 90_000) == TIME_BASE
