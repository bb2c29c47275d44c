"""What the station receives: packets put in order, decoded in the receiver's thread, shown in the ring and played.

The buffers stand where aiortc's jitter buffers would (`device.media.aiortc_hooks`): `add` is called on the loop with
each packet, and what it releases is decoded in the receiver's decoder thread. Pictures are decoded while the gate is
still shut, so that the newest is there at once when it opens; sound is not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import cast

import av
import numpy as np
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

from device.hardware.ports import SAMPLE_RATE
from device.media.aiortc_hooks import DecodedElsewhere, payload
from device.media.levels import RateMeter
from device.media.pictures import PictureRing
from device.media.playout import Playout

_HOLE_WAIT = 36_000  # 1/90000 s (400 ms): how long a retransmission may take before we ask for a key frame instead
_KEY_WAIT = 45_000  # 500 ms between two requests for a key frame
_MOST_WAITING = 512  # packets behind a hole
_MOST_PARTS = 2_048  # packets of one picture: 2.6 MB, more than any browser sends
_MOST_BEHIND = 15  # releases not decoded yet: half a second, then pictures are left out until a key frame
_RESTART = 3_000  # packets: a jump so large is a new sequence, not a loss
_DECODERS = {"H264": "h264", "VP8": "libvpx"}


class Remote:
    """Where the clinician's pictures and sound go. `gate` is shut until the resident has agreed to the call."""

    def __init__(self, playout: Playout, wall: Callable[[], float], rate: RateMeter) -> None:
        self._playout = playout
        self._wall = wall
        self._rate = rate
        self._lock = threading.Lock()
        self._ring: PictureRing | None = None
        self._newest: av.VideoFrame | None = None
        self._gate = False

    @property
    def gate(self) -> bool:
        """Whether the clinician is shown and heard."""
        return self._gate

    def attach(self, ring: PictureRing | None) -> None:
        """Where pictures are to be shown; None: nowhere any more."""
        with self._lock:
            self._ring = ring
        self._show_newest()

    def open_gate(self) -> None:
        """Show and play from now on, beginning with the newest picture there is."""
        self._gate = True
        self._show_newest()

    def shut_gate(self) -> None:
        """Show and play nothing, and forget what was received."""
        self._gate = False
        self._newest = None
        self._playout.reset()

    def forget(self) -> None:
        """Another peer connection begins: nothing of the last one is to be heard after it."""
        self._newest = None
        self._playout.reset()

    def show(self, picture: av.VideoFrame) -> None:
        """A decoded picture, from the decoder's thread."""
        self._newest = picture
        if self._gate:
            self._rate.count()
            self._show_newest()

    def play(self, frame: av.AudioFrame, position: int) -> None:
        """Decoded sound (mono, 48 kHz, 16 bits), from the decoder's thread."""
        if self._gate:
            self._playout.put(np.frombuffer(memoryview(frame.planes[0]), np.int16)[: frame.samples], position)

    def _show_newest(self) -> None:
        with self._lock:
            picture = self._newest
            if self._gate and self._ring is not None and picture is not None:
                self._newest = None
                self._ring.show(picture, self._wall())


class PictureBuffer:
    """Packets of pictures in order. A picture is released with its last packet; after a loss, a key frame is first."""

    def __init__(self, remote: Remote, on_heard: Callable[[], None]) -> None:
        self._decoder = _PictureDecoder(remote)
        self._on_heard = on_heard
        self._waiting: dict[int, RtpPacket] = {}
        self._next: int | None = None
        self._parts: list[bytes] = []
        self._timestamp = 0
        self._lost = False
        self._asked_at: int | None = None

    def add(self, packet: RtpPacket) -> tuple[bool, DecodedElsewhere | None]:
        """Take a packet; whether to ask for a key frame, and the pictures that are complete now."""
        self._on_heard()
        number = packet.sequence_number
        if self._next is None or _RESTART < _ahead(number, self._next) < 0x10000 - _RESTART:
            self._start_at(number)
        elif _ahead(number, self._next) >= 0x8000:
            return False, None  # older than what has been released
        self._waiting[number] = packet
        lost = self._give_up_hole(packet)
        self._lost |= lost
        released = None
        if pictures := self._release():
            released, self._lost = _Pictures(self._decoder, pictures, self._lost), False
            self._decoder.released += 1
        return self._should_ask(packet.timestamp, lost), released

    def _release(self) -> list[bytes]:
        pictures = []
        while self._next is not None and (packet := self._waiting.pop(self._next, None)) is not None:
            self._next = (self._next + 1) & 0xFFFF
            if self._parts and packet.timestamp != self._timestamp:
                pictures.append(b"".join(self._parts))
                self._parts = []
            self._timestamp = packet.timestamp
            self._parts.append(payload(packet))
            if packet.marker:
                pictures.append(b"".join(self._parts))
                self._parts = []
            elif len(self._parts) > _MOST_PARTS:
                self._parts, self._lost = [], True
        return pictures

    def _give_up_hole(self, packet: RtpPacket) -> bool:
        if self._next in self._waiting or not self._waiting:
            return False
        oldest = min(self._waiting, key=lambda number: _ahead(number, self._next or 0))
        waited = _ahead(packet.timestamp, self._waiting[oldest].timestamp, 1 << 32)
        if waited < _HOLE_WAIT and len(self._waiting) < _MOST_WAITING:
            return False
        self._parts = []
        self._next = oldest
        return True

    def _start_at(self, number: int) -> None:
        self._waiting.clear()
        self._parts = []
        self._next = number

    def _should_ask(self, timestamp: int, lost: bool) -> bool:
        if not lost and not self._decoder.needs_key:
            self._asked_at = None
            return False
        if not lost and self._asked_at is None:
            self._asked_at = timestamp  # a stream begins with a key frame by itself: ask only if this one does not
            return False
        if not lost and _ahead(timestamp, self._asked_at or 0, 1 << 32) < _KEY_WAIT:
            return False
        self._asked_at = timestamp
        return True


class _PictureDecoder:
    """Decodes in the receiver's thread; between a loss and the next key frame the last good picture stays."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._context: VideoCodecContext | None = None
        self._codec = ""
        self._taken = 0
        self.released = 0  # by the loop; `_taken` by the decoder's thread
        self.needs_key = True

    def decode(self, codec: str, pictures: list[bytes], after_loss: bool) -> None:
        self._taken += 1
        if self._context is None or codec != self._codec:
            self._context, self._codec = _video_context(codec), codec
        self.needs_key |= after_loss or self.released - self._taken > _MOST_BEHIND
        for data in pictures:
            if self.needs_key and not is_key_frame(codec, data):
                continue
            self.needs_key = False
            try:
                frames = self._context.decode(av.Packet(data))
            except av.FFmpegError:
                self.needs_key = True
                raise
            for frame in frames:
                self._remote.show(frame)


def is_key_frame(codec: str, data: bytes) -> bool:
    """Whether this encoded picture can be decoded without the one before it."""
    if codec == "VP8":
        return bool(data) and not data[0] & 1
    at = data.find(b"\x00\x00\x01")
    while 0 <= at < len(data) - 3:
        if data[at + 3] & 0x1F in (5, 7):
            return True
        if data[at + 3] & 0x1F == 1:
            return False  # a slice of a dependent picture
        at = data.find(b"\x00\x00\x01", at + 3)
    return False


class SoundBuffer:
    """Packets of sound, passed on as they come; the play-out buffer does the waiting. Late ones are dropped."""

    def __init__(self, remote: Remote, on_heard: Callable[[], None]) -> None:
        self._remote = remote
        self._on_heard = on_heard
        self._newest: int | None = None
        self._context: AudioCodecContext | None = None
        self.late = 0

    def add(self, packet: RtpPacket) -> tuple[bool, DecodedElsewhere | None]:
        """Take a packet; never a request, and the sound to decode."""
        self._on_heard()
        if not self._remote.gate:
            return False, None
        ahead = _ahead(packet.sequence_number, self._newest) if self._newest is not None else 1
        if not 0 < ahead < 0x8000:
            self.late += 1
            return False, None
        self._newest = packet.sequence_number
        return False, _Sound(self, payload(packet), packet.timestamp)

    def decode(self, data: bytes, position: int) -> None:
        """In the decoder's thread."""
        if self._context is None:
            self._context = av.CodecContext.create("libopus", "r")
            self._context.sample_rate = SAMPLE_RATE
            self._context.layout = "mono"
            self._context.format = "s16"
        for frame in self._context.decode(av.Packet(data)):
            self._remote.play(frame, position)


class _Pictures(DecodedElsewhere):
    def __init__(self, decoder: _PictureDecoder, pictures: list[bytes], after_loss: bool) -> None:
        super().__init__(b"", 0)
        self._decoder = decoder
        self._pictures = pictures
        self._after_loss = after_loss

    def decode(self, codec: RTCRtpCodecParameters) -> None:
        self._decoder.decode(codec.name, self._pictures, self._after_loss)


class _Sound(DecodedElsewhere):
    def __init__(self, buffer: SoundBuffer, data: bytes, position: int) -> None:
        super().__init__(b"", 0)
        self._buffer = buffer
        self._sound = data
        self._position = position

    def decode(self, codec: RTCRtpCodecParameters) -> None:  # noqa: ARG002 - only Opus is ever negotiated
        self._buffer.decode(self._sound, self._position)


def _ahead(later: int, earlier: int, modulus: int = 1 << 16) -> int:
    return (later - earlier) % modulus


def _video_context(codec: str) -> VideoCodecContext:
    context = cast("VideoCodecContext", av.CodecContext.create(_DECODERS[codec], "r"))
    context.thread_count = 1
    return context
