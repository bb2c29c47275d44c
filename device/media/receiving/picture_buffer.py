"""Packets of pictures put in order. Pure: packets and times in, whole pictures out."""

from __future__ import annotations

from aiortc.rtp import RtpPacket

from device.media.aiortc_hooks import payload
from device.media.receiving.serial import RESTART, ahead

_MOST_WAITING = 512  # packets behind a hole
_MOST_PARTS = 2_048  # packets of one picture: 2.6 MB, more than any browser sends
_VP8_START = b"\x9d\x01\x2a"  # RFC 6386, 9.1: in every key frame, and in nothing else, after three bytes
_H264_START = b"\x00\x00\x00\x01"  # as aiortc's depacketiser puts it before every NAL unit
_H264_SPS = 7


class PictureBuffer:
    """A picture is released with its last packet. A hole is waited for; a key frame behind it is not held up by it."""

    def __init__(self) -> None:
        self._waiting: dict[int, RtpPacket] = {}
        self._next: int | None = None
        self._hole_since: float | None = None
        self._parts: list[bytes] = []
        self._timestamp = 0
        self._hurt = False
        self.given_up = 0  # holes that were never filled

    @property
    def next_number(self) -> int | None:
        """The sequence number that is released next."""
        return self._next

    @property
    def waiting(self) -> int:
        """How many packets wait behind a hole."""
        return len(self._waiting)

    def take_hurt(self) -> bool:
        """Whether something was lost for good since this was last asked."""
        hurt, self._hurt = self._hurt, False
        return hurt

    def add(self, packet: RtpPacket, now: float, patience: float) -> list[bytes]:
        """Take a packet; the encoded pictures that are complete now."""
        number = packet.sequence_number
        if self._next is None:
            self._next = number
        step = ahead(number, self._next)
        if RESTART < step < 0x10000 - RESTART:
            self._skip_to(number)
            self._hurt = True
        elif step >= 0x8000:
            return []  # older than what has been released
        elif step and begins_key_frame(payload(packet)):
            self._skip_to(number)
        self._waiting[number] = packet
        return self.look(now, patience)

    def look(self, now: float, patience: float) -> list[bytes]:
        """The pictures that are complete now, with holes given up that are older than `patience` seconds."""
        pictures = self._release()
        if not self._waiting:
            self._hole_since = None
        elif self._hole_since is None or pictures:
            self._hole_since = now
        elif now - self._hole_since >= patience or len(self._waiting) > _MOST_WAITING:
            self._give_up()
            pictures = self._release()
            self._hole_since = now if self._waiting else None
        return pictures

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
                self._parts, self._hurt = [], True
        return pictures

    def _give_up(self) -> None:
        """Go on behind the hole, with the next picture whose beginning is there."""
        oldest = min(self._waiting, key=lambda number: ahead(number, self._next or 0))
        self._parts = []
        self._next = oldest
        self._hurt = True
        self.given_up += 1

    def _skip_to(self, number: int) -> None:
        """What was before is of no use any more."""
        for waiting in tuple(self._waiting):
            if ahead(waiting, number) >= 0x8000 or ahead(waiting, number) > RESTART:
                del self._waiting[waiting]
        self._parts = []
        self._next = number
        self._hole_since = None


def begins_key_frame(data: bytes) -> bool:
    """Whether this is the first packet of a picture that can be decoded without the one before it."""
    if data[:4] == _H264_START:
        return len(data) > 4 and data[4] & 0x1F == _H264_SPS
    return data[3:6] == _VP8_START and not data[0] & 1
