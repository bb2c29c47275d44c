"""Which encoder: the chip's only where it proves itself, x264 wherever it does not, and always a picture.

There is no such chip here. Its place is taken by libx264 behind the chip's own adapter, by encoders of paper that
fail, and by FFmpeg's real `h264_v4l2m2m`, which must fail loudly on a machine without one.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media import encoder_choice
from device.media.encoder_choice import EncoderChoice, has_chip, probe
from device.media.encoders import TIME_BASE, H264Encoder, VideoEncoder
from device.media.errors import CodecFailed
from device.media.h264_v4l2m2m import CODEC, Headers, V4l2M2mEncoder, units


def picture(number: int = 0, width: int = 320, height: int = 240) -> av.VideoFrame:
    pixels = np.random.default_rng(number).integers(16, 235, (height * 3 // 2, width)).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
    frame.time_base, frame.pts = TIME_BASE, number * 3000
    return frame


def chip(bitrate: int, fps: int) -> V4l2M2mEncoder:
    """The chip's adapter on a codec that this machine has."""
    return V4l2M2mEncoder(bitrate, fps, "libx264", {"profile": "baseline", "tune": "zerolatency"})


class Broken:
    """A chip that fails after so many pictures."""

    def __init__(self, after: int) -> None:
        self._left = after
        self._real = H264Encoder(1_000_000, 30)

    def set_rate(self, bitrate: int, fps: int) -> None:
        self._real.set_rate(bitrate, fps)

    def encode(self, frame: av.VideoFrame, key: bool) -> list[av.Packet[Any]]:
        if self._left == 0:
            raise CodecFailed("the chip is stuck")
        self._left -= 1
        return self._real.encode(frame, key)


class Silent:
    """A chip that takes pictures and gives none."""

    def set_rate(self, bitrate: int, fps: int) -> None:
        """Nothing to set."""

    def encode(self, frame: av.VideoFrame, key: bool) -> list[av.Packet[Any]]:
        return []


def key_frame(packets: list[av.Packet[Any]]) -> bool:
    return {5, 7, 8} <= {unit[0] & 0x1F for packet in packets for unit in units(bytes(packet))}


def test_a_machine_without_a_chip_uses_x264_and_says_nothing_of_failing(caplog: pytest.LogCaptureFixture) -> None:
    choice = EncoderChoice(lambda: False)
    choice.decide()
    assert choice.name == "x264"
    assert isinstance(choice.make("H264", 500_000, 30), H264Encoder)
    assert caplog.records == []


@pytest.mark.parametrize(("name", "expected"), [("bcm2835-codec-encode", True), ("bcm2835-codec-decode", False)])
def test_a_chip_is_known_by_what_the_kernel_calls_it(tmp_path: Path, name: str, expected: bool) -> None:
    assert not has_chip(tmp_path)
    (tmp_path / "video11").mkdir()
    (tmp_path / "video11/name").write_text(name + "\n")
    assert has_chip(tmp_path) is expected


def test_ffmpegs_own_codec_fails_loudly_here_and_x264_takes_its_place(caplog: pytest.LogCaptureFixture) -> None:
    if has_chip():
        pytest.skip("this machine has a chip")
    choice = EncoderChoice(lambda: True)
    with caplog.at_level(logging.ERROR):
        choice.decide()
    assert choice.name == f"x264, {CODEC} failed"
    assert f"{CODEC} cannot be opened" in caplog.text
    assert key_frame(choice.make("H264", 500_000, 30).encode(picture(), True))


@pytest.mark.parametrize("bad", [lambda *_: Broken(0), lambda *_: Silent()])
def test_a_chip_that_does_not_prove_itself_is_not_used(bad: Any) -> None:
    choice = EncoderChoice(lambda: True, bad)
    choice.decide()
    assert "failed" in choice.name
    assert isinstance(choice.make("H264", 500_000, 30), H264Encoder)


def test_a_chip_that_hangs_keeps_nobody_waiting_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    held = threading.Event()

    class Hangs(Silent):
        def encode(self, frame: av.VideoFrame, key: bool) -> list[av.Packet[Any]]:
            held.wait(30)
            return []

    monkeypatch.setattr(encoder_choice, "_PROBE_S", 0.05)
    choice = EncoderChoice(lambda: True, lambda *_: Hangs())
    choice.decide()
    held.set()
    assert choice.name == f"x264, {CODEC} failed"


def test_a_chip_that_works_is_used_for_h264_and_only_for_that() -> None:
    choice = EncoderChoice(lambda: True, chip)
    choice.decide()
    assert choice.name == CODEC
    assert not isinstance(choice.make("H264", 500_000, 30), H264Encoder)
    assert not key_frame(choice.make("VP8", 500_000, 30).encode(picture(), True)), "VP8 is never the chip's"


def test_a_chip_that_fails_in_a_call_costs_no_picture_and_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    choice = EncoderChoice(lambda: True, lambda *_: Broken(5))
    choice.decide()
    encoder: VideoEncoder = choice.make("H264", 500_000, 30)
    encoder.set_rate(300_000, 15)
    got = [encoder.encode(picture(number), number == 0) for number in range(8)]
    assert all(got), "each picture gave its packet"
    assert key_frame(got[5]), "the new encoder's first is a key frame"
    assert choice.name == f"x264, {CODEC} failed"
    assert isinstance(choice.make("H264", 500_000, 30), H264Encoder)
    assert sum("the chip cannot encode" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.long
@given(st.lists(st.integers(100_000, 2_000_000), max_size=12))
def test_a_new_context_is_opened_only_for_a_step_that_is_worth_it(rates: list[int]) -> None:
    encoder = V4l2M2mEncoder(2_000_000, 30, "libx264", {"profile": "baseline", "tune": "zerolatency"})
    opened, expected = 2_000_000.0, 1
    encoder.encode(picture(0, 64, 64), True)
    for number, rate in enumerate(rates, 1):
        encoder.set_rate(rate, 30)
        if not opened / 1.25 <= rate <= opened * 1.25:
            opened, expected = float(rate), expected + 1
        encoder.encode(picture(number, 64, 64), False)
    assert encoder.contexts == expected


bodies = st.binary(min_size=1, max_size=20).filter(lambda b: b"\0" not in b)


def unit(kind: int, body: bytes) -> bytes:
    return b"\0\0\0\1" + bytes([0x60 | kind]) + body


@given(bodies, bodies, st.lists(st.tuples(st.sampled_from([1, 5]), bodies), max_size=10))
def test_every_key_frame_comes_with_the_headers_said_last(sps: bytes, pps: bytes, pictures: list[Any]) -> None:
    headers = Headers()
    first = unit(7, sps) + unit(8, pps) + unit(5, b"x")
    assert headers.complete(first) == first
    for kind, body in pictures:
        said = unit(kind, body)
        whole = headers.complete(said)
        assert whole == (unit(7, sps) + unit(8, pps) + said if kind == 5 else said)


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_apart_without_harm(data: bytes) -> None:
    assert all(units(data))
    assert Headers().complete(data).endswith(data)


def test_the_probe_wants_a_whole_key_frame() -> None:
    probe(chip)
    with pytest.raises(CodecFailed, match="no key frame"):
        probe(lambda *_: Silent())
