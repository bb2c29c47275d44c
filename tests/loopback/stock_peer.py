"""The other side of a call: aiortc as it comes, in this process, that counts what it gets."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
from aiortc import (
    AudioStreamTrack,
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import SessionDescription

TONE_HZ = 440


class Tap:
    """Lets media flow, or holds it; `held` is set once the sender waits at the closed tap."""

    def __init__(self) -> None:
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.held = asyncio.Event()

    def shut(self) -> None:
        self._flowing.clear()

    def open(self) -> None:
        self._flowing.set()
        self.held.clear()

    async def wait(self) -> None:
        if not self._flowing.is_set():
            self.held.set()
            await self._flowing.wait()


class Scene(VideoStreamTrack):
    """Grey pictures that grow brighter, 30 a second."""

    def __init__(self, width: int = 320, height: int = 240) -> None:
        super().__init__()
        self._size = width, height
        self._count = 0
        self.tap = Tap()

    async def recv(self) -> av.VideoFrame:
        await self.tap.wait()
        pts, time_base = await self.next_timestamp()
        width, height = self._size
        self._count += 1
        picture = np.full((height * 3 // 2, width), 128, np.uint8)
        picture[:height] = 40 + self._count * 2 % 160
        frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(AudioStreamTrack):
    """A 440 Hz tone, at a tenth of full scale."""

    def __init__(self) -> None:
        super().__init__()
        self.tap = Tap()
        self._count = 0

    async def recv(self) -> av.AudioFrame:
        await self.tap.wait()
        await super().recv()  # for its pace
        time = (np.arange(960) + self._count) / 48_000
        wave = (3277 * np.sin(2 * np.pi * TONE_HZ * time)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._count, Fraction(1, 48_000)
        self._count += 960
        return frame


class StockPeer:
    """Answers an offer, sends a scene and a tone, and remembers what it received."""

    def __init__(self, vp8_only: bool = False, pictures: tuple[int, int] = (320, 240)) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration([]))
        self.scene, self.tone = Scene(*pictures), Tone()
        self.pictures: deque[av.VideoFrame] = deque(maxlen=300)
        self.sounds: deque[av.AudioFrame] = deque(maxlen=300)
        self.received = {"video": 0, "audio": 0}
        self.messages: list[dict[str, object]] = []
        self._news = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._vp8_only = vp8_only
        self.control = self.pc.createDataChannel("control", negotiated=True, id=0)
        self.control.on("message", self._message)
        self.stills: list[dict[str, object]] = []  # headers
        self.still = bytearray()  # what has come of the last one
        self._still_channel = self.pc.createDataChannel("still", negotiated=True, id=1)
        self._still_channel.on("message", self._piece)
        self.pc.on("track", lambda track: self._tasks.append(asyncio.create_task(self._pull(track))))

    async def answer(self, offer: str) -> str:
        """The answer to this offer, with all candidates."""
        self.pc.addTrack(self.tone)
        self.pc.addTrack(self.scene)
        if self._vp8_only:
            video = next(t for t in self.pc.getTransceivers() if t.kind == "video")
            video.setCodecPreferences(
                [c for c in RTCRtpSender.getCapabilities("video").codecs if c.mimeType == "video/VP8"]
            )
        await self.pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        return self.pc.localDescription.sdp

    async def gets(self, kind: str, count: int) -> None:
        """Wait until it has received so many pictures ("video") or frames of sound ("audio")."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: self.received[kind] >= count), 20)

    async def is_told(self, kind: str) -> dict[str, object]:
        """Wait for a control message of that type."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: any(m["type"] == kind for m in self.messages)), 20)
        return next(m for m in self.messages if m["type"] == kind)

    async def gets_still(self) -> bytes:
        """Wait until a still has come, whole."""
        async with self._news:
            await asyncio.wait_for(
                self._news.wait_for(lambda: self.stills and len(self.still) == self.stills[-1]["bytes"]), 60
            )
        return bytes(self.still)

    async def hears(self, condition: Callable[[dict[str, object]], bool]) -> dict[str, object]:
        """Wait until the newest control message that says `view` is as the condition wants it."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: self.views and condition(self.views[-1])), 20)
        return self.views[-1]

    @property
    def views(self) -> list[dict[str, object]]:
        """What was told of the picture."""
        return [message for message in self.messages if message["type"] == "view"]

    def say(self, **message: object) -> None:
        """Send a control message."""
        self.control.send(json.dumps(message))

    async def fall_silent(self) -> None:
        """Send no picture and no sound any more, without a word; what was begun is sent when this returns."""
        for track in (self.scene, self.tone):
            track.tap.shut()
            await track.tap.held.wait()

    @property
    def picture_receiver(self) -> RTCRtpReceiver:
        """What receives the station's pictures."""
        return next(t.receiver for t in self.pc.getTransceivers() if t.kind == "video")

    @property
    def picture_source(self) -> int:
        """The SSRC of the station's pictures, as its offer says."""
        video = next(m for m in SessionDescription.parse(self.pc.remoteDescription.sdp).media if m.kind == "video")
        return video.ssrc[0].ssrc

    async def close(self) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.pc.close()

    def _message(self, text: str) -> None:
        self.messages.append(json.loads(text))
        self._tasks.append(asyncio.create_task(self._tell()))

    def _piece(self, data: str | bytes) -> None:
        if isinstance(data, str):
            self.stills.append(json.loads(data))
            self.still.clear()
        else:
            self.still += data
        self._tasks.append(asyncio.create_task(self._tell()))

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _pull(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            self.received[track.kind] += 1
            if isinstance(frame, av.VideoFrame):
                self.pictures.append(frame)
            elif isinstance(frame, av.AudioFrame):
                self.sounds.append(frame)
            await self._tell()
