"""Which H.264 encoder: a chip's where there is one that proves itself at the start, else x264; and which it became."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np

from device.media.encoders import TIME_BASE, VideoCodec, VideoEncoder, make_encoder
from device.media.errors import CodecFailed
from device.media.h264_v4l2m2m import CODEC, V4l2M2mEncoder, units

_log = logging.getLogger(__name__)
SOFTWARE = "x264"
_ENCODER_NAME = re.compile(r"enc", re.IGNORECASE)  # e.g. bcm2835-codec-encode, hantro-vpu-enc
_PICTURES = 8  # a chip may keep a few before it gives the first
_PROBE_S = 5.0  # a driver that hangs must not keep the station from its calls
_SIZE = (640, 360)
Make = Callable[[int, int], VideoEncoder]


def has_chip(sys: Path = Path("/sys/class/video4linux")) -> bool:
    """Whether the kernel has a video device that calls itself an encoder."""
    return any(_ENCODER_NAME.search(_text(name)) for name in sys.glob("*/name"))


def probe(make: Make) -> None:
    """Encode a few pictures; CodecFailed if no whole key frame comes of it."""
    encoder = make(1_000_000, 30)
    width, height = _SIZE
    seen: set[int] = set()
    for number in range(_PICTURES):
        picture = np.full((height * 3 // 2, width), 60 + 8 * number, dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.time_base, frame.pts = TIME_BASE, number * 3000
        for packet in encoder.encode(frame, key=number == 0):
            seen |= {unit[0] & 0x1F for unit in units(bytes(packet))}
        if {7, 8, 5} <= seen:
            return
    raise CodecFailed(f"no key frame after {_PICTURES} pictures")


class EncoderChoice:
    """Makes the encoders. Until `decide` has found a chip, and wherever the chip fails, that is x264."""

    def __init__(self, chip: Callable[[], bool] = has_chip, make_chip: Make = V4l2M2mEncoder) -> None:
        self._chip = chip
        self._make_chip = make_chip
        self._proven = False
        self.name = SOFTWARE  # for the report: which one, and what failed

    def decide(self) -> None:
        """Try the chip, if there is one. May take seconds: from a thread."""
        if not self._chip():
            return
        failed: list[str] = ["it does not answer"]

        def work() -> None:
            try:
                probe(self._make_chip)
            except CodecFailed as error:
                failed[:] = [str(error)]
            else:
                failed.clear()

        thread = threading.Thread(target=work, name="encoder-probe", daemon=True)
        thread.start()
        thread.join(_PROBE_S)
        if failed:
            self._give_up(failed[0])
        else:
            self._proven, self.name = True, CODEC
            _log.info("pictures are encoded by the chip, through %s", CODEC)

    def make(self, codec: VideoCodec, bitrate: int, fps: int) -> VideoEncoder:
        """An encoder, as `encoders.make_encoder`."""
        if codec != "H264" or not self._proven:
            return make_encoder(codec, bitrate, fps)
        return _Guarded(self._make_chip(bitrate, fps), lambda: make_encoder(codec, bitrate, fps), self._give_up)

    def _give_up(self, why: str) -> None:
        _log.error("the chip cannot encode (%s): pictures are encoded by x264, which costs the processor more", why)
        self._proven, self.name = False, f"{SOFTWARE}, {CODEC} failed"


class _Guarded:
    """The chip's encoder; when it fails in a call, x264 goes on with the very next picture."""

    def __init__(
        self, chip: VideoEncoder, software: Callable[[], VideoEncoder], give_up: Callable[[str], None]
    ) -> None:
        self._encoder = chip
        self._software = software
        self._give_up = give_up
        self._on_chip = True
        self._rate: tuple[int, int] | None = None

    def set_rate(self, bitrate: int, fps: int) -> None:
        """As VideoEncoder says."""
        self._rate = bitrate, fps
        self._encoder.set_rate(bitrate, fps)

    def encode(self, frame: av.VideoFrame, key: bool) -> list[av.Packet[Any]]:
        """As VideoEncoder says."""
        if not self._on_chip:
            return self._encoder.encode(frame, key)
        try:
            return self._encoder.encode(frame, key)
        except CodecFailed as error:
            self._give_up(str(error))
            self._encoder, self._on_chip = self._software(), False
            if self._rate is not None:
                self._encoder.set_rate(*self._rate)
            return self._encoder.encode(frame, True)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it went while we looked
        return ""
