"""The receiving of pictures as one thing: order, losses, key frames, the line's measure, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

from device.media.aiortc_hooks import DecodedElsewhere, payload
from device.media.receiving.bandwidth import BandwidthEstimator
from device.media.receiving.key_requests import KeyRequests, Sight
from device.media.receiving.losses import LossTracker
from device.media.receiving.picture_buffer import PictureBuffer, begins_key_frame
from device.media.receiving.picture_decoder import PictureDecoder
from device.media.receiving.remote import Remote

_SHARE_OVER = 1.1  # of what is wanted: repairs and headers come on top of the pictures


@dataclass(frozen=True)
class PictureFigures:
    """Numbers since the peer began. Sizes in pixels, times in seconds."""

    frames: int  # decoded
    dropped: int  # whole, but not shown: after a loss, or broken; and one for each hole that was never filled
    freezes: int  # as webrtc-stats counts them
    freeze_s: float
    packets: int  # expected, by their numbers
    lost: int  # on their first way
    recovered: int  # of these, come when asked for
    nacks: int  # packet numbers asked for, each time counted
    plis: int  # key frames asked for
    received_bytes: int  # RTP payloads, repairs and padding with them
    width: int
    height: int
    allowed_bps: int  # what the other side was last told it may send


@dataclass(frozen=True)
class Wishes:
    """What is to be said to the sender of `ssrc` now."""

    ssrc: int
    again: list[int]  # packet numbers (NACK)
    key: bool  # PLI
    bandwidth: int | None  # REMB, bits a second


class PictureReception:
    """Stands in an aiortc receiver for its jitter buffer, its NACK generator and its bitrate estimator.

    All is called on the loop; decoding happens in the receiver's decoder thread. `arrived` says when the packet that
    is being handled came in, by the same clock as `monotonic`. `wanted_bps`: what pictures of the best quality take.
    """

    def __init__(
        self, remote: Remote, on_heard: Callable[[], None], monotonic: Callable[[], float], wanted_bps: int
    ) -> None:
        self._on_heard = on_heard
        self._monotonic = monotonic
        self._decoder = PictureDecoder(remote, monotonic)
        self._buffer = PictureBuffer()
        self._losses = LossTracker()
        self._keys = KeyRequests()
        self._line = BandwidthEstimator(int(wanted_bps * _SHARE_OVER))
        self._ssrc: int | None = None
        self._packet_ssrc = 0
        self._key_coming = False
        self._packet_at: float | None = None
        self._heard_at: float | None = None
        self._wanted = True
        self._bytes = 0
        self.arrived: Callable[[], float] = monotonic
        self.missing: list[int] = []  # what aiortc asks for after `take` has said so

    def measure(self, abs_send_time: int, size: int, ssrc: int) -> tuple[int, list[int]] | None:
        """Any packet with its send time, repairs and padding too; what REMB to send, with its SSRCs."""
        self._packet_ssrc = ssrc
        self._bytes += size
        self._line.packet(abs_send_time, self.arrived(), size)
        if self._ssrc is None:
            return None
        bandwidth = self._judge(self._monotonic())
        return None if bandwidth is None else (bandwidth, [self._ssrc])

    def take(self, packet: RtpPacket) -> bool:
        """A packet of the stream, retransmitted or not; whether `missing` is to be asked for."""
        now = self._monotonic()
        self._ssrc = packet.ssrc
        self._losses.take(packet.sequence_number, now, repair=packet.ssrc != self._packet_ssrc != 0)
        self.missing = self._losses.due(now)
        return bool(self.missing)

    def add(self, packet: RtpPacket) -> tuple[bool, DecodedElsewhere | None]:
        """The same packet with its payload; whether to send a PLI, and the pictures that are complete now."""
        self._on_heard()
        now = self._monotonic()
        self._packet_at = self._heard_at = now
        self._key_coming |= self._decoder.needs_key and begins_key_frame(payload(packet))
        pictures = self._buffer.add(packet, now, self._losses.patience)
        if (next_number := self._buffer.next_number) is not None and self._losses.missing:
            self._losses.give_up_before(next_number)
        hurt = self._buffer.take_hurt()
        released = None
        if pictures or hurt:
            released = _Pictures(self._decoder, pictures, hurt)
            self._decoder.released += 1
        return (hurt or self._decoder.needs_key) and self._wants_key(now, hurt), released

    @property
    def waits(self) -> bool:
        """Whether a packet is missing that can still come."""
        return self._losses.missing > 0

    @property
    def queue(self) -> float:
        """How long a queue stands on the way to us, seconds."""
        return self._line.queue

    def look(self) -> Wishes | None:
        """Without a packet, some times a second: what to say to the sender now."""
        if self._ssrc is None:
            return None
        now = self._monotonic()
        return Wishes(self._ssrc, self._losses.due(now), self._wants_key(now, hurt=False), self._judge(now))

    def heard(self) -> None:
        """The other side gave another sign of life."""
        self._heard_at = self._monotonic()

    def round_trip(self, seconds: float) -> None:
        """What RTCP has told of the round trip."""
        self._losses.tell_round_trip(seconds)

    def camera(self, on: bool) -> None:
        """The other side says whether its camera is on."""
        self._wanted = on
        if not on:
            self._decoder.freezes.pause()

    def figures(self) -> PictureFigures:
        """What came of it so far."""
        decoder, losses = self._decoder, self._losses
        freezes, freeze_s = decoder.freezes.total(self._monotonic())
        return PictureFigures(
            decoder.decoded,
            decoder.dropped + self._buffer.given_up,
            freezes,
            freeze_s,
            losses.expected,
            losses.lost,
            losses.recovered,
            losses.asked,
            self._keys.count,
            self._bytes,
            *decoder.size,
            self._line.rate,
        )

    def _judge(self, now: float) -> int | None:
        return self._line.look(now, self._losses.expected, self._losses.lost, self._losses.round_trip)

    def _wants_key(self, now: float, hurt: bool) -> bool:
        decoder = self._decoder
        sight = Sight(
            decoder.needs_key or hurt,
            decoder.hurt or hurt,
            self._key_coming,
            self._packet_at,
            decoder.picture_at,
            self._heard_at,
            self._wanted,
        )
        wants = self._keys.look(sight, now)
        if wants:
            self._key_coming = False
        return wants


class _Pictures(DecodedElsewhere):
    def __init__(self, decoder: PictureDecoder, pictures: list[bytes], after_loss: bool) -> None:
        super().__init__(b"", 0)
        self._decoder = decoder
        self._pictures = pictures
        self._after_loss = after_loss

    def decode(self, codec: RTCRtpCodecParameters) -> None:
        self._decoder.decode(codec.name, self._pictures, self._after_loss)
