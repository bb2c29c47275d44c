"""What goes over the `control` data channel, and whether the other side is still there. No I/O.

JSON messages, both ways: `{"type":"ping"}` twice a second, `{"type":"media","camera":bool,"microphone":bool}`,
`{"type":"bye"}`. Of two connections of one call the station says `media` first on the one that carries it.

The station says `{"type":"quality","direction":"out" or "in","grade","reason"}` (messaging.quality) when it changes and
now and then.

The clinician looks closer, from the browser: `{"type":"look","x","y","size"}` (a part, as shares of what the camera
sees: its middle and its sides), `{"type":"follow","on":bool}` (frame people), `{"type":"camera","which":"room" or
"examination"}`, `{"type":"still"}`. The station takes them once the resident has answered, so many a second. It says
`{"type":"view","crop":{"x","y","size"},"by_hand","following","lens","brightened","camera","cameras","zoom","still"}`
when that begins and whenever it changes (`zoom` and `still`: whether they may be asked for here); a still comes by a
channel of its own (`peer_still`), or `{"type":"still","error":code}`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Literal

from device.call.grading import Verdict
from device.media.closer import Seeing
from messaging.codec import Range, decode, encode
from messaging.envelope import parse_json
from messaging.errors import MalformedMessage
from messaging.quality import Heading

LABEL, CHANNEL_ID = "control", 0
MAX_BYTES = 1024
PING_S = 0.5
LOST_S = 1.5  # without media or ping: the other side is lost
LOOK_S = 0.25  # and it is looked at so often: a loss is told within two seconds

PING = '{"type":"ping"}'
BYE = '{"type":"bye"}'


@dataclass(frozen=True)
class Ping:
    """I am here."""


@dataclass(frozen=True)
class MediaState:
    """Which of my camera and microphone are on."""

    camera: bool
    microphone: bool


@dataclass(frozen=True)
class Bye:
    """I have hung up."""


Share = Annotated[float, Range(0, 1)]


@dataclass(frozen=True)
class Look:
    """Show me this part."""

    x: Share
    y: Share
    size: Share


@dataclass(frozen=True)
class Follow:
    """Frame people, or show me everything."""

    on: bool


@dataclass(frozen=True)
class UseCamera:
    """Show me what this camera sees."""

    which: Literal["room", "examination"]


@dataclass(frozen=True)
class TakeStill:
    """Send me one picture at the camera's full resolution."""


Closer = Look | Follow | UseCamera | TakeStill
Control = Ping | MediaState | Bye | Closer
_KINDS: dict[str, type[Control]] = {
    "ping": Ping, "media": MediaState, "bye": Bye,
    "look": Look, "follow": Follow, "camera": UseCamera, "still": TakeStill,
}  # fmt: skip


def read_control(message: str | bytes) -> Control:
    """Read one message of the other side, or raise a MessageError."""
    data = parse_json(message.encode() if isinstance(message, str) else message, MAX_BYTES)
    kind = data.get("type") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise MalformedMessage("control: a type of message we do not take")
    control: Control = decode(_KINDS[kind], data)
    return control


def media_message(camera: bool, microphone: bool) -> str:
    """What to send when our camera or microphone came or went."""
    return _message("media", camera=camera, microphone=microphone)


def view_message(seeing: Seeing) -> str:
    """What to send when the clinician sees another part, camera or light."""
    return _message("view", **encode(seeing))


def no_still_message(code: str) -> str:
    """What to send when there is no still."""
    return _message("still", error=code)


def quality_message(heading: Heading, verdict: Verdict) -> str:
    """What to send when what we send (`out`) or receive (`in`) gets better or worse, and now and then."""
    return _message("quality", direction=heading, grade=verdict.grade, reason=verdict.reason)


def _message(kind: str, **fields: object) -> str:
    return json.dumps({"type": kind, **fields}, separators=(",", ":"))


Sign = Literal["connected", "lost", "back"]


class Liveness:
    """Whether the other side is there, from when it was last heard. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._state: Literal["awaited", "there", "lost"] = "awaited"
        self._heard = 0.0

    @property
    def connected(self) -> bool:
        """Whether it has ever been heard."""
        return self._state != "awaited"

    def heard(self, now: float) -> Sign | None:
        """Media or a ping has come."""
        self._heard = now
        before, self._state = self._state, "there"
        if before == "there":
            return None
        return "connected" if before == "awaited" else "back"

    def look(self, now: float) -> Sign | None:
        """Time has passed."""
        if self._state == "there" and now - self._heard >= LOST_S:
            return self.lose()
        return None

    def lose(self) -> Sign | None:
        """It has gone, and said so (its transport has closed)."""
        if self._state != "there":
            return None
        self._state = "lost"
        return "lost"
