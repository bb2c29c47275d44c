"""What stands on the screen, and what the screen itself has noticed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from messaging.twin import Language

Layout = Literal["idle", "calling", "ringing", "connecting", "in_call", "ended", "fault", "offline", "claim", "note"]
Tone = Literal["calm", "night", "calling", "ringing", "live", "trouble"]
Bar = Literal["button", "phone", "staff", "none"]  # what the bar at the bottom is about


@dataclass(frozen=True)
class Noticed:
    """What the screen knows by itself. Ages in seconds; None: never in this call."""

    now: float  # Unix seconds
    away_for: float = 0.0  # how long station-call has been silent, 0 while it is there
    remote_age: float | None = None
    own_age: float | None = None
    refused_ago: float | None = None  # since a press could not do anything
    language: Language = "da"  # until station-agent has told the station's own


@dataclass(frozen=True)
class ScreenView:
    """All that is on the screen. An empty text is not shown."""

    layout: Layout
    tone: Tone
    language: Language
    headline: str = ""
    sub: str = ""
    notice: str = ""  # one problem and what to do about it
    bar: Bar = "none"
    bar_text: str = ""
    clock: str = ""
    date: str = ""
    station: str = ""
    name: str = ""  # the other side, in the call
    role: str = ""
    elapsed: str = ""
    live: str = ""  # the sign that camera and microphone are on
    remote: bool = False  # show the other side's picture
    dimmed: bool = False  # it is not a live picture
    own: bool = False
    own_mirrored: bool = True  # as in a mirror, save what another camera sees
    looking: str = ""  # what the clinician does with the own picture
    flash: bool = False  # a still of it is taken
    refused: bool = False  # react to a press that could not do anything
    staff: str = ""  # small, for the staff
    claim: str = ""  # what the QR code holds by which IT claims the station
    check: str = ""  # its six digits, in two groups
    brightness: int = 100  # percent of what the display gives
