"""Signalling: what station-call and the region's desk say to each other about one call.

The topic carries the call's id. Whoever starts the call chooses it. The station always makes the offer, while the
call rings, so that answering is quick; every new peer connection in a call is a new `generation`, counted from 1.

    the resident presses                              the clinician calls
    station             region                        station             region
    request ──────────▶                                        ◀────────── invite (ice_servers)
            ◀────────── ringing (ice_servers)         alerting ──────────▶
    offer   ──────────▶   (kept until answered)       offer    ──────────▶   (to the browser at once)
            ◀────────── answer, candidate ...                  ◀────────── answer, candidate ...
    connected ────────▶                               accept   ──────────▶   (the resident answered: media opens)
                                                      connected ─────────▶

Either side ends with `hangup`. `renew` asks the station for a new offer in the same call (the page was reloaded);
`lost` says that no media comes, and is followed by offers beside the connection that is silent; `connected` names the
one that carries the call from then on, the old one if it came alive by itself. `status` is what a station in a call
says after it has reconnected to the broker.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from messaging.codec import Length, Range, decode, encode
from messaging.errors import MalformedMessage

MAX_SDP = 32 * 1024
MAX_CANDIDATES = 64  # remote candidates taken for one generation; more are a flood
CALL_ID = re.compile(r"[a-z0-9]{8,32}")

Sdp = Annotated[str, Length(MAX_SDP)]
Generation = Annotated[int, Range(1, 1000)]
Name = Annotated[str, Length(80)]

DeviceState = Literal["ok", "missing", "fault"]
EndReason = Literal[
    "resident_left", "clinician_left", "cancelled", "declined", "no_answer", "busy", "taken", "closed",
    "refused", "connection_failed", "media_lost", "link_down",
    "station_restarted", "station_offline", "replaced", "error",
]  # fmt: skip
RefusalCode = Literal["no_clinic", "closed", "unknown_station", "busy", "rate_limited", "malformed"]


def new_call_id() -> str:
    """An id nobody can guess."""
    return secrets.token_hex(8)


@dataclass(frozen=True)
class Devices:
    """What the station has to make a call with."""

    camera: DeviceState = "ok"
    microphone: DeviceState = "ok"
    speaker: DeviceState = "ok"


@dataclass(frozen=True)
class IceServer:
    """A STUN or TURN server; `urls` as in RTCIceServer, credentials time-limited (coturn's REST scheme)."""

    urls: tuple[Annotated[str, Length(256)], ...]
    username: str | None = None
    credential: str | None = None


@dataclass(frozen=True)
class Request:
    """Station: somebody pressed the button and wants the clinic; or, with `fallback`, the one that is set for when the
    clinic does not answer."""

    devices: Devices
    fallback: bool = False


@dataclass(frozen=True)
class Ringing:
    """Region: the clinic has been told; it rings there."""

    clinic: Name
    ice_servers: Annotated[tuple[IceServer, ...], Length(8)] = ()
    relay_only: bool = False  # nothing goes but by a relay, and no address of the station itself is told


@dataclass(frozen=True)
class Refused:
    """Region: this call cannot be made, and why."""

    code: RefusalCode


@dataclass(frozen=True)
class Invite:
    """Region: a clinician calls. `name` and `role` are shown to the resident."""

    name: Name
    role: Name = ""
    ice_servers: Annotated[tuple[IceServer, ...], Length(8)] = ()
    relay_only: bool = False


@dataclass(frozen=True)
class Alerting:
    """Station: the invitation arrived and it rings."""

    devices: Devices


@dataclass(frozen=True)
class Accept:
    """Station: the resident answered; camera and microphone open now. `by_itself`: nobody pressed, for the resident has
    agreed that calls are answered so after a countdown."""

    by_itself: bool = False


@dataclass(frozen=True)
class Offer:
    """Station: the offer of one peer connection, with all its candidates."""

    generation: Generation
    sdp: Sdp


@dataclass(frozen=True)
class Answer:
    """Region: the clinician's answer to the offer of that generation. `name` and `role` are shown to the resident."""

    generation: Generation
    sdp: Sdp
    name: Name = ""
    role: Name = ""


@dataclass(frozen=True)
class Candidate:
    """Region: one of the browser's candidates; an empty `candidate` ends them."""

    generation: Generation
    candidate: Annotated[str, Length(1024)]
    mid: Annotated[str, Length(32)] | None = None
    line: Annotated[int, Range(0, 16)] | None = None


@dataclass(frozen=True)
class Renew:
    """Region: make a new offer in this call; the clinician's page was reloaded. No servers: those in use still hold."""

    ice_servers: Annotated[tuple[IceServer, ...], Length(8)] = ()


@dataclass(frozen=True)
class Connected:
    """Station: media flows on this generation. `after_ms` since the press or the answer."""

    generation: Generation
    after_ms: Annotated[float, Range(0, 3.6e6)]


@dataclass(frozen=True)
class Lost:
    """Station: nothing has been heard or seen from the clinician for a few seconds."""

    generation: Generation


@dataclass(frozen=True)
class Media:
    """Station: a camera, microphone or speaker came or went in the call."""

    devices: Devices


@dataclass(frozen=True)
class Status:
    """Station: where the call stands, after a reconnection to the broker."""

    state: Literal["calling", "ringing", "connecting", "in_call"]
    generation: Annotated[int, Range(0, 1000)]
    devices: Devices


@dataclass(frozen=True)
class Hangup:
    """Either side: the call is over."""

    reason: EndReason


@dataclass(frozen=True)
class Rejected:
    """Either side: a message was not taken. `code`: a MessageError's, or `foreign_call`, `unexpected`, `flood`."""

    code: Annotated[str, Length(32)]


FromStation = Request | Alerting | Accept | Offer | Connected | Lost | Media | Status | Hangup | Rejected
FromRegion = Ringing | Refused | Invite | Answer | Candidate | Renew | Hangup | Rejected

_FROM_STATION: dict[str, type] = {
    "request": Request, "alerting": Alerting, "accept": Accept, "offer": Offer, "connected": Connected,
    "lost": Lost, "media": Media, "status": Status, "hangup": Hangup, "rejected": Rejected,
}  # fmt: skip
_FROM_REGION: dict[str, type] = {
    "ringing": Ringing, "refused": Refused, "invite": Invite, "answer": Answer, "candidate": Candidate,
    "renew": Renew, "hangup": Hangup, "rejected": Rejected,
}  # fmt: skip
_NAMES = {kind: name for table in (_FROM_STATION, _FROM_REGION) for name, kind in table.items()}


def to_data(message: FromStation | FromRegion) -> dict[str, Any]:
    """A signalling message as plain data, `type` first."""
    return {"type": _NAMES[type(message)], **encode(message)}


def from_station(data: dict[str, Any]) -> FromStation:
    """Read what a station said, or raise MalformedMessage."""
    message: FromStation = _read(_FROM_STATION, data)
    return message


def from_region(data: dict[str, Any]) -> FromRegion:
    """Read what the region said, or raise MalformedMessage."""
    message: FromRegion = _read(_FROM_REGION, data)
    return message


def _read(table: dict[str, type], data: dict[str, Any]) -> Any:
    name = data.get("type")
    if not isinstance(name, str) or name not in table:
        raise MalformedMessage("call: a type of message this side does not take")
    return decode(table[name], data)
