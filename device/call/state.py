"""What the session knows, and what follows from it without remembering anything more: view and light."""

from __future__ import annotations

from dataclasses import dataclass, replace

from messaging.call import Devices, EndReason, IceServer, Invite
from messaging.local import AT_HOME, CallState, CallView, FaultReason, LightPattern

REPLY_S = 5.0  # calling, until the region says that it rings
NO_ANSWER_S = 180.0  # calling, until a clinician answers
FALLBACK_AFTER_S = 60.0  # calling, until another is called, where there is one
RINGING_S = 45.0
COUNTDOWN_S = 15.0  # ringing, until it is answered by itself
CONNECTING_S = 20.0
RESUMING_S = 600.0  # a lost line is waited for so long; the resident may leave at any time
RENEW_S = 5.0  # while the line is lost: a fresh offer so often, as far as the last one was answered
UNANSWERED_S = 30.0  # and so old an offer may become that nobody has answered; its relays and addresses grow stale
RENEW_APART_S = 1.0  # in a call no two peer connections are begun closer together than this
ENDING_S = 2.0
FEEDBACK_S = 8.0
LINK_GRACE_S = 5.0  # the broker may be away so long before a call that is not connected is given up

HOME = AT_HOME
RUNNING: frozenset[CallState] = frozenset({"calling", "ringing", "connecting", "in_call"})


@dataclass(frozen=True)
class Moment:
    """When something happened: monotonic and Unix seconds."""

    mono: float
    wall: float


@dataclass(frozen=True)
class Call:
    """One call.

    `generation` is that of its newest peer connection, 0 before the first; `carrier` that of the one by which the two
    have met, 0 before. They differ while a new one is made beside the one that carries the call, and after the
    newer one was `dropped`.
    """

    id: str
    outgoing: bool
    accepted: bool  # the resident has pressed for it, or it was answered by itself
    name: str = ""
    role: str = ""
    ice_servers: tuple[IceServer, ...] = ()
    relay_only: bool = False
    generation: int = 0
    offered: bool = False
    answered: bool = False
    connected: bool = False
    candidates: int = 0
    carrier: int = 0
    dropped: bool = False
    prepared_at: float = 0.0  # monotonic: when the newest was begun
    lost_since: float | None = None  # Unix: since when the one that carries the call is silent
    peer_camera: bool = True
    peer_microphone: bool = True
    waiting_since: float = 0.0  # monotonic: since when somebody waits for this generation to connect
    connected_since: float | None = None  # Unix: when the two first met
    fallback: bool = False  # it goes to the one that is set for when the clinic does not answer
    by_itself: bool = False  # it is answered by itself: after a countdown, as agreed


@dataclass(frozen=True)
class Session:
    """All that the call process decides by. The timers are tokens in force, 0 for none."""

    state: CallState
    since: float
    devices: Devices
    enrolled: bool = False
    clinic: bool = False
    locked: bool = False  # out of use: no call begins, and one that runs goes on
    answers_itself: bool = False  # agreed, now
    fallback: bool = False  # there is another to call
    closed: bool = False  # the clinic is
    said_no_at: float | None = None  # monotonic: a press in the last countdown
    link: bool = False
    call: Call | None = None
    last_call: str = ""  # what still comes about it is late, not foreign
    next_call: tuple[str, Invite] | None = None  # came while the last one's devices close; it rings then
    media_open: bool = False
    testing: bool = False  # the acoustic self-test has the speaker and the microphone
    resuming: bool = False
    reason: EndReason | None = None
    fault: FaultReason | None = None
    presses: int = 0
    presses_refused: int = 0
    identified: int = 0  # how often it has shown which one it is
    tokens: int = 0
    timer: int = 0
    link_timer: int = 0
    renew_timer: int = 0
    identify_timer: int = 0

    @property
    def identifying(self) -> bool:
        """Whether it shows which station it is."""
        return self.identify_timer != 0

    @property
    def closing(self) -> bool:
        """Whether the last call's devices are still closing."""
        return self.state == "ending" or (self.state == "feedback" and self.media_open)

    @property
    def running_call(self) -> str | None:
        """The id of the call that is going on."""
        return self.call.id if self.call is not None and self.state in RUNNING else None


def usable(devices: Devices) -> bool:
    """Whether there is anything to make a call with."""
    return "ok" in (devices.camera, devices.microphone, devices.speaker)


def light(session: Session) -> LightPattern:
    """What the light shows. Nothing outranks `live` and `calling`: the room may be seen or heard."""
    if session.state in ("connecting", "in_call"):
        return "live"
    if session.state in ("calling", "ringing"):
        return session.state
    if session.media_open or session.testing:
        return "live"
    if session.identifying:
        return "identify"
    if session.state == "idle":
        return "ready"
    if session.fault == "locked":
        return "off"  # for weeks, perhaps: nobody is to be called by it
    return "fault" if session.state in ("fault", "offline") else "off"


def test_wanted(session: Session) -> bool:
    """Whether the acoustic self-test goes on: a press or a call ends it."""
    return session.testing and session.state in HOME


def view(session: Session, boot: str, volume: int, refused_messages: int) -> CallView:
    """What the screen, the console and the panel are told."""
    call = session.call
    shown = CallView(
        session.state, boot, session.since, light(session), session.devices,
        resuming=session.resuming, reason=session.reason, fault=session.fault,
        presses_refused=session.presses_refused, presses=session.presses,
        identifying=session.identifying, identified=session.identified,
        volume=volume, refused_messages=refused_messages,
    )  # fmt: skip
    if call is None:
        return shown
    return replace(
        shown, call=call.id, outgoing=call.outgoing, peer_name=call.name, peer_role=call.role,
        connected_since=call.connected_since, lost_since=call.lost_since if session.resuming else None,
        peer_camera=call.peer_camera, peer_microphone=call.peer_microphone, fallback=call.fallback,
        answers_at=session.since + COUNTDOWN_S if session.state == "ringing" and call.by_itself else None,
    )  # fmt: skip
