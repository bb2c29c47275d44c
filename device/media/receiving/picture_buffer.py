"""Packets of pictures put in order; what is complete goes to the decoder's thread."""

from __future__ import annotations

from collections.abc import Callable

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

from device.media.aiortc_hooks import DecodedElsewhere, payload
from device.media.receiving.picture_decoder import PictureDecoder
from device.media.receiving.remote import Remote
from device.media.receiving.serial import ahead

_HOLE_WAIT = 36_000  # 1/90000 s (400 ms): how long a retransmission may take before we ask for a key frame instead
_KEY_WAIT = 45_000  # 500 ms between two requests for a key frame
_MOST_WAITING = 512  # packets behind a hole
_MOST_PARTS = 2_048  # packets of one picture: 2.6 MB, more than any browser sends
_RESTART = 3_000  # packets: a jump so large is a new sequence, not a loss


class PictureBuffer:
    """Packets of pictures in order. A picture is released with its last packet; after a loss, a key frame is first."""

    def __init__(self, remote: Remote, on_heard: Callable[[], None]) -> None:
        self._decoder = PictureDecoder(remote)
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
        if self._next is None or _RESTART < ahead(number, self._next) < 0x10000 - _RESTART:
            self._start_at(number)
        elif ahead(number, self._next) >= 0x8000:
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
        oldest = min(self._waiting, key=lambda number: ahead(number, self._next or 0))
        waited = ahead(packet.timestamp, self._waiting[oldest].timestamp, 1 << 32)
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
        if not lost and ahead(timestamp, self._asked_at or 0, 1 << 32) < _KEY_WAIT:
            return False
        self._asked_at = timestamp
        return True


class _Pictures(DecodedElsewhere):
    def __init__(self, decoder: PictureDecoder, pictures: list[bytes], after_loss: bool) -> None:
        super().__init__(b"", 0)
        self._decoder = decoder
        self._pictures = pictures
        self._after_loss = after_loss

    def decode(self, codec: RTCRtpCodecParameters) -> None:
        self._decoder.decode(codec.name, self._pictures, self._after_loss)
