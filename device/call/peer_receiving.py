"""The receiving half of a peer connection: where packets go, and what is asked of the other side meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from aiortc import RTCRtpReceiver

from device.call.samples import Received
from device.media import aiortc_hooks
from device.media.media import Media
from device.media.receiving.reception import PictureFigures, PictureReception
from device.media.receiving.sound_buffer import SoundBuffer
from messaging.clock import Clock

LOOK_S = 0.025  # while a packet is missing: it is asked for again so much too late at most
CALM_S = 0.1


class PeerReceiving:
    """Receivers constructed with `make_buffer` receive into `media`; `on_heard` is called with each packet."""

    def __init__(self, media: Media, clock: Clock, on_heard: Callable[[], None]) -> None:
        self._clock = clock
        self._on_heard = on_heard
        self._sound = SoundBuffer(media.remote, self._sound_heard)
        self._pictures = PictureReception(media.remote, on_heard, clock.monotonic, media.bitrate_kbps * 1000)

    def make_buffer(self, pictures: bool) -> aiortc_hooks.ReceiverBuffer:
        """What a receiver of pictures, or of sound, delivers to."""
        return self._pictures if pictures else self._sound

    async def run(self, receiver: RTCRtpReceiver, round_trip: Callable[[], float | None]) -> None:
        """Measure the line and ask for what is missing, until cancelled.

        `receiver`: of pictures, once answered; `round_trip`: what RTCP has told of it, seconds.
        """
        pictures = self._pictures
        pictures.arrived = aiortc_hooks.take_media(receiver, self._clock.monotonic, self._clock.wall)
        aiortc_hooks.measure_line(receiver, pictures)
        while True:
            await self._clock.sleep(LOOK_S if pictures.waits else CALM_S)
            if (trip := round_trip()) is not None:
                pictures.round_trip(trip)
            if (wishes := pictures.look()) is None:
                continue
            if wishes.again:
                await aiortc_hooks.ask_again(receiver, wishes.ssrc, wishes.again)
            if wishes.key:
                await aiortc_hooks.ask_key_frame(receiver, wishes.ssrc)
            if wishes.bandwidth is not None:
                await aiortc_hooks.tell_bandwidth(receiver, wishes.ssrc, wishes.bandwidth)

    def queue(self) -> float:
        """How long a queue stands on the way to us, seconds."""
        return self._pictures.queue

    def heard(self) -> None:
        """The other side gave a sign of life on its control channel."""
        self._pictures.heard()

    def camera(self, on: bool) -> None:
        """The other side says whether its camera is on."""
        self._pictures.camera(on)

    def figures(self) -> PictureFigures:
        """Pictures received since the connection began."""
        return self._pictures.figures()

    def received(self) -> Received:
        """Sound and pictures received, for the call's statistics."""
        pictures = self._pictures.figures()
        return Received(
            self._sound.received_bytes, pictures.received_bytes, pictures.frames, pictures.packets, pictures.lost,
            pictures.freezes, pictures.freeze_s, pictures.width, pictures.height,
        )  # fmt: skip

    def _sound_heard(self) -> None:
        self._pictures.heard()
        self._on_heard()
