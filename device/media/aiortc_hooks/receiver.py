"""Receivers: a buffer of ours in place of aiortc's jitter buffer, and the decoder that it feeds.

aiortc gives a picture to its decoder only when the first packet of the next one has come (33 ms later), holds sound for
80 ms and lets one lost packet hold up 300 ms of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import aiortc.rtcrtpreceiver
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket


class ReceiverBuffer(Protocol):
    """What stands in a receiver for aiortc's jitter buffer."""

    def add(self, packet: RtpPacket) -> tuple[bool, DecodedElsewhere | None]:
        """Take a packet, on the loop; whether to send a PLI, and what can be decoded now."""


MakeBuffer = Callable[[bool], ReceiverBuffer]  # True: for pictures

_stock_decoder = aiortc.rtcrtpreceiver.get_decoder  # type: ignore[attr-defined]


class DecodedElsewhere(JitterFrame):
    """What one of our buffers releases: it knows itself how to be decoded, in the receiver's decoder thread."""

    def decode(self, codec: RTCRtpCodecParameters) -> None:
        """Decode and deliver; av.FFmpegError makes the receiver ask for a key frame."""
        raise NotImplementedError


def install_decoder() -> None:
    """Put our decoder where aiortc looks for it; doing it again changes nothing."""
    aiortc.rtcrtpreceiver.get_decoder = _Decoder  # type: ignore[attr-defined]


@contextlib.contextmanager
def receiver_buffers(make: MakeBuffer) -> Iterator[None]:
    """Receivers constructed inside get their jitter buffers from `make`. Nothing may be awaited inside."""

    def construct(*_: Any, is_video: bool = False, **__: Any) -> ReceiverBuffer:
        return make(is_video)

    stock = aiortc.rtcrtpreceiver.JitterBuffer  # type: ignore[attr-defined]
    aiortc.rtcrtpreceiver.JitterBuffer = construct  # type: ignore[attr-defined,assignment]
    try:
        yield
    finally:
        aiortc.rtcrtpreceiver.JitterBuffer = stock  # type: ignore[attr-defined]


def payload(packet: RtpPacket) -> bytes:
    """A received packet's part of the encoded frame, without the RTP payload header."""
    data: bytes = packet._data  # type: ignore[attr-defined]
    return data


class _Decoder(Decoder):
    """Lets frames of our buffers decode themselves, and gives all others to aiortc's own decoder."""

    def __init__(self, codec: RTCRtpCodecParameters) -> None:
        self._codec = codec
        self._stock: Decoder | None = None

    def decode(self, encoded_frame: JitterFrame) -> list[Any]:
        if isinstance(encoded_frame, DecodedElsewhere):
            encoded_frame.decode(self._codec)
            return []
        if self._stock is None:
            self._stock = _stock_decoder(self._codec)
        return self._stock.decode(encoded_frame)
