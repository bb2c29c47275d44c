"""Packets of sound, handed to the play-out buffer as they come: it decodes them when they are due."""

from __future__ import annotations

from collections.abc import Callable

from aiortc.rtp import RtpPacket

from device.media.aiortc_hooks import DecodedElsewhere, payload
from device.media.receiving.remote import Remote


class SoundBuffer:
    """Stands where aiortc's jitter buffer would, and keeps nothing: the play-out buffer does the waiting."""

    def __init__(self, remote: Remote, on_heard: Callable[[], None]) -> None:
        self._remote = remote
        self._on_heard = on_heard
        self.received_bytes = 0  # of payload

    def add(self, packet: RtpPacket) -> tuple[bool, DecodedElsewhere | None]:
        """Take a packet, on the loop; never a request, and nothing for aiortc's decoder thread."""
        self._on_heard()
        if data := payload(packet):  # none: only padding, as browsers send to find out what a line can take
            self.received_bytes += len(data)
            self._remote.hear(data, packet.sequence_number, packet.timestamp, packet.ssrc)
        return False, None
