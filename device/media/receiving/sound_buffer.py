"""Packets of sound, decoded and handed to the play-out buffer."""

from __future__ import annotations

from collections.abc import Callable

import av
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket
from av.audio.codeccontext import AudioCodecContext

from device.hardware.ports import SAMPLE_RATE
from device.media.aiortc_hooks import DecodedElsewhere, payload
from device.media.receiving.remote import Remote
from device.media.receiving.serial import ahead


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
        step = ahead(packet.sequence_number, self._newest) if self._newest is not None else 1
        if not 0 < step < 0x8000:
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


class _Sound(DecodedElsewhere):
    def __init__(self, buffer: SoundBuffer, data: bytes, position: int) -> None:
        super().__init__(b"", 0)
        self._buffer = buffer
        self._sound = data
        self._position = position

    def decode(self, codec: RTCRtpCodecParameters) -> None:  # noqa: ARG002 - only Opus is ever negotiated
        self._buffer.decode(self._sound, self._position)
