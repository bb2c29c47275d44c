"""What the processes of one station say over their Unix sockets: newline-delimited JSON, one object a line.

`station-call` serves `call.sock`, `station-agent` serves `agent.sock`, both in the station's runtime directory. A
server sends its whole view on connect and again whenever it changes; a client sends commands. Whoever can open the
socket stands at the station: the directory's mode is the permission.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from messaging.call import Devices, EndReason
from messaging.codec import Length, Range, decode, encode
from messaging.envelope import ClockTrust, parse_json
from messaging.errors import MalformedMessage
from messaging.health import Echo, ProcessState, SoundTest
from messaging.quality import CallQuality
from messaging.twin import Config

MAX_LINE = 16 * 1024
CALL_SOCKET = "call.sock"
AGENT_SOCKET = "agent.sock"
REMOTE_RING = "remote.ring"  # the clinician's picture, written by station-call (messaging.frames)
OWN_RING = "own.ring"  # the small own picture
LOCK = "locked"  # in the state directory while the station is out of use: station-call must know it at its start

CallState = Literal[
    "idle", "calling", "ringing", "connecting", "in_call", "ending", "feedback", "fault", "offline"
]  # fmt: skip
FaultReason = Literal["not_enrolled", "locked", "no_clinic", "no_devices", "internal"]
# Nobody is in a call, and none is shown to have ended: here words for the resident are seen.
AT_HOME: frozenset[CallState] = frozenset({"idle", "fault", "offline"})
Looking = Literal["", "closer", "examination", "still"]  # what the clinician does with the picture
LightPattern = Literal["off", "ready", "calling", "ringing", "live", "fault", "identify"]
# The patterns that say "camera and microphone are on": one of them whenever they may be, never when they cannot be.
ON_AIR: frozenset[LightPattern] = frozenset({"calling", "live"})


@dataclass(frozen=True)
class CallView:
    """station-call: all that a screen needs to show the call. Times are Unix seconds."""

    state: CallState
    boot: str
    since: float
    light: LightPattern
    devices: Devices
    call: str | None = None
    outgoing: bool = True  # the resident called; False: the clinic called
    peer_name: str = ""
    peer_role: str = ""
    connected_since: float | None = None
    resuming: bool = False  # connecting again in a call whose media was lost
    lost_since: float | None = None  # since when, while resuming
    peer_camera: bool = True  # the clinician's camera is on
    peer_microphone: bool = True
    reason: EndReason | None = None  # why the last call ended, in ending and feedback
    fallback: bool = False  # not the clinic is called, but the one that is set for when it does not answer
    answers_at: float | None = None  # while it rings: when it is answered by itself, unless the button says no
    fault: FaultReason | None = None
    presses_refused: int = 0  # grows when a press could not do anything, so that the screen can say so at once
    presses: int = 0  # of this run, whatever came of them
    identifying: bool = False  # light, screen and voice say which station it is
    identified: int = 0  # how often this run has begun to
    volume: Annotated[int, Range(0, 100)] = 70
    refused_messages: int = 0  # malformed, replayed, about another call, ...; from the region or the browser
    echo: Echo = "loading"
    sound_test: SoundTest | None = None  # the last acoustic self-test of this run
    broken: Annotated[tuple[str, ...], Length(8)] = ()  # devices that fail again and again though they are there
    looking: Looking = ""
    lens: Literal["clear", "dark", "covered"] = "clear"  # of the camera that is open
    ended: Annotated[tuple[CallQuality, ...], Length(8)] = ()  # what calls were like, until FiguresKept
    encoder: Annotated[str, Length(64)] = ""  # of the pictures sent: x264 or a chip's, and a chip's that failed
    config_version: Annotated[int, Range(0, 2**53)] = 0  # what it works by


@dataclass(frozen=True)
class ClaimShown:
    """How IT tells a station apart that asks to be claimed: `link` as a QR code, `check` as six digits."""

    link: Annotated[str, Length(700)]
    check: Annotated[str, Length(6)]


@dataclass(frozen=True)
class AgentView:
    """station-agent: what this station is and how it is. `link` is the broker's."""

    link: Literal["up", "down"]
    enrolled: bool
    station: str
    clock: ClockTrust
    config: Config
    config_version: int = 0
    processes: Annotated[dict[str, ProcessState], Length(8)] = field(default_factory=dict)
    versions: Annotated[dict[str, str], Length(16)] = field(default_factory=dict)
    hardware: str = ""
    last_report: float | None = None
    enrolment_error: str = ""  # a stable word: why enrolment has not succeeded yet
    claim: ClaimShown | None = None  # while nobody has approved it
    locked: bool = False  # out of use: the button makes no call
    message: Annotated[str, Length(120)] = (
        ""  # for the resident, until its time or until a press has shown that it was seen
    )


@dataclass(frozen=True)
class Levels:
    """station-call, ten times a second while media is open: RMS levels in dBFS, and pictures in and out a second."""

    microphone_db: float
    speaker_db: float
    fps_in: float = 0.0
    fps_out: float = 0.0


@dataclass(frozen=True)
class LogLine:
    """Either process: a line of its log, for the console."""

    level: Literal["debug", "info", "warning", "error"]
    logger: str
    text: Annotated[str, Length(2000)]
    at: float


@dataclass(frozen=True)
class Press:
    """To station-call: the button, pressed by a hand at the station (console, panel, `station press`)."""


@dataclass(frozen=True)
class Simulate:
    """To station-call with sim hardware only: turn a knob, e.g. `unplug_camera`, `plug_camera`."""

    knob: Annotated[str, Length(40)]


@dataclass(frozen=True)
class RunSoundTest:
    """To station-call: play chirps and hear them, with the light on. Answered by SoundTested when it is through, or
    by Refusal: `in_call`, or `cut_short` when the button was pressed meanwhile."""


@dataclass(frozen=True)
class SoundTested:
    """From station-call: what the acoustic self-test told."""

    result: SoundTest


@dataclass(frozen=True)
class ShowWhich:
    """From station-agent to station-call: light, screen and voice say which station this is, until a press or a call
    comes, or for so long. Refused `in_call`."""

    seconds: Annotated[float, Range(1, 300)]


@dataclass(frozen=True)
class FiguresKept:
    """From station-agent to station-call: what this call was like is on the agent's disk, and needs no more telling."""

    call: Annotated[str, Length(32)]


@dataclass(frozen=True)
class Watch:
    """To either process: also send this stream on this connection."""

    stream: Literal["log", "levels"]


@dataclass(frozen=True)
class Refusal:
    """From either process: the command was not carried out; `code` is a stable word."""

    code: Annotated[str, Length(32)]


@dataclass(frozen=True)
class End:
    """To one run of station-call (which refuses `in_call`), or in answer to one run of the screen: end in order, to be
    started anew. A run that is not meant refuses `another_run`, so that nothing is ended twice."""

    boot: Annotated[str, Length(64)]


@dataclass(frozen=True)
class ScreenAlive:
    """From the screen to station-agent, once a second while it really draws: the agent reports it. `boot` names this
    run of the screen."""

    frames: Annotated[int, Range(0, 2**53)]
    boot: Annotated[str, Length(64)] = ""


Message = (
    CallView | AgentView | Levels | LogLine | Press | Simulate | RunSoundTest | SoundTested | Watch | Refusal
    | ScreenAlive | FiguresKept | ShowWhich | End
)  # fmt: skip
_KINDS: dict[str, type] = {
    "call": CallView, "agent": AgentView, "levels": Levels, "log": LogLine, "press": Press, "simulate": Simulate,
    "sound_test": RunSoundTest, "sound_tested": SoundTested,
    "watch": Watch, "refusal": Refusal, "screen_alive": ScreenAlive,
    "figures_kept": FiguresKept, "show_which": ShowWhich, "end": End,
}  # fmt: skip
_NAMES = {kind: name for name, kind in _KINDS.items()}


def to_line(message: Message) -> bytes:
    """One line for the socket, newline included."""
    data: dict[str, Any] = {"type": _NAMES[type(message)], **encode(message)}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def from_line(line: bytes) -> Message:
    """Read one line, or raise a MessageError."""
    data = parse_json(line, MAX_LINE)
    kind = _KINDS.get(data.get("type", "")) if isinstance(data, dict) and isinstance(data.get("type"), str) else None
    if kind is None:
        raise MalformedMessage("local: not a message of ours")
    message: Message = decode(kind, data)
    return message
