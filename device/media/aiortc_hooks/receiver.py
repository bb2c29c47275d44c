"""Receivers: a buffer of ours in place of aiortc's jitter buffer, and the decoder that it feeds.

aiortc gives a picture to its decoder only when the first packet of the next one has come (33 ms later), holds sound for
80 ms and lets one lost packet hold up 300 ms of it.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import aiortc.rtcrtpreceiver
from aiortc import RTCRtpReceiver
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RTCP_PSFB_APP, RtcpPsfbPacket, RtpPacket, pack_remb_fci


class ReceiverBuffer(Protocol):
    """What stands in a receiver for aiortc's jitter buffer."""

    def add(self, packet: RtpPacket) -> tuple[bool, DecodedElsewhere | None]:
        """Take a packet, on the loop; whether to send a PLI, and what can be decoded now."""


class PictureReceiver(ReceiverBuffer, Protocol):
    """What stands in a receiver of pictures for its NACK generator and its bitrate estimator as well.

    For each packet aiortc calls `measure`, `take` and `add`, in this order.
    """

    missing: list[int]

    def measure(self, abs_send_time: int, size: int, ssrc: int) -> tuple[int, list[int]] | None:
        """Any packet that brings its send time (2**-18 s, 24 bits); the REMB to send (bits a second, SSRCs)."""

    def take(self, packet: RtpPacket) -> bool:
        """A packet of the stream, also a retransmitted one; whether `missing` is to be asked for now."""


MakeBuffer = Callable[[bool], ReceiverBuffer]  # True: for pictures

_stock_decoder = aiortc.rtcrtpreceiver.get_decoder  # type: ignore[attr-defined]


class DecodedElsewhere(JitterFrame, ABC):
    """What one of our buffers releases: it knows itself how to be decoded, in the receiver's decoder thread."""

    @abstractmethod
    def decode(self, codec: RTCRtpCodecParameters) -> None:
        """Decode and deliver; av.FFmpegError makes the receiver ask for a key frame."""


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


def measure_line(receiver: RTCRtpReceiver, pictures: PictureReceiver) -> None:
    """Let `pictures` decide on NACK and REMB in place of aiortc."""
    setattr(receiver, "_RTCRtpReceiver__nack_generator", _Nacks(pictures))  # noqa: B010
    setattr(receiver, "_RTCRtpReceiver__remote_bitrate_estimator", _Estimator(pictures))  # noqa: B010


async def ask_again(receiver: RTCRtpReceiver, ssrc: int, numbers: list[int]) -> None:
    """Send a NACK for these packets of a stream."""
    await receiver._send_rtcp_nack(ssrc, sorted(numbers))


async def ask_key_frame(receiver: RTCRtpReceiver, ssrc: int) -> None:
    """Send a PLI."""
    await receiver._send_rtcp_pli(ssrc)


async def tell_bandwidth(receiver: RTCRtpReceiver, ssrc: int, bps: int) -> None:
    """Send a REMB: what the sender of this stream may send, bits a second."""
    own = getattr(receiver, "_RTCRtpReceiver__rtcp_ssrc")  # noqa: B009
    await receiver._send_rtcp(RtcpPsfbPacket(RTCP_PSFB_APP, own, 0, fci=pack_remb_fci(bps, [ssrc])))


def payload(packet: RtpPacket) -> bytes:
    """A received packet's part of the encoded frame, without the RTP payload header."""
    data: bytes = packet._data  # type: ignore[attr-defined]
    return data


class _Nacks:
    """In place of aiortc's NackGenerator."""

    def __init__(self, pictures: PictureReceiver) -> None:
        self._pictures = pictures

    @property
    def missing(self) -> list[int]:
        return self._pictures.missing

    def add(self, packet: RtpPacket) -> bool:
        return self._pictures.take(packet)


class _Estimator:
    """In place of aiortc's RemoteBitrateEstimator."""

    def __init__(self, pictures: PictureReceiver) -> None:
        self._pictures = pictures

    def add(
        self,
        abs_send_time: int,
        arrival_time_ms: int,  # noqa: ARG002 - taken by the loop, which may be late
        payload_size: int,
        ssrc: int,
    ) -> tuple[int, list[int]] | None:
        return self._pictures.measure(abs_send_time, payload_size, ssrc)


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
