"""The private parts of aiortc and aioice that device/media/aiortc_hooks/ holds on to.

If one of these fails after an upgrade, calls break in the way the message says: look at that hook before anything else.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from fractions import Fraction

import aiortc
import aiortc.rtcrtpreceiver
import av
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.opus import OpusEncoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpReceiveParameters
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RtcpPsfbPacket,
    RtpPacket,
    pack_remb_fci,
)

from device.media import aiortc_hooks

H264 = RTCRtpCodecParameters("video/H264", 90_000, payloadType=99)


@pytest.fixture
async def connection():
    connection = RTCPeerConnection(RTCConfiguration([]))
    yield connection
    await connection.close()


def test_aiortc_is_the_version_whose_insides_we_know() -> None:
    assert aiortc.__version__.startswith("1.16."), (
        "read every hook in device/media/aiortc_hooks/ against the new source"
    )


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_a_sender_of_ready_packets_tells_pli_fir_and_remb(connection: RTCPeerConnection, codec: str) -> None:
    sender = connection.addTransceiver("video").sender
    keys: list[None] = []
    rates: list[int] = []
    aiortc_hooks.take_feedback(sender, codec, lambda: keys.append(None), rates.append)

    for kind in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
        await sender._handle_rtcp_packet(RtcpPsfbPacket(kind, 1, sender._ssrc))
    assert len(keys) == 2, "PLI and FIR no longer call sender._send_keyframe: a lost picture would freeze the call"

    fci = pack_remb_fci(400_000, [sender._ssrc])
    await sender._handle_rtcp_packet(RtcpPsfbPacket(RTCP_PSFB_APP, 1, 0, fci))
    assert rates and rates[0] == pytest.approx(400_000, rel=0.01), (
        "REMB no longer sets target_bitrate of _RTCRtpSender__encoder: a thin line would be flooded"
    )


@pytest.mark.parametrize(("codec", "stock"), [("H264", H264Encoder), ("VP8", Vp8Encoder)])
async def test_the_encoder_in_a_sender_packs_what_a_track_gives(
    connection: RTCPeerConnection, codec: str, stock: type
) -> None:
    sender = connection.addTransceiver("video").sender
    aiortc_hooks.take_feedback(sender, codec, lambda: None, lambda _: None)
    encoder = getattr(sender, "_RTCRtpSender__encoder")  # noqa: B009
    assert isinstance(encoder, stock)
    packet = av.Packet(b"\x00\x00\x00\x01\x65" + b"x" * 3000)
    packet.pts, packet.time_base = 9000, Fraction(1, 90_000)

    payloads, timestamp = encoder.pack(packet)

    assert timestamp == 9000
    assert len(payloads) == 3
    assert max(map(len, payloads)) <= 1300


def test_ready_sound_is_packed_as_it_is() -> None:
    packet = av.Packet(b"opus")
    packet.pts, packet.time_base = 960, Fraction(1, 48_000)
    assert OpusEncoder().pack(packet) == ([b"opus"], 960)


def test_a_sender_asks_for_an_encoder_only_if_it_has_none() -> None:
    source = inspect.getsource(RTCRtpSender._next_encoded_frame)
    assert "if self.__encoder is None" in source, "the encoder we put into a sender would be replaced"
    assert "self.__encoder.pack(data)" in source, "packets from a track are no longer packed by the encoder"


async def test_receivers_get_their_buffers_from_us_only_inside_the_context(connection: RTCPeerConnection) -> None:
    made: list[bool] = []

    class Buffer:
        def add(self, packet: RtpPacket) -> tuple[bool, None]:
            return False, None

    def make(pictures: bool) -> Buffer:
        made.append(pictures)
        return Buffer()

    with aiortc_hooks.receiver_buffers(make):
        connection.addTransceiver("audio")
        connection.addTransceiver("video")
    assert made == [False, True], "a receiver no longer constructs JitterBuffer: pictures would come 33 ms late"

    outside = connection.addTransceiver("video").receiver
    assert isinstance(getattr(outside, "_RTCRtpReceiver__jitter_buffer"), JitterBuffer)  # noqa: B009


async def test_packets_reach_the_buffer_with_their_payload_and_what_it_releases_is_decoded(
    connection: RTCPeerConnection,
) -> None:
    decoded = threading.Event()
    seen: list[bytes] = []

    class Frame(aiortc_hooks.DecodedElsewhere):
        def decode(self, codec: RTCRtpCodecParameters) -> None:
            assert codec.name == "H264"
            decoded.set()

    class Buffer:
        def add(self, packet: RtpPacket) -> tuple[bool, Frame]:
            seen.append(aiortc_hooks.payload(packet))
            return False, Frame(b"", 0)

    aiortc_hooks.install()
    with aiortc_hooks.receiver_buffers(lambda pictures: Buffer()):
        receiver = connection.addTransceiver("video").receiver
    receiver._track = aiortc.rtcrtpreceiver.RemoteStreamTrack("video")
    await receiver.receive(RTCRtpReceiveParameters(codecs=[H264]))
    packet = RtpPacket(payload_type=99, sequence_number=1, timestamp=1, marker=1)
    packet.payload = b"\x65picture"
    await receiver._handle_rtp_packet(packet, 0)

    assert await asyncio.to_thread(decoded.wait, 5), "what our buffer releases no longer reaches get_decoder()"
    assert seen == [b"\x00\x00\x00\x01\x65picture"]


def test_other_peoples_frames_are_decoded_by_aiortc_itself() -> None:
    aiortc_hooks.install()
    decoder = aiortc.rtcrtpreceiver.get_decoder(H264)
    encoder = H264Encoder()
    frame = av.VideoFrame.from_ndarray(np.full((96, 64), 128, np.uint8), "yuv420p")
    frame.pts, frame.time_base = 0, Fraction(1, 90_000)
    payloads, _ = encoder.encode(frame)
    data = b"".join(aiortc.codecs.h264.h264_depayload(payload) for payload in payloads)

    (picture,) = decoder.decode(JitterFrame(data, 0)) or decoder.decode(JitterFrame(b"", 0))

    assert (picture.width, picture.height) == (64, 64)


async def test_the_negotiated_codec_is_the_transceivers_first(connection: RTCPeerConnection) -> None:
    transceiver = connection.addTransceiver("video")
    transceiver._codecs = [H264]
    assert aiortc_hooks.negotiated_codec(transceiver) == "H264"
    assert "parameters.codecs[0]" in inspect.getsource(RTCRtpSender.send)


def test_a_decoding_error_still_asks_for_a_key_frame() -> None:
    source = inspect.getsource(aiortc.rtcrtpreceiver.decoder_worker)
    assert "except av.FFmpegError" in source
    assert "decode_error.set()" in source
    assert "__decoder_error.is_set()" in inspect.getsource(RTCRtpReceiver._handle_rtp_packet)
