"""Senders of ready packets: aiortc drops their PLI, FIR and REMB, unless the sender's private parts tell us of them."""

from __future__ import annotations

from collections.abc import Callable

from aiortc import RTCRtpSender, RTCRtpTransceiver
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder

_ENCODER = "_RTCRtpSender__encoder"


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
