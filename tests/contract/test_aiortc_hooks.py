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
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver
from aiortc.codecs.h264 import H264Encoder
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpReceiveParameters
from aiortc.rtp import (
    RtpPacket,
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


def test_a_decoding_error_still_asks_for_a_key_frame() -> None:
    source = inspect.getsource(aiortc.rtcrtpreceiver.decoder_worker)
    assert "except av.FFmpegError" in source
    assert "decode_error.set()" in source
    assert "__decoder_error.is_set()" in inspect.getsource(RTCRtpReceiver._handle_rtp_packet)
