"""The picture encoders: pictures in, packets out, a key frame when asked, bit rate and frame rate set while running.

Measured with PyAV 18.1 on textured pictures: x264's `ultrafast` with the deblocking filter turned back on gives, at
the same bit rate, a better picture than `superfast`, for 70 % of its time (1.8 ms at 640x480, 4.3 ms at 1280x720).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal, Protocol, cast

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from device.media.errors import CodecFailed
from device.media.rate.shares import LEAST_VIDEO

VideoCodec = Literal["H264", "VP8"]
TIME_BASE = Fraction(1, 90_000)
_NEVER = 1_000_000  # frames between key frames that nobody asked for
_ROOM = 1.5  # of a new context's most over the bit rate that is wanted
_OVERSIZED = 3.0  # a context whose most is so far over what is wanted makes its next key frame in a new one
_AHEAD_S = 0.25  # a key frame may take what is meant for so long
_FINE_ENOUGH = 16  # quantiser: 44 dB, which no eye tells from the original; finer only costs line, packets and CPU
_QUALITY = struct.Struct("<I")  # AV_PKT_DATA_QUALITY_STATS begins with it
_LAMBDA = 118  # FF_QP2LAMBDA
_VP8_STEP = 1.25  # a change of the bit rate smaller than this factor is not worth a new VP8 encoder


def quantiser(packet: av.Packet[Any]) -> float | None:
    """How coarse x264 made this picture on average, 0 to 51; None from an encoder that does not say."""
    if not packet.has_sidedata("quality_stats"):
        return None
    return float(_QUALITY.unpack_from(packet.get_sidedata("quality_stats"))[0]) / _LAMBDA


class VideoEncoder(Protocol):
    """One codec, one picture size after the other."""

    def set_rate(self, bitrate: int, fps: int) -> None:
        """From the next picture on: bits a second, kept between LEAST_VIDEO and the most given at the start, and the
        pictures a second that will come."""

    def encode(self, frame: av.VideoFrame, key: bool) -> list[av.Packet[Any]]:
        """Encode an I420 picture whose pts is in 1/90000 s; CodecFailed if the codec cannot."""


MakeEncoder = Callable[[VideoCodec, int, int], VideoEncoder]  # codec, bits a second at most, pictures a second


def make_encoder(codec: VideoCodec, bitrate: int, fps: int) -> VideoEncoder:
    """An encoder that starts at `bitrate` and `fps`; that bit rate is also its most."""
    return H264Encoder(bitrate, fps) if codec == "H264" else Vp8Encoder(bitrate, fps)


class H264Encoder:
    """x264: constrained baseline, Annex-B with headers before every key frame, no delay.

    x264 keeps to a bit rate at once only if it was opened at its most (its `maxrate`, which PyAV cannot change
    afterwards): then what was saved in quiet seconds is forgotten. Opened below it, it spends for seconds what a
    narrowed line does not have: 1.6 Mbit/s after a step from 1 Mbit/s to 300 kbit/s. So each context has its own most,
    a little over what is wanted; when more is wanted, or a key frame is due and would be too large, there is a new one.
    What a picture that is fine enough does not spend is forgotten likewise, so the floor of the quantiser costs a line
    that narrows nothing. It counts in pictures, not in time: at another frame rate than it was opened with, its bit
    rate is scaled.
    """

    def __init__(self, bitrate: int, fps: int) -> None:
        self._most = self._bitrate = max(LEAST_VIDEO, bitrate)
        self._fps = fps
        self._context: VideoCodecContext | None = None
        self._opened = (0, 0)  # the most bits a second of the context, and its pictures a second

    def set_rate(self, bitrate: int, fps: int) -> None:
        """As VideoEncoder says; a new key frame comes only if the rate has grown out of its context."""
        self._bitrate, self._fps = min(self._most, max(LEAST_VIDEO, bitrate)), max(1, fps)
        if self._context is not None and self._scaled() > self._opened[0]:
            self._context = None

    def encode(self, frame: av.VideoFrame, key: bool) -> list[av.Packet[Any]]:
        """As VideoEncoder says."""
        context = self._context
        if context is None or (context.width, context.height) != (frame.width, frame.height) or self._oversized(key):
            context = self._context = self._open(frame.width, frame.height)
        context.bit_rate = int(self._scaled())
        frame.pict_type = PictureType.I if key else PictureType.NONE
        return _encode(context, frame)

    def _scaled(self) -> float:
        return self._bitrate * self._opened[1] / self._fps

    def _oversized(self, key: bool) -> bool:
        return key and self._scaled() * _OVERSIZED < self._opened[0]

    def _open(self, width: int, height: int) -> VideoCodecContext:
        most = min(self._most, int(self._bitrate * _ROOM))
        self._opened = most, self._fps
        context = _context("libx264", width, height, most, self._fps)
        context.profile = "Baseline"
        context.qmin = _FINE_ENOUGH
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "maxrate": str(most),
            "bufsize": str(int(most * _AHEAD_S)),
            "x264-params": "deblock=0,0:level=3.1",
        }
        return _started(context)


class Vp8Encoder:
    """libvpx in real-time mode, for a browser without H.264. A much changed bit rate costs a key frame."""

    def __init__(self, bitrate: int, fps: int) -> None:
        self._most = self._bitrate = max(LEAST_VIDEO, bitrate)
        self._fps = fps
        self._context: VideoCodecContext | None = None

    def set_rate(self, bitrate: int, fps: int) -> None:
        """As VideoEncoder says; libvpx reads the frame rate from the pictures' times."""
        self._bitrate, self._fps = min(self._most, max(LEAST_VIDEO, bitrate)), max(1, fps)
        opened = self._context.bit_rate if self._context is not None else None
        if opened and not opened / _VP8_STEP < self._bitrate < opened * _VP8_STEP:
            self._context = None

    def encode(self, frame: av.VideoFrame, key: bool) -> list[av.Packet[Any]]:
        """As VideoEncoder says."""
        if self._context is None or (self._context.width, self._context.height) != (frame.width, frame.height):
            self._context = self._open(frame.width, frame.height)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        return _encode(self._context, frame)

    def _open(self, width: int, height: int) -> VideoCodecContext:
        rate = str(self._bitrate)
        context = _context("libvpx", width, height, self._bitrate, self._fps)
        context.qmin, context.qmax = 2, 56
        context.options = {
            "deadline": "realtime",
            "cpu-used": "-12",
            "lag-in-frames": "0",
            "minrate": rate,
            "maxrate": rate,
            "bufsize": rate,
            "static-thresh": "100",
            "error-resilient": "1",
            "undershoot-pct": "100",
            "overshoot-pct": "15",
        }
        return context


def _started(context: VideoCodecContext) -> VideoCodecContext:
    try:
        context.open()
    except av.FFmpegError as error:
        raise CodecFailed(f"{context.name} cannot be opened at {context.width}x{context.height}: {error}") from error
    return context


def _context(codec: str, width: int, height: int, bitrate: int, fps: int) -> VideoCodecContext:
    try:
        context = cast("VideoCodecContext", av.CodecContext.create(codec, "w"))
    except (av.FFmpegError, ValueError) as error:
        raise CodecFailed(f"{codec} is not in this build of PyAV: {error}") from error
    context.width, context.height = width, height
    context.pix_fmt = "yuv420p"
    context.bit_rate = bitrate
    context.framerate = Fraction(fps, 1)
    context.time_base = TIME_BASE
    context.gop_size = _NEVER
    context.thread_count = 1  # two threads cost more than they save at these sizes, and split the picture in slices
    return context


def _encode(context: VideoCodecContext, frame: av.VideoFrame) -> list[av.Packet[Any]]:
    try:
        return context.encode(frame)
    except av.FFmpegError as error:
        raise CodecFailed(f"{context.name} cannot encode {frame.width}x{frame.height}: {error}") from error
