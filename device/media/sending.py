"""What the station sends: camera pictures and microphone sound, each encoded once, whoever listens.

Pictures are encoded in a thread of their own, newest wins; sound in the microphone's own thread. Nothing is encoded
while nobody takes packets.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block, Frame
from device.media.echo import SoundProcessor
from device.media.encoders import TIME_BASE, VideoCodec, VideoEncoder, make_encoder
from device.media.errors import CodecFailed
from device.media.fanout import Fanout, Outlet
from device.media.levels import LevelMeter, RateMeter
from device.media.pictures import PictureRing, fit
from device.runtime.bridge import Newest

_log = logging.getLogger(__name__)

KEY_GAP_S = 0.3  # key frames are never closer than this, however often they are asked for: they are ten times as large
VIDEO_QUEUE = 8  # packets a peer may be behind: a quarter of a second
AUDIO_QUEUE = 10  # 200 ms
OWN_WIDTH, OWN_HEIGHT, OWN_FPS = 320, 240, 10
OPUS_BITRATE = 32_000
_PACKET = 2 * BLOCK  # 20 ms


class PictureSource:
    """The camera's pictures, encoded for whoever takes them, and small into a ring for the screen.

    Runs between `start` and `stop`; outlets may come before and stay after.
    """

    def __init__(self, bitrate: int, fps: int, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._streams: dict[VideoCodec, _Stream] = {
            "H264": _Stream("H264", bitrate, fps),
            "VP8": _Stream("VP8", bitrate, fps),
        }
        self._running: _Running | None = None
        self.rate = RateMeter(monotonic)

    def start(self, own_ring: Path, on_broken: Callable[[str], None]) -> None:
        """Begin to encode what is fed; `on_broken` is called on the loop if no encoder works."""
        self._running = _Running(own_ring, on_broken)
        self._running.thread = threading.Thread(
            target=self._run, args=(self._running,), name="picture-encoder", daemon=True
        )
        self._running.thread.start()

    def feed(self, frame: Frame) -> None:
        """A picture of the camera, from its thread; never waits."""
        if (running := self._running) is not None:
            running.frames.put(frame)

    def subscribe(self, codec: VideoCodec) -> Outlet:
        """A queue of packets that begins with a key frame."""
        stream = self._streams[codec]
        outlet = Outlet(VIDEO_QUEUE, stream.want_key)
        stream.fanout.add(outlet)
        stream.want_key()
        return outlet

    def unsubscribe(self, outlet: Outlet) -> None:
        """End a queue, and what it asked for."""
        for stream in self._streams.values():
            stream.fanout.remove(outlet)
            stream.wishes.pop(outlet, None)

    def want_key(self, codec: VideoCodec) -> None:
        """Make the next picture a key frame."""
        self._streams[codec].want_key()

    def want_bitrate(self, codec: VideoCodec, outlet: Outlet, bitrate: int) -> None:
        """Send at most so many bits a second for this outlet; the least that any outlet wants holds for all."""
        self._streams[codec].wishes[outlet] = bitrate

    async def stop(self) -> None:
        """Stop encoding and remove the ring."""
        if (running := self._running) is not None:
            self._running = None
            running.frames.close()
            await asyncio.to_thread(running.thread.join)
            running.own.close()

    def _run(self, running: _Running) -> None:
        for stream in self._streams.values():
            stream.begin()
        while (frame := running.frames.take()) is not None:
            try:
                self._take(frame, running)
            except CodecFailed as error:
                running.later(running.on_broken, str(error))
                return

    def _take(self, frame: Frame, running: _Running) -> None:
        self.rate.count()
        now = self._monotonic()  # not `captured`: the wall clock may be stepped in a call
        picture = av.VideoFrame.from_numpy_buffer(frame.i420, "yuv420p")
        picture.time_base = TIME_BASE
        for stream in self._streams.values():
            if stream.fanout:
                running.later(stream.fanout.publish, stream.encode(picture, now))
        running.own.take(picture, frame.captured, now)


class _Running:
    """What there is only between start and stop."""

    thread: threading.Thread

    def __init__(self, own_ring: Path, on_broken: Callable[[str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self.frames: Newest[Frame] = Newest()
        self.own = _OwnPicture(own_ring)
        self.on_broken = on_broken

    def later(self, act: Callable[..., None], *arguments: object) -> None:
        """Call on the loop."""
        try:
            self._loop.call_soon_threadsafe(act, *arguments)
        except RuntimeError:
            _log.warning("the loop closed while the camera was open")


class _Stream:
    """One codec: its encoder while anybody wants it, and its outlets."""

    def __init__(self, codec: VideoCodec, bitrate: int, fps: int) -> None:
        self._codec: VideoCodec = codec
        self._bitrate = bitrate
        self._fps = fps
        self._encoder: VideoEncoder | None = None
        self._last_pts = -1
        self._key_wanted = False
        self._key_allowed = 0.0
        self.fanout = Fanout()
        self.wishes: dict[Outlet, int] = {}

    def begin(self) -> None:
        self._encoder = None  # the camera may come back with other pictures

    def want_key(self) -> None:
        self._key_wanted = True

    def encode(self, picture: av.VideoFrame, now: float) -> list[av.Packet[Any]]:
        if self._encoder is None:
            self._encoder = make_encoder(self._codec, self._bitrate, self._fps)
        self._encoder.set_bitrate(min(tuple(self.wishes.values()), default=self._bitrate))
        picture.pts = self._last_pts = max(self._last_pts + 1, round(now / TIME_BASE))
        key = self._key_wanted and now >= self._key_allowed
        if key:
            self._key_wanted, self._key_allowed = False, now + KEY_GAP_S
        return self._encoder.encode(picture, key)


class _OwnPicture:
    """The small own picture, a few times a second."""

    def __init__(self, path: Path) -> None:
        self._ring = PictureRing(path, OWN_WIDTH, OWN_HEIGHT)
        self._due = 0.0

    def take(self, picture: av.VideoFrame, captured: float, now: float) -> None:
        if now < self._due:
            return
        self._due = max(self._due + 1 / OWN_FPS, now)
        width, height = fit(picture.width, picture.height, OWN_WIDTH, OWN_HEIGHT)
        small = picture.reformat(width, height, "yuv420p", interpolation="FAST_BILINEAR", threads=1)
        self._ring.show(small, captured)

    def close(self) -> None:
        self._ring.close()


class SoundSource:
    """The microphone's sound, cleaned, metered, and as Opus packets of 20 ms for whoever takes them."""

    def __init__(self, processor: SoundProcessor) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._processor = processor
        self._encoder: _OpusEncoder | None = None
        self._half: Block | None = None
        self._fanout = Fanout()
        self.meter = LevelMeter()

    def start(self) -> None:
        """Packets go to the loop that runs now."""
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        """The microphone is shut."""
        self._half = None
        self.meter.reset()

    def feed(self, block: Block) -> None:
        """10 ms of the microphone, from its thread."""
        clean = self._processor.heard(block)
        self.meter.feed(clean)
        if not self._fanout or self._loop is None:
            self._half = None
            return
        if self._half is None:
            self._half = clean
            return
        sound, self._half = np.concatenate((self._half, clean)), None
        if self._encoder is None:
            self._encoder = _OpusEncoder()
        packets = self._encoder.encode(sound)
        try:
            self._loop.call_soon_threadsafe(self._fanout.publish, packets)
        except RuntimeError:
            _log.warning("the loop closed while the microphone was open")

    def subscribe(self) -> Outlet:
        """A queue of packets."""
        outlet = Outlet(AUDIO_QUEUE, keyed=False)
        self._fanout.add(outlet)
        return outlet

    def unsubscribe(self, outlet: Outlet) -> None:
        """End a queue."""
        self._fanout.remove(outlet)


class _OpusEncoder:
    """Opus for speech: mono, 32 kbit/s, 20 ms, with the means to repair a lost packet in the next."""

    def __init__(self) -> None:
        context = av.CodecContext.create("libopus", "w")
        context.sample_rate = SAMPLE_RATE
        context.layout = "mono"
        context.format = "s16"
        context.bit_rate = OPUS_BITRATE
        context.time_base = Fraction(1, SAMPLE_RATE)
        context.options = {
            "application": "voip",
            "frame_duration": "20",
            "fec": "1",
            "packet_loss": "10",
            "compression_level": "5",
        }
        self._context = context
        self._pts = 0

    def encode(self, sound: np.ndarray[tuple[int], np.dtype[np.int16]]) -> list[av.Packet[Any]]:
        frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, self._pts, self._context.time_base
        self._pts += _PACKET
        return self._context.encode(frame)
