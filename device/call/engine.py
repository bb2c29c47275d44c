"""The peer connection: the only user of RTCPeerConnection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device.media.media import Media
from messaging.call import IceServer
from messaging.clock import Clock


@dataclass(frozen=True)
class PeerConnected:
    """The transports are connected and the first media or ping has come."""

    generation: int


@dataclass(frozen=True)
class PeerLost:
    """Connected before, and neither media nor ping for 4 s."""

    generation: int


@dataclass(frozen=True)
class PeerBack:
    """Lost, and heard again before anyone gave up."""

    generation: int


@dataclass(frozen=True)
class PeerFailed:
    """This peer connection will not come to anything any more; `reason` is for the log."""

    generation: int
    reason: str


@dataclass(frozen=True)
class PeerMedia:
    """The clinician turned camera or microphone on or off."""

    generation: int
    camera: bool
    microphone: bool


@dataclass(frozen=True)
class PeerBye:
    """The other side hung up, told over the control channel."""

    generation: int


PeerEvent = PeerConnected | PeerLost | PeerBack | PeerFailed | PeerMedia | PeerBye


class Engine:
    """One peer connection at a time, named by its generation. `on_event` is called on the loop."""

    def __init__(self, media: Media, clock: Clock, on_event: Callable[[PeerEvent], None]) -> None: ...

    async def prepare(self, generation: int, ice_servers: tuple[IceServer, ...]) -> str:
        """Close an older peer, make a new one, gather candidates (bounded) and return the whole offer.

        Nothing is sent or played before `open`; `open` holds for later generations until `close`.
        """
        raise NotImplementedError

    async def answer(self, generation: int, sdp: str) -> None:
        """Apply the clinician's answer; BadDescription on garbage or another generation, and the peer stays as it was."""

    async def candidate(self, generation: int, candidate: str, mid: str | None, line: int | None) -> None:
        """Add one of the browser's candidates ("" ends them); BadDescription on garbage, Flood over MAX_CANDIDATES."""

    def open(self) -> None:
        """The gate: from now on send the room and play the clinician."""

    def tell_media(self, camera: bool, microphone: bool) -> None:
        """Say over the control channel which of ours is on; repeated to a later peer when it connects."""

    async def close(self, bye: bool = False) -> None:
        """End the peer connection, with a word to the other side if `bye`; shut the gate."""
