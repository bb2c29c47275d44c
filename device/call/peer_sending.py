"""The sending half of a peer connection: what of the room it is sent, and how the line has its say in that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiortc import RTCRtpTransceiver
from aiortc.rtp import AnyRtcpPacket

from device.call.peer_still import pace
from device.call.samples import Sent
from device.media import aiortc_hooks
from device.media.encoders import VideoCodec
from device.media.fanout import Outlet
from device.media.media import Media
from device.media.pictures import fit
from device.media.rate import Budget
from device.media.rate.control import RateControl
from device.media.rtp.header import Wire
from device.media.rtp.sender import Kind, Sender, SendingFigures
from messaging.clock import Clock


class PeerSending:
    """Sends through the senders of two transceivers. Nothing of the room leaves before `open_gate`.

    Construct it before the offer is made; `answered` when the answer is in. `queue_back`: how long a queue (seconds)
    stands on the way to us.
    """

    def __init__(
        self, media: Media, clock: Clock, sound: RTCRtpTransceiver, pictures: RTCRtpTransceiver,
        queue_back: Callable[[], float],
    ) -> None:  # fmt: skip
        self._media = media
        self._pictures = pictures
        self._gate = self._closed = False
        self._task: asyncio.Task[None] | None = None
        self._codec: VideoCodec | None = None
        self._budget: Budget | None = None
        self._sound_outlet: Outlet | None = None
        self._picture_outlet: Outlet | None = None
        self._picture_bps: int | None = None
        camera = media.mode
        control = RateControl(media.bitrate_kbps * 1000, camera.width, camera.height, camera.fps, now=clock.monotonic())
        self._sender = Sender(clock, control, self._key_wanted, self._budget_changed, queue_back)
        aiortc_hooks.send_instead(sound.sender, _Half(self._sender, "audio"))
        aiortc_hooks.send_instead(pictures.sender, _Half(self._sender, "video"))

    def answered(self) -> None:
        """The answer is in: the codec is known."""
        if self._closed:
            return
        self._task = asyncio.create_task(self._sender.run())
        self._codec = "VP8" if aiortc_hooks.negotiated_codec(self._pictures) == "VP8" else "H264"
        self._feed()

    def open_gate(self) -> None:
        """Send the room from now on."""
        self._gate = True
        self._feed()

    def figures(self) -> SendingFigures:
        """Numbers since the peer began."""
        return self._sender.figures()

    @property
    def codec(self) -> VideoCodec | None:
        """In which pictures are sent; None before the answer."""
        return self._codec

    def sent(self) -> Sent:
        """Sound and pictures sent, for the call's statistics."""
        figures, budget, camera = self._sender.figures(), self._budget, self._media.mode
        width, height = (0, 0) if budget is None else fit(camera.width, camera.height, budget.width, budget.height)
        return Sent(
            figures.sound_bytes, figures.picture_bytes, figures.pictures, figures.loss, width, height,
            None if budget is None else budget.video_bps / 1000, figures.round_trip_s,
        )  # fmt: skip

    def round_trip(self) -> float | None:
        """Seconds, as RTCP last told."""
        return self._sender.round_trip

    def room_beside(self) -> int:
        """Bits a second that a still may take beside sound and picture."""
        return pace(self._picture_bps, self._media.bitrate_kbps * 1000)

    async def close(self) -> None:
        """Take no more of the room; after the peer connection has been closed."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        if self._picture_outlet is not None:
            self._media.pictures.unsubscribe(self._picture_outlet)
        if self._sound_outlet is not None:
            self._media.sound.unsubscribe(self._sound_outlet)

    def _feed(self) -> None:
        if self._closed or not self._gate or self._codec is None or self._picture_outlet is not None:
            return
        self._picture_outlet = self._media.pictures.subscribe(self._codec)
        self._sound_outlet = self._media.sound.subscribe()
        self._sender.feed("video", self._picture_outlet)
        self._sender.feed("audio", self._sound_outlet)

    def _key_wanted(self) -> None:
        if self._codec is not None:
            self._media.pictures.want_key(self._codec)

    def _budget_changed(self, budget: Budget) -> None:
        self._budget = budget
        self._picture_bps = budget.video_bps
        if self._codec is not None and self._picture_outlet is not None and self._sound_outlet is not None:
            self._media.pictures.want(self._codec, self._picture_outlet, budget)
            self._media.sound.want(self._sound_outlet, budget)


class _Half(aiortc_hooks.Outgoing):
    """One kind's place in aiortc."""

    def __init__(self, sender: Sender, kind: Kind) -> None:
        self._sender = sender
        self._kind: Kind = kind

    def opened(self, wire: Wire, line: aiortc_hooks.DtlsLine) -> None:
        self._sender.opened(self._kind, wire, line)

    def rtcp(self, packet: AnyRtcpPacket) -> None:
        self._sender.rtcp(self._kind, packet)

    def closed(self) -> None:
        self._sender.closed(self._kind)

    def sent(self) -> tuple[int, int]:
        return self._sender.sent(self._kind)
