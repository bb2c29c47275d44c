"""What can happen to the call (events) and what is to be done about it (effects): the words of `session.step`.

Everything here is data. Light to import: the engine and the session share it, and only the engine needs aiortc.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from messaging.call import Devices, FromRegion, FromStation, IceServer

TimerName = Literal["state", "link", "renew", "identify"]


# Peer connections (said by the engine). Of interest are the one that carries the call, and the newest.
@dataclass(frozen=True)
class PeerConnected:
    """The transports are up and the clinician has been heard or seen on them."""

    generation: int


@dataclass(frozen=True)
class PeerLost:
    """Neither media nor a ping has come for `peer_control.LOST_S`."""

    generation: int


@dataclass(frozen=True)
class PeerBack:
    """Something came again after PeerLost."""

    generation: int


@dataclass(frozen=True)
class PeerFailed:
    """This peer connection cannot be made, or is broken for good. `reason` is for the log."""

    generation: int
    reason: str


@dataclass(frozen=True)
class PeerMedia:
    """The clinician switched camera or microphone."""

    generation: int
    camera: bool
    microphone: bool


@dataclass(frozen=True)
class PeerBye:
    """The clinician hung up, said over the peer connection itself."""

    generation: int


PeerEvent = PeerConnected | PeerLost | PeerBack | PeerFailed | PeerMedia | PeerBye


# The resident, the station and its surroundings.
@dataclass(frozen=True)
class Pressed:
    """The button. `call` is the id to use should this press start a call."""

    call: str


@dataclass(frozen=True)
class Heard:
    """The region said something about the call of that id."""

    call: str
    message: FromRegion


@dataclass(frozen=True)
class Offered:
    """The offer of this generation is ready, all candidates in it."""

    generation: int
    sdp: str


@dataclass(frozen=True)
class Unusable:
    """The answer to this generation is no session description that we can work with."""

    generation: int


@dataclass(frozen=True)
class MediaOpened:
    """The devices have been opened; what came of it."""

    devices: Devices


@dataclass(frozen=True)
class MediaClosed:
    """Camera and microphone are closed."""


@dataclass(frozen=True)
class DevicesChanged:
    """A device came, went or failed."""

    devices: Devices


@dataclass(frozen=True)
class SoundTestBegins:
    """Somebody at the station asks for the acoustic self-test."""


@dataclass(frozen=True)
class SoundTestOver:
    """Speaker and microphone are shut again."""


@dataclass(frozen=True)
class LinkUp:
    """The broker can be reached."""


@dataclass(frozen=True)
class LinkDown:
    """The broker cannot be reached."""


@dataclass(frozen=True)
class AddressGone:
    """The machine has lost a network address: what went by it will not come back."""


@dataclass(frozen=True)
class AddressCame:
    """The machine has got a network address: a line that was lost may be there again."""


@dataclass(frozen=True)
class Configured:
    """What the agent knows: whether this station is enrolled, has a clinic for its button, is out of use, and whether
    calls may be answered by themselves now (`device.call.consent`)."""

    enrolled: bool
    clinic: bool
    locked: bool = False
    answers_itself: bool = False
    fallback: bool = False  # there is another to call
    closed: bool = False  # the clinic is, by its opening hours and a clock that is right


@dataclass(frozen=True)
class Which:
    """Somebody looks for this station: it shows itself for so long, or until there is something better to show."""

    seconds: float


@dataclass(frozen=True)
class TimerFired:
    """A timer ran out; a token other than the one in force belongs to the past."""

    token: int


Event = (
    PeerEvent | Pressed | Heard | Offered | Unusable | MediaOpened | MediaClosed | DevicesChanged | LinkUp
    | LinkDown | AddressGone | AddressCame | Configured | TimerFired
    | SoundTestBegins | SoundTestOver | Which
)  # fmt: skip


# Effects, carried out by `device.call.service` in the order given.
@dataclass(frozen=True)
class OpenMedia:
    """Open camera, microphone and speaker; answered by MediaOpened."""


@dataclass(frozen=True)
class CloseMedia:
    """Close them; answered by MediaClosed."""


@dataclass(frozen=True)
class PreparePeer:
    """Make a peer connection and its offer; answered by Offered or PeerFailed.

    It takes the place of those before, save, with `beside`, of the one that carries the call: that one goes on
    until KeepPeer says otherwise, and the new one sends nothing of the room before.
    """

    generation: int
    ice_servers: tuple[IceServer, ...]
    relay_only: bool = False
    beside: bool = False


@dataclass(frozen=True)
class KeepPeer:
    """This peer connection carries the call from now on; any other ends, without a word."""

    generation: int


@dataclass(frozen=True)
class DropPeer:
    """The connection that carried the call still does: end the newer one, even while it is being made."""

    generation: int


@dataclass(frozen=True)
class ApplyAnswer:
    """Give the clinician's answer to the peer connection."""

    generation: int
    sdp: str


@dataclass(frozen=True)
class AddCandidate:
    """Give one of the clinician's candidates to the peer connection."""

    generation: int
    candidate: str
    mid: str | None
    line: int | None


@dataclass(frozen=True)
class OpenGate:
    """Let media through: the resident has agreed."""


@dataclass(frozen=True)
class ClosePeer:
    """End the peer connection; `bye` tells the clinician on it that the call is over."""

    bye: bool


@dataclass(frozen=True)
class Say:
    """Say this about the call of that id to the region."""

    call: str
    message: FromStation


@dataclass(frozen=True)
class Refuse:
    """Tell the region that a message was not taken (if it is not flooding us), and count the code."""

    call: str
    code: str


@dataclass(frozen=True)
class StartTimer:
    """Fire TimerFired(token) after so long; a timer of the same name that runs is stopped first."""

    name: TimerName
    seconds: float
    token: int


@dataclass(frozen=True)
class StopTimer:
    """Stop the timer of that name, if one runs."""

    name: TimerName


@dataclass(frozen=True)
class Recheck:
    """Somebody wants the station to work: look again at devices and enrolment."""


@dataclass(frozen=True)
class GiveUp:
    """Camera or microphone will not close: end the process, so that the system closes them."""


PeerEffect = PreparePeer | KeepPeer | DropPeer | ApplyAnswer | AddCandidate | OpenGate | ClosePeer
Effect = OpenMedia | CloseMedia | PeerEffect | Say | Refuse | StartTimer | StopTimer | Recheck | GiveUp
