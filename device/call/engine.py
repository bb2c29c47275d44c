"""The peer connections of a call: the only user of RTCPeerConnection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from device.call.events import PeerBack, PeerBye, PeerConnected, PeerEvent, PeerFailed, PeerLost, PeerMedia
from device.call.grading import Verdict
from device.call.peer import Failed, Peer, PeerSign
from device.call.peer_control import Bye, MediaState
from device.call.samples import Sample
from device.media import aiortc_hooks
from device.media.errors import BadDescription
from device.media.ice_plan import Reachability, read_plan
from device.media.media import Media
from messaging.call import IceServer
from messaging.clock import Clock
from messaging.quality import Heading

_MIDS = ("0", "1", "2")  # sound, pictures, the control channel, as aiortc numbers them


@dataclass(frozen=True)
class _Made:
    """A peer connection and the generation that names it."""

    generation: int
    peer: Peer


class Engine:
    """The peer connections of one call, named by their generations. `on_event` is called on the loop.

    One carries the call; beside it there may be a newer one that is being made.
    """

    def __init__(self, media: Media, clock: Clock, on_event: Callable[[PeerEvent], None]) -> None:
        aiortc_hooks.install()
        self._media = media
        self._clock = clock
        self._on_event = on_event
        self._carrier: _Made | None = None
        self._newer: _Made | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._gate = False
        self._media_state: tuple[bool, bool] | None = None
        self._refused = 0
        self._lock = asyncio.Lock()
        self._reachability = Reachability(clock.monotonic)

    @property
    def refused(self) -> int:
        """Control messages that were none, over all peers so far."""
        return self._refused + sum(made.peer.refused for made in self._all())

    async def prepare(
        self, generation: int, ice_servers: tuple[IceServer, ...], relay_only: bool = False, *, beside: bool = False
    ) -> str:
        """Make a new peer, gather candidates (bounded) and return the whole offer; MediaError.

        Older peers end, save, with `beside`, the one that carries the call. Nothing is sent or played before `open`,
        which holds for later generations until `close`; what is made beside another sends nothing before `keep`.
        """
        async with self._lock:
            self._end(self._newer)
            if not beside:
                self._end(self._carrier)
                self._carrier = None
                self._media.remote.forget()
            plan = read_plan(ice_servers, relay_only)
            heard = partial(self._heard, generation)
            peer = Peer(self._media, self._clock, plan, self._reachability, heard)
            self._newer = _Made(generation, peer)
            if self._carrier is None:
                self._give_voice(peer)
            return await peer.offer()

    def keep(self, generation: int) -> None:
        """This peer, the newest, carries the call from now on; the one before ends."""
        newer = self._newer
        if newer is None or newer.generation != generation:
            return
        before, self._carrier, self._newer = self._carrier, newer, None
        if before is not None:
            self._end(before)
            self._media.remote.forget()
            self._give_voice(newer.peer)

    def drop(self, generation: int) -> None:
        """The peer that carried the call still does: the newer one ends."""
        newer = self._newer
        if newer is not None and newer.generation == generation:
            self._newer = None
            self._end(newer)

    async def answer(self, generation: int, sdp: str) -> None:
        """Apply the clinician's answer; BadDescription (garbage, another generation) leaves the peer as it was."""
        await self._of(generation).answer(sdp)

    async def candidate(self, generation: int, candidate: str, mid: str | None, line: int | None) -> None:
        """Add one of the browser's candidates ("" ends them); BadDescription on garbage, Flood over MAX_CANDIDATES.

        All media are bundled, so `mid` and `line` need only be ones that were offered.
        """
        if mid not in (None, *_MIDS) or (line is not None and line >= len(_MIDS)):
            raise BadDescription("a candidate for a media line that was never offered")
        await self._of(generation).candidate(candidate)

    def open(self) -> None:
        """The gate: from now on send the room and play the clinician."""
        self._gate = True
        self._media.remote.open_gate()
        voice = self._carrier or self._newer
        if voice is not None:
            voice.peer.open_gate()

    def tell_media(self, camera: bool, microphone: bool) -> None:
        """Say over the control channel which of ours is on; repeated to a later peer when it connects."""
        self._media_state = (camera, microphone)
        voice = self._carrier or self._newer
        if voice is not None:
            voice.peer.tell_media(camera, microphone)

    def sample(self) -> Sample | None:
        """The counters of the peer that carries the call; None while none does."""
        carrier = self._carrier
        return None if carrier is None else carrier.peer.sample(carrier.generation)

    def tell_quality(self, heading: Heading, verdict: Verdict) -> None:
        """Say over the control channel how good a direction is."""
        if self._carrier is not None:
            self._carrier.peer.tell_quality(heading, verdict)

    async def close(self, bye: bool = False) -> None:
        """End every peer connection, with a word to the other side if `bye`; shut the gate."""
        self._gate = False
        self._media_state = None
        self._media.remote.shut_gate()
        async with self._lock:
            for made in self._all():
                self._end(made, bye)
            self._carrier = self._newer = None
            while self._ending:
                await asyncio.gather(*self._ending)

    def _give_voice(self, peer: Peer) -> None:
        if self._gate:
            peer.open_gate()
        if self._media_state is not None:
            peer.tell_media(*self._media_state)

    def _end(self, made: _Made | None, bye: bool = False) -> None:
        # Beside what goes on: the relays of a dead line take their time to let go.
        if made is not None:
            self._refused += made.peer.refused
            task = asyncio.create_task(made.peer.close(bye), name=f"end peer connection {made.generation}")
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _all(self) -> list[_Made]:
        return [made for made in (self._carrier, self._newer) if made is not None]

    def _of(self, generation: int) -> Peer:
        for made in self._all():
            if made.generation == generation:
                return made.peer
        raise BadDescription(f"there is no peer connection {generation}")

    def _heard(self, generation: int, sign: PeerSign) -> None:
        self._on_event(_event(generation, sign))


def _event(generation: int, sign: PeerSign) -> PeerEvent:
    if isinstance(sign, Failed):
        return PeerFailed(generation, sign.reason)
    if isinstance(sign, MediaState):
        return PeerMedia(generation, sign.camera, sign.microphone)
    if isinstance(sign, Bye):
        return PeerBye(generation)
    kinds: dict[str, type[PeerConnected | PeerLost | PeerBack]] = {
        "connected": PeerConnected,
        "lost": PeerLost,
        "back": PeerBack,
    }
    return kinds[sign](generation)
