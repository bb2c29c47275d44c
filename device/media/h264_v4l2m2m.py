"""H.264 by a chip, through FFmpeg's `h264_v4l2m2m` (a Raspberry Pi up to the 4 has one; the 5 has none).

It takes the very pictures that x264 would: framed, cut and brightened. picamera2's own encoder drives the same chip but
takes the camera's buffers as they are, past all of that. Nothing here has been run on a Pi: what is known of the codec
is from FFmpeg's source. Its bit rate is fixed when it is opened, and it says its headers only once.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, cast

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from device.media.encoders import TIME_BASE
from device.media.errors import CodecFailed
from device.media.rate.shares import LEAST_VIDEO

CODEC = "h264_v4l2m2m"
STEP = 1.25  # a change of the bit rate within this factor is not worth a new context, which costs a key frame
_KEY_EVERY_S = 600  # a chip may refuse "never"; a key frame in ten minutes costs nothing
_SPS, _PPS, _IDR = 7, 8, 5
_OPTIONS = {"profile": "66"}  # baseline, by its number in the standard: what every browser takes
_START = b"\0\0\0\1"


def units(annex_b: bytes) -> list[bytes]:
    """The NAL units of a piece of Annex-B, without their start codes; what stands before the first is left out."""
    pieces = annex_b.split(b"\0\0\1")[1:]
    return [unit for unit in (piece.rstrip(b"\0") for piece in pieces) if unit]


class Headers:
    """Sees to it that every key frame comes with its headers, as a viewer that joins late needs them."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}

    def complete(self, annex_b: bytes) -> bytes:
        """The same picture, with the headers that were said last put before a key frame that lacks them."""
        kinds = set()
        for unit in units(annex_b):
            kind = unit[0] & 0x1F
            kinds.add(kind)
            if kind in (_SPS, _PPS):
                self._known[kind] = unit
        if _IDR not in kinds:
            return annex_b
        lacking = [self._known[kind] for kind in (_SPS, _PPS) if kind not in kinds and kind in self._known]
        return b"".join(_START + unit for unit in lacking) + annex_b


class V4l2M2mEncoder:
    """The chip, as `VideoEncoder` wants it."""

    def __init__(self, bitrate: int, fps: int, codec: str = CODEC, options: Mapping[str, str] = _OPTIONS) -> None:
        self._most = self._bitrate = max(LEAST_VIDEO, bitrate)
        self._fps = fps
        self._codec = codec
        self._options = dict(options)
        self._context: VideoCodecContext | None = None
        self._headers = Headers()
        self._opened = 0.0  # the bits a second of the context, counted at the wanted frame rate
        self.contexts = 0  # opened so far

    def set_rate(self, bitrate: int, fps: int) -> None:
        """As VideoEncoder says: a step beyond `STEP` makes a new context with the next picture, and a key frame."""
        self._bitrate, self._fps = min(self._most, max(LEAST_VIDEO, bitrate)), max(1, fps)
        if self._context is not None and not self._opened / STEP <= self._bitrate <= self._opened * STEP:
            self._context = None

    def encode(self, frame: av.VideoFrame, key: bool) -> list[av.Packet[Any]]:
        """As VideoEncoder says; a chip may keep the first pictures for a while."""
        context = self._context
        if context is None or (context.width, context.height) != (frame.width, frame.height):
            context = self._context = self._open(frame.width, frame.height)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        try:
            packets = context.encode(frame)
        except av.FFmpegError as error:
            raise CodecFailed(f"{self._codec} cannot encode {frame.width}x{frame.height}: {error}") from error
        return [self._whole(packet) for packet in packets]

    def _whole(self, packet: av.Packet[Any]) -> av.Packet[Any]:
        said = bytes(packet)
        complete = self._headers.complete(said)
        if complete is said:
            return packet
        whole: av.Packet[Any] = av.Packet(complete)
        whole.pts, whole.dts, whole.time_base = packet.pts, packet.dts, packet.time_base
        whole.is_keyframe = packet.is_keyframe
        return whole

    def _open(self, width: int, height: int) -> VideoCodecContext:
        try:
            context = cast("VideoCodecContext", av.CodecContext.create(self._codec, "w"))
            context.width, context.height = width, height
            context.pix_fmt = "yuv420p"
            context.bit_rate = self._bitrate
            context.framerate = Fraction(self._fps, 1)
            context.time_base = TIME_BASE
            context.gop_size = self._fps * _KEY_EVERY_S
            context.options = self._options
            context.open()
        except (av.FFmpegError, ValueError) as error:
            raise CodecFailed(f"{self._codec} cannot be opened at {width}x{height}: {error}") from error
        self._opened = float(self._bitrate)
        self.contexts += 1
        return context
