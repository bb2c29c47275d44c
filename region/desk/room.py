"""One call as the region sees it: its state, what can happen to it, and what can follow. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from messaging.call import (
    Candidate,
    Devices,
    EndReason,
    FromRegion,
    FromStation,
    Offer,
    Sdp,
)

RoomState = Literal["waiting", "inviting", "alerting", "connecting", "in_call", "resuming", "ended"]

# Seconds. Each is a little longer than the station's own, so that the station, which knows more, ends first.
LIMITS: dict[RoomState, float] = {
    "waiting": 195.0,  # the station gives up after 3 minutes
    "inviting": 6.0,  # a station that does not even say that it rings is not there
    "alerting": 55.0,  # it rings there for 45 s
    "connecting": 30.0,
    "resuming": 630.0,  # the station waits ten minutes for its line
}
TIMED_OUT: dict[RoomState, EndReason] = {
    "waiting": "no_answer",
    "inviting": "station_offline",
    "alerting": "no_answer",
    "connecting": "connection_failed",
    "resuming": "media_lost",
}
LOST_LONG = 60.0  # a line lost for so long is shown to the whole clinic; the resident has the telephone number now
UNSEEN = 12.0  # a page of which no process has told for so long has gone, and perhaps the process with it
PAGE_GRACE = 15.0  # a page without its event stream for so long has gone
SIGNED_OUT = 5.0  # who was signed out has so long to be signed in again, as with a new password; then the call is over
UNVOUCHED = 60.0  # a page without its stream for so long, and its clinician signed in nowhere: signed out
DESERTED = 900.0  # a call without page and without a word from the station for so long is over
RENEW_INTERVAL = 3.0


@dataclass(frozen=True)
class Room:
    """One call. Times are Unix seconds: the region's processes share it.

    `clinic` and `clinician` are the registry's ids, `page` is one tab of that clinician's browser, `seen` when it last
    had an event stream for sure, `away` since when it has none, `signed_out` since when its session is over, `heard`
    when the station last spoke.
    """

    call: str
    station: str
    clinic: int
    state: RoomState
    outgoing: bool  # a clinician called the station; False: the resident pressed
    devices: Devices = field(default=Devices())
    clinician: int | None = None
    page: str | None = None
    seen: float = 0.0
    away: float | None = None
    signed_out: float | None = None
    heard: float = 0.0
    deadline: float | None = None
    offer: Offer | None = None
    answered: int = 0  # the generation whose answer has been passed on
    candidates: int = 0  # of the clinician, passed on for that generation
    by_itself: bool = False  # nobody pressed at the station: the resident has agreed to that
    renewed: float | None = None  # when the station was last asked for a new offer
    reason: EndReason | None = None

    @property
    def generation(self) -> int:
        """That of the newest offer; 0 before the first."""
        return self.offer.generation if self.offer else 0

    def lost_for(self, now: float) -> float:
        """Seconds since the media was lost, 0 while it is not."""
        if self.state != "resuming" or self.deadline is None:
            return 0.0
        return max(0.0, now - (self.deadline - LIMITS["resuming"]))

    @property
    def ringing(self) -> bool:
        """Nobody has said yes to this call so far."""
        return self.state in ("waiting", "inviting", "alerting")

    def to(self, state: RoomState, now: float, **changes: object) -> Room:
        """This room in another state, with that state's time limit."""
        limit = LIMITS.get(state)
        return replace(self, state=state, deadline=None if limit is None else now + limit, **changes)  # type: ignore[arg-type]

    def ended(self, reason: EndReason) -> Room:
        """This room, over."""
        return replace(self, state="ended", deadline=None, reason=reason)


@dataclass(frozen=True)
class Heard:
    """The station said something in this call."""

    message: FromStation


@dataclass(frozen=True)
class Claimed:
    """The registry gave the call to this clinician, at this page."""

    clinician: int
    page: str


@dataclass(frozen=True)
class Answered:
    """The page answered an offer; `name` and `role` are shown to the resident."""

    page: str
    generation: int
    sdp: Sdp
    name: str
    role: str


@dataclass(frozen=True)
class Trickled:
    """The page found candidates of its own."""

    page: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Rejoined:
    """The clinician's page has lost its peer connection (reload, lost media) and wants to go on in this call."""

    page: str


@dataclass(frozen=True)
class Left:
    """The clinician ends the call."""

    reason: EndReason = "clinician_left"


@dataclass(frozen=True)
class PageGone:
    """A page's event stream ended."""

    page: str


@dataclass(frozen=True)
class SignedOut:
    """The session of that page was ended at that time. None: of a page that nobody knows any more."""

    page: str | None
    at: float


@dataclass(frozen=True)
class PageBack:
    """A page's event stream is there (again); the page says itself that it is in this call."""

    page: str


@dataclass(frozen=True)
class PageSeen:
    """A page's event stream is there still."""

    page: str


@dataclass(frozen=True)
class StationGone:
    """The broker says that station-call is away; its media may still flow."""


@dataclass(frozen=True)
class StationBack:
    """Station-call has connected.

    `call` is the one it is in, `same_run` whether it is the process we heard before, `reason` why it ended this call.
    """

    call: str | None
    same_run: bool
    reason: EndReason | None = None


@dataclass(frozen=True)
class Superseded:
    """The station has begun another call."""


@dataclass(frozen=True)
class ShutOut:
    """The region lets the station in no more."""


@dataclass(frozen=True)
class LinkUp:
    """The region has its broker again, or has just started, and does not know what it missed."""


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


Event = (
    Heard | Claimed | Answered | Trickled | Rejoined | Left | PageGone | SignedOut | PageBack | PageSeen
    | StationGone | StationBack | Superseded | ShutOut | LinkUp | Tick
)  # fmt: skip


@dataclass(frozen=True)
class Say:
    """Tell the station."""

    message: FromRegion


@dataclass(frozen=True)
class PassOffer:
    """Give the newest offer to the page."""

    page: str
    offer: Offer


@dataclass(frozen=True)
class Show:
    """Tell the page that has the call, and the clinic's boards, how it stands."""


@dataclass(frozen=True)
class Count:
    """Something was refused; `code` for the counters."""

    code: str


@dataclass(frozen=True)
class Refuse:
    """What the browser asked is not done; `code` for the page."""

    code: Literal["not_yours", "stale", "flood", "not_now"]


Effect = Say | PassOffer | Show | Count | Refuse
