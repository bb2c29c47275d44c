"""The encoders, measured by what comes out of them and decoded again."""

from __future__ import annotations

import av
import numpy as np
import pytest

from device.media.encoders import TIME_BASE, VideoCodec, VideoEncoder, make_encoder
from device.media.errors import CodecFailed
from device.media.rate.shares import LEAST_VIDEO
from device.media.receiving.picture_decoder import is_key_frame

FPS = 30
DECODER = {"H264": "h264", "VP8": "libvpx"}
CODECS: tuple[VideoCodec, ...] = ("H264", "VP8")


def textured(count: int, width: int = 320, height: int = 240) -> list[np.ndarray]:
    """Pictures that move, with the noise of a camera."""
    random = np.random.default_rng(7)
    coarse = random.integers(0, 255, (height // 4 + 60, width // 4 + 60), dtype=np.uint8)
    wall = np.kron(coarse, np.ones((4, 4), np.uint8)) // 2 + 60
    pictures = []
    for i in range(count):
        right, down = i * 3 % 200, i * 2 % 150
        picture = np.full((height * 3 // 2, width), 128, np.uint8)
        picture[:height] = wall[down : down + height, right : right + width]
        picture[:height] += random.integers(0, 12, (height, width), dtype=np.uint8)
        pictures.append(picture)
    return pictures


def encode(
    encoder: VideoEncoder, pictures: list[np.ndarray], start: int = 0, keys: tuple[int, ...] = ()
) -> list[av.Packet]:
    packets = []
    for i, picture in enumerate(pictures, start):
        frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
        frame.pts, frame.time_base = i * 3000, TIME_BASE
        packets += encoder.encode(frame, i in keys)
    return packets


def kbps(packets: list[av.Packet]) -> float:
    return sum(packet.size for packet in packets) * 8 * FPS / len(packets) / 1000


@pytest.mark.parametrize("codec", CODECS)
def test_every_picture_comes_out_at_once_and_can_be_seen(codec: VideoCodec) -> None:
    encoder = make_encoder(codec, 1_000_000, FPS)
    decoder = av.CodecContext.create(DECODER[codec], "r")
    for i, picture in enumerate(textured(20)):
        (packet,) = encode(encoder, [picture], i)
        (seen,) = decoder.decode(packet)
        assert packet.pts == i * 3000
        luma = np.frombuffer(memoryview(seen.planes[0]), np.uint8).reshape(-1, seen.planes[0].line_size)[:240, :320]
        assert np.abs(luma.astype(int) - picture[:240]).mean() < 25


@pytest.mark.parametrize("codec", CODECS)
def test_key_frames_come_at_the_start_and_when_asked_and_not_else(codec: VideoCodec) -> None:
    packets = encode(make_encoder(codec, 1_000_000, FPS), textured(90), keys=(40, 41))
    assert [i for i, packet in enumerate(packets) if packet.is_keyframe] == [0, 40, 41]
    assert [i for i, packet in enumerate(packets) if is_key_frame(codec, bytes(packet))] == [0, 40, 41]


@pytest.mark.parametrize("codec", CODECS)
def test_the_bit_rate_is_held_and_changes_while_running(codec: VideoCodec) -> None:
    encoder = make_encoder(codec, 1_500_000, FPS)
    pictures = textured(240)
    before = encode(encoder, pictures)
    encoder.set_rate(300_000, FPS)
    after = encode(encoder, pictures, 240)
    encoder.set_rate(1_500_000, FPS)
    again = encode(encoder, pictures, 480)

    assert kbps(before[60:]) == pytest.approx(1500, rel=0.25)
    assert kbps(after[60:]) == pytest.approx(300, rel=0.35)
    assert kbps(again[120:]) == pytest.approx(1500, rel=0.25)


def test_h264_takes_a_new_bit_rate_without_a_key_frame() -> None:
    encoder = make_encoder("H264", 1_500_000, FPS)
    encode(encoder, textured(30))
    encoder.set_rate(200_000, FPS)
    assert not any(packet.is_keyframe for packet in encode(encoder, textured(30), 30))


def test_h264_keeps_to_a_line_that_narrows_within_half_a_second() -> None:
    """It must not spend what it saved in a quiet room: a line that narrows would be full for seconds."""
    encoder = make_encoder("H264", 1_000_000, FPS)
    still, moving = textured(1) * 150, textured(120)
    encode(encoder, still)
    encoder.set_rate(200_000, FPS)
    after = encode(encoder, moving, 150)
    assert kbps(after[15:60]) < 300
    assert kbps(after[60:]) < 300


def test_h264_spends_no_more_than_an_eye_can_tell_and_keeps_to_a_narrowed_line_all_the_same() -> None:
    encoder = make_encoder("H264", 1_500_000, FPS)
    decoder = av.CodecContext.create("h264", "r")
    still = textured(1) * 150
    packets = encode(encoder, still)
    seen = [picture for packet in packets for picture in decoder.decode(packet)][-1]
    luma = np.frombuffer(memoryview(seen.planes[0]), np.uint8).reshape(-1, seen.planes[0].line_size)[:240, :320]
    assert kbps(packets[60:]) < 50, "a calm room leaves the line alone"
    assert np.square(luma.astype(float) - still[0][:240]).mean() < 4, "42 dB"

    encoder.set_rate(200_000, FPS)
    after = encode(encoder, textured(120), 150)
    assert kbps(after[15:60]) < 300, "what was not spent is not saved up"


@pytest.mark.parametrize("fps", [15, 8])
def test_h264_spends_the_same_on_fewer_pictures(fps: int) -> None:
    encoder = make_encoder("H264", 1_000_000, FPS)
    encoder.set_rate(300_000, FPS)
    encode(encoder, textured(30))
    encoder.set_rate(300_000, fps)
    packets = encode(encoder, textured(90), 30)
    assert sum(p.size for p in packets) * 8 * fps / len(packets) == pytest.approx(300_000, rel=0.35)


def test_a_key_frame_on_a_narrow_line_is_small() -> None:
    encoder = make_encoder("H264", 2_000_000, FPS)
    encode(encoder, textured(30, 640, 480))
    encoder.set_rate(150_000, 15)
    encode(encoder, textured(30, 640, 480), 30)
    (key,) = [p for p in encode(encoder, textured(20, 640, 480), 60, keys=(70,)) if p.is_keyframe]
    assert key.size * 8 < 150_000 * 0.6, "bits: of what the line carries in half a second or so"


def test_a_rate_that_climbs_slowly_costs_few_key_frames() -> None:
    encoder = make_encoder("H264", 1_800_000, FPS)
    rate, keys, pictures = 200_000, 0, textured(15)
    for second in range(40):
        encoder.set_rate(rate, FPS)
        keys += sum(p.is_keyframe for p in encode(encoder, pictures, second * 15))
        rate = int(rate * 1.06)
    assert keys <= 8


def test_the_bit_rate_stays_between_its_floor_and_the_configured() -> None:
    encoder = make_encoder("H264", 800_000, FPS)
    encode(encoder, textured(60))
    encoder.set_rate(1, FPS)
    assert kbps(encode(encoder, textured(240), 60)[60:]) == pytest.approx(LEAST_VIDEO / 1000, rel=0.9)
    encoder.set_rate(10**9, FPS)
    assert kbps(encode(encoder, textured(240), 300)[60:]) < 1000


def test_h264_is_constrained_baseline_annex_b_with_headers_at_each_key_frame_and_one_slice() -> None:
    packets = encode(make_encoder("H264", 800_000, FPS), textured(12), keys=(10,))
    for key in (packets[0], packets[10]):
        units = [unit[0] & 0x1F for unit in split(bytes(key))]
        assert [kind for kind in units if kind != 6] == [7, 8, 5]
    sps = next(unit for unit in split(bytes(packets[0])) if unit[0] & 0x1F == 7)
    assert sps[1] == 0x42
    assert sps[2] & 0x40, "constrained"
    assert sps[3] <= 31, "the level that the offer says"
    assert [unit[0] & 0x1F for unit in split(bytes(packets[5]))] == [1]


@pytest.mark.parametrize("codec", CODECS)
def test_a_camera_that_comes_back_with_another_size_is_followed(codec: VideoCodec) -> None:
    encoder = make_encoder(codec, 800_000, FPS)
    encode(encoder, textured(3))
    packets = encode(encoder, textured(3, 160, 120), 3)
    decoder = av.CodecContext.create(DECODER[codec], "r")
    assert packets[0].is_keyframe
    assert [(f.width, f.height) for packet in packets for f in decoder.decode(packet)] == [(160, 120)] * 3


def test_what_cannot_be_encoded_is_our_error() -> None:
    frame = av.VideoFrame(63, 63, "yuv420p")
    frame.pts, frame.time_base = 0, TIME_BASE
    with pytest.raises(CodecFailed):
        make_encoder("H264", 800_000, FPS).encode(frame, key=False)


def split(data: bytes) -> list[bytes]:
    """The NAL units of an Annex-B stream."""
    return [part.rstrip(b"\x00") for part in data.split(b"\x00\x00\x01")[1:]]
