"""The peer connection: the only user of RTCPeerConnection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from device.call.events import PeerBack, PeerBye, PeerConnected, PeerEvent, PeerFailed, PeerLost, PeerMedia
from device.call.peer import Failed, Peer, PeerSign
from device.call.peer_control import Bye, MediaState
from device.media import aiortc_hooks
from device.media.errors import BadDescription
from device.media.ice_plan import Reachability, read_plan
from device.media.media import Media
from messaging.call import IceServer
from messaging.clock import Clock

_MIDS = ("0", "1", "2")  # sound, pictures, the control channel, as aiortc numbers them


class Engine:
    """One peer connection at a time, named by its generation. `on_event` is called on the loop."""

    def __init__(self, media: Media, clock: Clock, on_event: Callable[[PeerEvent], None]) -> None:
        aiortc_hooks.install()
        self._media = media
        self._clock = clock
        self._on_event = on_event
        self._peer: Peer | None = None
        self._generation = 0
        self._gate = False
        self._media_state: tuple[bool, bool] | None = None
        self._refused = 0
        self._lock = asyncio.Lock()
        self._reachability = Reachability(clock.monotonic)

    @property
    def refused(self) -> int:
        """Control messages that were none, over all peers so far."""
        return self._refused + (self._peer.refused if self._peer is not None else 0)

    async def prepare(self, generation: int, ice_servers: tuple[IceServer, ...], relay_only: bool = False) -> str:
        """Close an older peer, make a new one, gather candidates (bounded) and return the whole offer; MediaError.

        Nothing is sent or played before `open`; `open` holds for later generations until `close`.
        """
        async with self._lock:
            await self._end(bye=False)
            self._media.remote.forget()
            self._generation = generation
            plan = read_plan(ice_servers, relay_only)
            heard = partial(self._heard, generation)
            self._peer = peer = Peer(self._media, self._clock, plan, self._reachability, heard)
            if self._gate:
                peer.open_gate()
            if self._media_state is not None:
                peer.tell_media(*self._media_state)
            return await peer.offer()

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
        if self._peer is not None:
            self._peer.open_gate()

    def tell_media(self, camera: bool, microphone: bool) -> None:
        """Say over the control channel which of ours is on; repeated to a later peer when it connects."""
        self._media_state = (camera, microphone)
        if self._peer is not None:
            self._peer.tell_media(camera, microphone)

    async def close(self, bye: bool = False) -> None:
        """End the peer connection, with a word to the other side if `bye`; shut the gate."""
        self._gate = False
        self._media_state = None
        self._media.remote.shut_gate()
        async with self._lock:
            await self._end(bye)

    async def _end(self, bye: bool) -> None:
        peer, self._peer = self._peer, None
        if peer is not None:
            self._refused += peer.refused
            await peer.close(bye)

    def _of(self, generation: int) -> Peer:
        if self._peer is None or generation != self._generation:
            raise BadDescription(f"there is no peer connection {generation}")
        return self._peer

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
