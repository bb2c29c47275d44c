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
from numpy.typing import NDArray

from device.hardware.ports import SAMPLE_RATE, Block, Frame
from device.media.echo import Met, SoundProcessor
from device.media.encoders import MakeEncoder, VideoCodec
from device.media.errors import CodecFailed
from device.media.fanout import Fanout, Outlet
from device.media.levels import LevelMeter, RateMeter
from device.media.opus import is_pause
from device.media.opus_encoder import SAMPLES, OpusEncoder
from device.media.picture_stream import PictureStream, as_picture
from device.media.pictures import PictureRing, fit
from device.media.rate import Budget, least
from device.media.rate.ladder import MOST_HEIGHT, MOST_WIDTH
from device.media.rate.shares import MOST_SOUND
from device.media.viewing import Viewing, WholePicture
from device.runtime.bridge import Newest
from device.runtime.urgency import step_back

_log = logging.getLogger(__name__)

VIDEO_QUEUE = 8  # packets a peer may be behind: a quarter of a second
AUDIO_QUEUE = 10  # 200 ms
OWN_WIDTH, OWN_HEIGHT, OWN_FPS = 320, 240, 10
_SOUND_TIME = Fraction(1, SAMPLE_RATE)


class PictureSource:
    """The camera's pictures, encoded for whoever takes them, and small into a ring for the screen.

    Runs between `start` and `stop`; outlets may come before and stay after.
    """

    def __init__(
        self, bitrate: int, fps: int, monotonic: Callable[[], float], viewing: Viewing | None = None,
        make_encoder: MakeEncoder | None = None,
    ) -> None:  # fmt: skip
        self._monotonic = monotonic
        self._viewing = viewing or WholePicture()
        whole = Budget(bitrate, MOST_SOUND, MOST_WIDTH, MOST_HEIGHT, fps, 0.0)
        self._streams: dict[VideoCodec, PictureStream] = {
            "H264": PictureStream("H264", whole, make_encoder),
            "VP8": PictureStream("VP8", whole, make_encoder),
        }
        self._running: _Running | None = None
        self.rate = RateMeter(monotonic)
        self.taken = 0  # pictures of the camera, since the source was made

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
            stream.want(outlet, None)

    def want_key(self, codec: VideoCodec) -> None:
        """Make the next picture a key frame."""
        self._streams[codec].want_key()

    def want(self, codec: VideoCodec, outlet: Outlet, budget: Budget) -> None:
        """What this outlet's line has room for; the least that any outlet wants holds for all."""
        self._streams[codec].want(outlet, budget)

    async def stop(self) -> None:
        """Stop encoding and remove the ring."""
        if (running := self._running) is not None:
            self._running = None
            running.frames.close()
            await asyncio.to_thread(running.thread.join)
            running.own.close()

    def _run(self, running: _Running) -> None:
        step_back()
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
        due = [stream for stream in self._streams.values() if stream.fanout and stream.is_due(now)]
        own = running.own.is_due(now)
        if due or own:
            # Looked at once: the resident sees of the own picture what the clinician sees.
            width, height = max((stream.size for stream in due), default=(OWN_WIDTH, OWN_HEIGHT))
            frame = self._viewing.look(frame, width, height)
        for stream in due:
            running.later(stream.fanout.publish, stream.encode(frame, now))
        if own:
            running.own.take(frame)
        self.taken += 1


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


class _OwnPicture:
    """The small own picture, a few times a second."""

    def __init__(self, path: Path) -> None:
        self._ring = PictureRing(path, OWN_WIDTH, OWN_HEIGHT)
        self._due = 0.0

    def is_due(self, now: float) -> bool:
        if now < self._due:
            return False
        self._due = max(self._due + 1 / OWN_FPS, now)
        return True

    def take(self, frame: Frame) -> None:
        width, height = fit(frame.width, frame.height, OWN_WIDTH, OWN_HEIGHT)
        small = as_picture(frame).reformat(width, height, "yuv420p", interpolation="FAST_BILINEAR", threads=1)
        self._ring.show(small, frame.captured)

    def close(self) -> None:
        self._ring.close()


class SoundSource:
    """The microphone's sound, cleaned, metered, and as Opus packets of 20 ms for whoever takes them."""

    def __init__(self, processor: SoundProcessor) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._processor = processor
        self._encoder: _SoundEncoder | None = None
        self._first: Met | None = None  # of the two that make a packet
        self._fanout = Fanout()
        self._wishes: dict[Outlet, Budget] = {}
        self._room = (MOST_SOUND, 0.0)  # bits a second, and the share that is lost
        self.meter = LevelMeter()

    def start(self) -> None:
        """Packets go to the loop that runs now."""
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        """The microphone is shut."""
        self._first = None
        self.meter.reset()

    def feed(self, block: Block) -> None:
        """10 ms of the microphone, from its thread."""
        met = self._processor.meet(block)
        if self._first is None:
            self._first = met
            return
        both, self._first = (self._first, met), None
        sound = np.concatenate([self._processor.clean(one) for one in both])
        self.meter.feed(sound)
        if not self._fanout or self._loop is None:
            return
        if self._encoder is None:
            self._encoder = _SoundEncoder()
        packets = self._encoder.encode(sound, *self._room)
        try:
            self._loop.call_soon_threadsafe(self._fanout.publish, packets)
        except RuntimeError:
            _log.warning("the loop closed while the microphone was open")

    def subscribe(self) -> Outlet:
        """A queue of packets."""
        outlet = Outlet(AUDIO_QUEUE, keyed=False)
        self._fanout.add(outlet)
        return outlet

    def want(self, outlet: Outlet, budget: Budget) -> None:
        """What this outlet's line has room for and loses; the least room and the most loss of any hold for all."""
        self._wishes[outlet] = budget
        self._agree()

    def unsubscribe(self, outlet: Outlet) -> None:
        """End a queue, and what it asked for."""
        self._fanout.remove(outlet)
        self._wishes.pop(outlet, None)
        self._agree()

    def _agree(self) -> None:
        budget = least(self._wishes.values())
        self._room = (MOST_SOUND, 0.0) if budget is None else (budget.audio_bps, budget.loss)


class _SoundEncoder:
    """Opus with its clock. In a pause nothing is sent but its first packet, which says that it is one."""

    def __init__(self) -> None:
        self._opus = OpusEncoder(MOST_SOUND)
        self._pts = 0
        self._pausing = False

    def encode(self, sound: NDArray[np.int16], bitrate: int, loss: float) -> list[av.Packet[Any]]:
        self._opus.adapt(bitrate, loss)
        data = self._opus.encode(sound)
        pts, self._pts = self._pts, self._pts + SAMPLES
        was_pausing, self._pausing = self._pausing, is_pause(data)
        if was_pausing and self._pausing:
            return []
        packet = av.Packet(data)
        packet.pts, packet.time_base = pts, _SOUND_TIME
        return [packet]
