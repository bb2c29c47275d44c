"""One peer connection: its tracks, its control channel, and what its other side does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.rtcrtpparameters import RTCRtpCodecCapability

from device.call.grading import Verdict
from device.call.peer_control import (
    BYE,
    CHANNEL_ID,
    LABEL,
    LOOK_S,
    PING,
    PING_S,
    Bye,
    Follow,
    Liveness,
    Look,
    MediaState,
    Sign,
    TakeStill,
    UseCamera,
    media_message,
    quality_message,
    read_control,
)
from device.call.peer_description import read_answer, read_candidate, with_sound_repairs, with_start_bitrate
from device.call.peer_looking import PeerLooking
from device.call.peer_receiving import PeerReceiving
from device.call.peer_sending import PeerSending
from device.call.peer_still import CHANNEL_ID as STILL_ID
from device.call.peer_still import LABEL as STILL_LABEL
from device.call.samples import Heard, Sample
from device.media import aiortc_hooks
from device.media.errors import BadDescription, Flood, MediaError
from device.media.ice_plan import IcePlan, Reachability
from device.media.media import Media
from device.media.receiving.bandwidth import START_BPS
from messaging.call import MAX_CANDIDATES
from messaging.clock import Clock
from messaging.errors import MessageError
from messaging.quality import Heading

_log = logging.getLogger(__name__)

_SOUND_RATE, _PICTURE_RATE = 48_000, 90_000  # RTP timestamps a second
_BYE_S = 0.2  # for the last word to leave
_REFUSED = (ValueError, InternalError, InvalidAccessError, InvalidStateError, OperationError)


@dataclass(frozen=True)
class Failed:
    """This connection will not come to anything any more."""

    reason: str


PeerSign = Sign | Failed | MediaState | Bye


class Peer:
    """One RTCPeerConnection. `tell` is called on the loop; nothing is sent before `open_gate`."""

    def __init__(
        self,
        media: Media,
        clock: Clock,
        plan: IcePlan,
        reachability: Reachability,
        tell: Callable[[PeerSign], None],
    ) -> None:
        self._media = media
        self._clock = clock
        self._tell = tell
        self._liveness = Liveness()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._offer = ""
        self._answered = False
        self._relay_only = plan.relay_only
        self._candidates = 0
        self.refused = 0  # control messages that were none
        self._media_state: tuple[bool, bool] | None = None
        self._pc = RTCPeerConnection(_configuration(plan.relay_only))
        self._pc.on("connectionstatechange", self._state_changed)
        self._receiving = PeerReceiving(media, clock, self._heard)
        with aiortc_hooks.receiver_buffers(self._receiving.make_buffer):
            self._sound = self._pc.addTransceiver("audio", "sendrecv")
            self._pictures = self._pc.addTransceiver("video", "sendrecv")
        self._sound.setCodecPreferences(_sound_codecs())
        self._pictures.setCodecPreferences(_picture_codecs())
        self._sound_late = aiortc_hooks.Lateness(self._sound.receiver, _SOUND_RATE)
        self._pictures_late = aiortc_hooks.Lateness(self._pictures.receiver, _PICTURE_RATE)
        self._sending = PeerSending(media, clock, self._sound, self._pictures, self._receiving.queue)
        self._gathering = aiortc_hooks.Gathering(self._sound, plan, reachability)
        self._control = self._pc.createDataChannel(LABEL, negotiated=True, id=CHANNEL_ID)
        self._control.on("open", self._control_open)
        self._control.on("message", self._control_message)
        stills = self._pc.createDataChannel(STILL_LABEL, negotiated=True, id=STILL_ID)
        self._looking = PeerLooking(media, clock, stills, self._sending.room_beside, self._send)

    async def offer(self) -> str:
        """Gather and return the whole offer; MediaError if none can be made."""
        try:
            await self._pc.setLocalDescription(await self._pc.createOffer())
        except (*_REFUSED, OSError) as error:
            raise MediaError(f"no offer could be made: {error}") from error
        self._offer = self._pc.localDescription.sdp
        if self._relay_only and "a=candidate:" not in self._offer:
            raise MediaError("no relay can be reached, and the region lets a call go by relays only")
        self._spawn(self._watch())
        most = self._media.bitrate_kbps
        start = min(START_BPS // 1000, most)
        return with_sound_repairs(with_start_bitrate(self._offer, start, most))

    async def answer(self, sdp: str) -> None:
        """Take the answer; BadDescription leaves everything as it was."""
        if self._answered or self._pc.signalingState != "have-local-offer":
            raise BadDescription("this offer is answered already")
        answer = read_answer(sdp, self._offer)
        self._answered = True
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        except _REFUSED as error:
            self._answered = False
            raise BadDescription(f"the answer cannot be used: {error}") from error
        self._spawn(self._receiving.run(self._pictures.receiver, self._sending.round_trip))
        self._sending.answered()
        for text in answer.candidates[: MAX_CANDIDATES - self._candidates]:
            await self.candidate(text)
        if answer.complete:
            await self.candidate("")

    async def candidate(self, text: str) -> None:
        """Add a candidate, or end them with ""; BadDescription, Flood."""
        if not text:
            self._spawn(self._add_candidate(""))
            return
        if self._candidates >= MAX_CANDIDATES:
            raise Flood("more candidates than one peer connection takes")
        self._candidates += 1
        read_candidate(text)
        self._spawn(self._add_candidate(text))

    def open_gate(self) -> None:
        """Send the room from now on, and let the clinician look closer."""
        self._sending.open_gate()
        self._looking.open_gate()

    def tell_media(self, camera: bool, microphone: bool) -> None:
        """Say which of our camera and microphone are on, now and when the channel opens."""
        self._media_state = (camera, microphone)
        self._send(media_message(camera, microphone))

    def sample(self, generation: int) -> Sample:
        """The counters of this connection and of the sound played; it is known by that generation."""
        sound = self._media.playout.figures()
        heard = Heard(
            sound.received, sound.lost, sound.repaired, sound.concealed_ms, sound.unheard_ms, sound.delay_ms,
            self._skew_ms(sound.delay_ms),
        )  # fmt: skip
        path, codec = aiortc_hooks.selected_path(self._sound), self._sending.codec
        return Sample(generation, self._sending.sent(), self._receiving.received(), heard, path, codec)

    def _skew_ms(self, delay_ms: float) -> float | None:
        """By how much what is heard is behind what is seen; a picture is shown as soon as it has come."""
        sound, pictures = self._sound_late.look(), self._pictures_late.look()
        return None if sound is None or pictures is None else (sound - pictures) * 1000 + delay_ms

    def tell_quality(self, heading: Heading, verdict: Verdict) -> None:
        """Say how good a direction is."""
        self._send(quality_message(heading, verdict))

    async def close(self, bye: bool) -> None:
        """End it; with `bye` the other side is told first. Leaves no task and no thread."""
        self._closing = True
        if bye and self._send(BYE):
            await self._flush()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._looking.close()
        await self._gathering.close()
        await self._pc.close()
        await self._sending.close()

    def _heard(self) -> None:
        self._say(self._liveness.heard(self._clock.monotonic()))

    def _say(self, sign: PeerSign | None) -> None:
        if sign is not None and not self._closing:
            self._tell(sign)

    async def _watch(self) -> None:
        while True:
            self._send(PING)
            for _ in range(round(PING_S / LOOK_S)):
                await self._clock.sleep(LOOK_S)
                self._say(self._liveness.look(self._clock.monotonic()))

    async def _add_candidate(self, text: str) -> None:
        candidate = read_candidate(text) if text else None
        if candidate is not None:
            candidate.sdpMid = self._sound.mid  # all is bundled onto the first
        try:
            await self._pc.addIceCandidate(candidate)
        except OSError as error:
            _log.info("a candidate's name cannot be resolved here: %s", error)

    def _state_changed(self) -> None:
        state = self._pc.connectionState
        if state == "failed":
            self._say(Failed("ICE or DTLS failed"))
        elif state == "closed":
            self._say(self._liveness.lose() if self._liveness.connected else Failed("closed by the other side"))

    def _control_open(self) -> None:
        if self._media_state is not None:
            self._send(media_message(*self._media_state))
        self._send(PING)

    def _control_message(self, message: str | bytes) -> None:
        try:
            control = read_control(message)
        except MessageError as error:
            self._refuse(error.code)
            return
        self._heard()
        self._receiving.heard()
        if isinstance(control, MediaState):
            self._receiving.camera(control.camera)
        if isinstance(control, Look | Follow | UseCamera | TakeStill) and not self._looking.take(control):
            self._refuse("not_now")
        if isinstance(control, MediaState | Bye):
            self._say(control)

    def _refuse(self, code: str) -> None:
        self.refused += 1
        if self.refused == 1:  # once is enough in the log: a flood of them is no reason to fill the disk
            _log.warning("control message refused: %s", code)

    def _send(self, message: str) -> bool:
        # A browser that has left this connection for a newer one ends DTLS first; the channel learns of it later.
        if self._control.readyState != "open" or self._control.transport.transport.state != "connected":
            return False
        self._control.send(message)
        return True

    async def _flush(self) -> None:
        sent = asyncio.Event()
        self._control.on("bufferedamountlow", sent.set)
        if self._control.bufferedAmount:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(sent.wait(), _BYE_S)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _configuration(relay_only: bool) -> RTCConfiguration:
    policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
    # No servers here: aiortc would use the first of a kind, and without any of ours one of somebody else's.
    return RTCConfiguration([], iceTransportPolicy=policy, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)


def _sound_codecs() -> list[RTCRtpCodecCapability]:
    return [c for c in RTCRtpSender.getCapabilities("audio").codecs if c.mimeType == "audio/opus"]


def _picture_codecs() -> list[RTCRtpCodecCapability]:
    """H.264 constrained baseline first (what every browser has hardware or quick code for), then VP8, and repairs."""
    ranks = {"42e01f": 0, "42001f": 1}

    def rank(codec: RTCRtpCodecCapability) -> int:
        return ranks.get(str(codec.parameters.get("profile-level-id")), 2 if codec.mimeType == "video/VP8" else 3)

    return sorted(RTCRtpSender.getCapabilities("video").codecs, key=rank)
