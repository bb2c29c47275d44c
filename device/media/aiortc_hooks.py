"""Every private part of aiortc 1.16 and aioice that we hold on to, in one place.

Pinned by tests/contract/test_aiortc_hooks.py; aiortc itself is pinned to 1.16.0. Why each is needed:

- a sender that is given ready packets drops PLI, FIR and REMB: `_send_keyframe` and the sender's encoder;
- a receiver gives a picture to its decoder only when the first packet of the next one has come (33 ms later), holds
  sound for 80 ms and lets one lost packet hold up 300 ms of it: its jitter buffer, and the decoder that it feeds;
- gathering waits 5 s for a STUN or TURN server that is dead: its timeout;
- a machine that has only a loopback address gets no candidate at all: the list of host addresses.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

import aioice.ice
import aiortc.rtcrtpreceiver
from aiortc import RTCRtpSender, RTCRtpTransceiver
from aiortc.codecs.base import Decoder
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket


class ReceiverBuffer(Protocol):
    """What stands in a receiver for aiortc's jitter buffer."""

    def add(self, packet: RtpPacket) -> tuple[bool, DecodedElsewhere | None]:
        """Take a packet, on the loop; whether to send a PLI, and what can be decoded now."""


MakeBuffer = Callable[[bool], ReceiverBuffer]  # True: for pictures

_stock_decoder = aiortc.rtcrtpreceiver.get_decoder  # type: ignore[attr-defined]
_stock_addresses = aioice.ice.get_host_addresses
_ENCODER = "_RTCRtpSender__encoder"


class DecodedElsewhere(JitterFrame):
    """What one of our buffers releases: it knows itself how to be decoded, in the receiver's decoder thread."""

    def decode(self, codec: RTCRtpCodecParameters) -> None:
        """Decode and deliver; av.FFmpegError makes the receiver ask for a key frame."""
        raise NotImplementedError


def install() -> None:
    """Put our decoder and host addresses where aiortc looks for them; doing it again changes nothing."""
    logging.getLogger("aioice").setLevel(logging.WARNING)  # it tells every address it tries
    aiortc.rtcrtpreceiver.get_decoder = _Decoder  # type: ignore[attr-defined]
    aioice.ice.get_host_addresses = _host_addresses


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


def bound_gathering(transceiver: RTCRtpTransceiver, seconds: float) -> None:
    """Wait at most so long for STUN and TURN; the host candidates are there at once."""
    connection = transceiver.receiver.transport.transport.iceGatherer._connection
    connection.get_component_candidates = functools.partial(  # type: ignore[method-assign]
        connection.get_component_candidates, timeout=cast("int", seconds)
    )


def payload(packet: RtpPacket) -> bytes:
    """A received packet's part of the encoded frame, without the RTP payload header."""
    data: bytes = packet._data  # type: ignore[attr-defined]
    return data


def negotiated_codec(transceiver: RTCRtpTransceiver) -> str:
    """The name of the codec that will be sent, e.g. `H264`; known once the answer is in."""
    return transceiver._codecs[0].name


def take_feedback(
    sender: RTCRtpSender, codec: str, on_key_frame: Callable[[], None], on_bitrate: Callable[[int], None]
) -> None:
    """Tell PLI and FIR (`on_key_frame`) and REMB (`on_bitrate`, bits a second) of a sender of ready packets."""
    sender._send_keyframe = on_key_frame  # type: ignore[method-assign]
    setattr(sender, _ENCODER, _H264Packer(on_bitrate) if codec == "H264" else _Vp8Packer(on_bitrate))


class _H264Packer(H264Encoder):
    def __init__(self, on_bitrate: Callable[[int], None]) -> None:
        super().__init__()
        self._on_bitrate = on_bitrate

    @property
    def target_bitrate(self) -> int:
        return 0

    @target_bitrate.setter
    def target_bitrate(self, bitrate: int) -> None:
        self._on_bitrate(bitrate)


class _Vp8Packer(Vp8Encoder):
    def __init__(self, on_bitrate: Callable[[int], None]) -> None:
        super().__init__()
        self._on_bitrate = on_bitrate

    @property
    def target_bitrate(self) -> int:
        return 0

    @target_bitrate.setter
    def target_bitrate(self, bitrate: int) -> None:
        self._on_bitrate(bitrate)


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


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    return _stock_addresses(use_ipv4, use_ipv6) or ["127.0.0.1"]
