"""What the screen shows: a pure function of what the two processes said and what the screen itself has noticed.

One message at a time. The bar at the bottom tells what the button does now, or whom to phone when it cannot help.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from kiosk_ui.screen.brightness import brightness
from kiosk_ui.words import Said, Words, elapsed, unbroken
from messaging.call import Devices, EndReason
from messaging.local import AT_HOME, ON_AIR, AgentView, CallView, ClaimShown
from messaging.opening import is_open, opens_next
from messaging.settings import Night
from messaging.twin import Config, Language

FROZEN_AFTER_S = 2.0  # a picture older than this is not shown as a live one
AWAY_LONG_S = 15.0  # station-call, or its line, is back in some seconds, or something is wrong
REFUSED_FOR_S = 4.0
CALLING_LONG_S = 60.0
LOST_LONG_S = 60.0  # a line lost for so long: the resident is given the telephone number, and we go on trying
OWN_LIVE_S = 1.0  # own pictures this fresh mean an open camera, whatever was said
_NIGHT = Night(on=True, begins="21:00", ends="07:00")  # dark colours, where no night hours are set
_RESTING = frozenset({"idle", "fault", "offline", "claim"})
_DARK_AT_NIGHT = frozenset({"idle", "fault", "offline", "note"})

Layout = Literal["idle", "calling", "ringing", "connecting", "in_call", "ended", "fault", "offline", "claim", "note"]
Tone = Literal["calm", "night", "calling", "ringing", "live", "trouble"]
Bar = Literal["button", "phone", "staff", "none"]  # what the bar at the bottom is about

# Calls that ended so are nobody's wish: the resident is given the telephone number.
_IN_VAIN: frozenset[EndReason] = frozenset(
    {"declined", "no_answer", "busy", "closed", "refused", "connection_failed", "media_lost", "link_down",
     "station_restarted", "station_offline", "error"}
)  # fmt: skip


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


def screen_view(call: CallView | None, agent: AgentView | None, noticed: Noticed) -> ScreenView:
    """The whole screen, from the newest views (None: never heard, or gone)."""
    config = agent.config if agent is not None else None
    composer = _Composer(call, agent, config or Config(language=noticed.language), noticed)
    return composer.view()


class _Composer:
    def __init__(self, call: CallView | None, agent: AgentView | None, config: Config, noticed: Noticed) -> None:
        self.call = call
        self.agent = agent
        self.config = config
        self.noticed = noticed
        self.words = Words(config.language)
        self.texts = self.words.screen
        self.clinic = (config.clinic if config.screen.clinic else "") or self.texts.the_clinic
        self.other = (config.fallback if config.screen.clinic else "") or self.texts.the_clinic
        self.name = self._peer()
        self.when = datetime.fromtimestamp(noticed.now, UTC).astimezone()
        self.time_known = agent is None or agent.clock != "unset"
        self.closed = self.time_known and not is_open(config.opening, self.when)

    def view(self) -> ScreenView:
        view = self._noted(self._page())
        if self._refused() and view.bar == "none":
            view = replace(view, notice=self.texts.refused_wait)
        own_fresh = self.noticed.own_age is not None and self.noticed.own_age < OWN_LIVE_S
        live = self._live(own_fresh)
        return replace(
            view,
            tone=self._tone(view),
            live=live,
            own=own_fresh and bool(live) and self.call is not None,
            station=self._place(),
            brightness=self._brightness(view),
            refused=self._refused(),
            headline=_capital(view.headline),
            sub=_capital(view.sub),
            notice=_capital(view.notice),
            bar_text=_capital(view.bar_text),
        )

    def _page(self) -> ScreenView:
        if self.call is None:
            return self._away()
        match self.call.state:
            case "idle":
                return self._idle()
            case "calling":
                return self._calling(self.call)
            case "ringing":
                return self._ringing(self.call)
            case "connecting":
                return self._connecting(self.call)
            case "in_call":
                return self._in_call(self.call)
            case "ending":
                return self._said("ended", "calm", self.texts.ending)
            case "feedback":
                return self._feedback(self.call)
            case "fault":
                return self._fault(self.call)
            case "offline":
                return self._offline(self.call)

    def _noted(self, page: ScreenView) -> ScreenView:
        """The page while nobody is in a call: with which station this is, or a message from the region, on it."""
        call, agent = self.call, self.agent
        if call is None or agent is None or call.state not in AT_HOME or page.layout == "claim":
            return page
        if call.identifying:
            return self._found(page, self.config.station or agent.station)
        if agent.message and call.state == "idle":
            return self._note(page, agent.message, ", ".join(filter(None, (page.date, page.clock))))
        return replace(page, notice=page.notice or agent.message)

    def _found(self, page: ScreenView, name: str) -> ScreenView:
        """Which one this is; and what is wrong with it, where something is."""
        if page.layout == "idle":
            return self._note(page, name, self.texts.identify_well)
        return replace(self._note(page, name, self.texts.identify), notice=page.notice or page.headline)

    @staticmethod
    def _note(page: ScreenView, headline: str, sub: str) -> ScreenView:
        """What the button does, or whom to phone, still stands at the bottom."""
        return replace(page, layout="note", headline=headline, sub=sub, clock="", date="", staff="")

    def _idle(self) -> ScreenView:
        when, known = self.when, self.time_known
        return ScreenView(
            "idle",
            "calm",
            self.config.language,
            headline="" if known else self.texts.greeting,
            clock=self.words.time(when) if known else "",
            date=_capital(self.words.date(when)) if known else "",
            notice=self._lack() or self._open_again(),
            bar="button",
            bar_text=self.texts.idle.format(clinic=self.other if self.closed and self.config.fallback else self.clinic),
        )

    def _calling(self, call: CallView) -> ScreenView:
        waited = self.noticed.now - call.since
        return ScreenView(
            "calling",
            "calling",
            self.config.language,
            headline=self.texts.calling.format(clinic=self.other if call.fallback else self.clinic),
            sub=self.texts.calling_long if waited >= CALLING_LONG_S else self._about_calling(call),
            notice=self._in_call_problem(),
            bar="button",
            bar_text=self.texts.calling_hint,
        )

    def _about_calling(self, call: CallView) -> str:
        """Why it is another than the clinic that is called, or that all is well."""
        if not call.fallback or not self.config.screen.clinic:
            return self.texts.calling_sub
        why = self.texts.calling_closed if self.closed else self.texts.calling_other
        return why.format(clinic=self.clinic)

    def _ringing(self, call: CallView) -> ScreenView:
        return ScreenView(
            "ringing",
            "ringing",
            self.config.language,
            headline=self.texts.ringing.format(name=self.name),
            sub=self.texts.ringing_sub if call.answers_at is None else self._countdown(call.answers_at),
            role=self._role(call),
            bar="button",
            bar_text=self.texts.ringing_hint if call.answers_at is None else self.texts.countdown_hint,
        )

    def _countdown(self, answers_at: float) -> str:
        left = math.ceil(answers_at - self.noticed.now)
        return self.texts.countdown.format(seconds=left) if left > 1 else self.texts.countdown_over

    def _connecting(self, call: CallView) -> ScreenView:
        if call.resuming:
            return self._resuming(call)
        return ScreenView(
            "connecting",
            "calling",
            self.config.language,
            headline=self.texts.connecting.format(name=self.name),
            sub=self.texts.connecting_sub,
            role=self._role(call),
            bar="button",
            bar_text=self.texts.connecting_hint,
        )

    def _resuming(self, call: CallView) -> ScreenView:
        lost = ScreenView(
            "connecting",
            "calling",
            self.config.language,
            headline=self.texts.resuming,
            sub=self.texts.resuming_sub,
            bar="button",
            bar_text=self.texts.connecting_hint,
        )
        if self.noticed.now - (call.lost_since or call.since) < LOST_LONG_S:
            return lost
        return replace(lost, sub=self.texts.resuming_long, bar=self._bar(), bar_text=self._phone())

    def _in_call(self, call: CallView) -> ScreenView:
        notice, dimmed = self._about_picture(call)
        seconds = self.noticed.now - (call.connected_since or call.since)
        return ScreenView(
            "in_call",
            "live",
            self.config.language,
            notice=notice or self._in_call_problem(),
            bar="button",
            bar_text=self.texts.in_call_hint,
            name=_capital(self.name),
            role=self._role(call),
            elapsed=elapsed(seconds),
            remote=call.peer_camera and self.noticed.remote_age is not None,
            dimmed=dimmed,
            own_mirrored=call.looking != "examination",
            looking=self._looking(call),
            flash=call.looking == "still",
        )

    def _looking(self, call: CallView) -> str:
        said = {
            "": "",
            "closer": self.texts.looking_closer,
            "examination": self.texts.looking_examination,
            "still": self.texts.looking_still,
        }
        return said[call.looking]

    def _about_picture(self, call: CallView) -> tuple[str, bool]:
        # A picture that stands still is the first thing to say: somebody may believe it (docs/safety).
        if not call.peer_camera:
            return self.texts.peer_camera_off.format(name=self.name), False
        if self.noticed.remote_age is None:
            return self.texts.waiting_for_picture, False
        if self.noticed.remote_age > FROZEN_AFTER_S:
            return self.texts.frozen, True
        if not call.peer_microphone:
            return self.texts.peer_muted.format(name=self.name), False
        return "", False

    def _feedback(self, call: CallView) -> ScreenView:
        reason = call.reason or "error"
        if not call.outgoing and reason == "declined":
            return self._said("ended", "calm", self.texts.said_no)
        gave_up = reason == "clinician_left" and call.connected_since is None
        if not call.outgoing and (gave_up or reason in ("cancelled", "no_answer")):
            return self._said("ended", "calm", self.texts.missed)
        if reason in _IN_VAIN:
            self.closed = self.closed or reason == "closed"
            view = self._trouble("ended", self.words.ended[reason])
            return replace(view, sub=self._open_again() or view.sub)
        return self._said("ended", "calm", self.words.ended[reason])

    def _offline(self, call: CallView) -> ScreenView:
        """A line that is back in some seconds is nothing to be frightened by."""
        if 0 <= self.noticed.now - call.since < AWAY_LONG_S:
            return self._said("offline", "calm", self.texts.away)
        return self._trouble("offline", self.texts.offline)

    def _fault(self, call: CallView) -> ScreenView:
        fault = call.fault or "internal"
        if fault == "not_enrolled" and self.agent is not None and self.agent.claim is not None:
            return self._claimed(self.agent.claim)
        why = self.agent.enrolment_error if self.agent is not None and fault == "not_enrolled" else ""
        view = self._trouble("fault", self.words.faults[fault])
        return replace(view, staff=self.texts.staff_code.format(code=why or fault))

    def _claimed(self, claim: ClaimShown) -> ScreenView:
        check = f"{claim.check[:3]} {claim.check[3:]}"
        return replace(self._trouble("claim", self.texts.claim), claim=claim.link, check=check)

    def _away(self) -> ScreenView:
        if self.noticed.away_for >= AWAY_LONG_S:
            return self._trouble("fault", self.texts.away_long)
        return self._said("offline", "calm", self.texts.away)

    def _trouble(self, layout: Layout, said: Said) -> ScreenView:
        view = replace(self._said(layout, "trouble", said), bar=self._bar(), bar_text=self._phone())
        return replace(view, notice=self.texts.refused) if self._refused() else view

    def _said(self, layout: Layout, tone: Tone, said: Said) -> ScreenView:
        return ScreenView(
            layout,
            tone,
            self.config.language,
            headline=said.headline.format(name=self.name),
            sub=said.sub.format(name=self.name),
        )

    def _open_again(self) -> str:
        """When the clinic is there again, while it is not, by a clock that is right."""
        opens = opens_next(self.config.opening, self.when) if self.closed and self.time_known else None
        if opens is None:
            return ""
        return self.texts.open_again.format(clinic=self.clinic, when=self.words.moment(opens, self.when))

    def _bar(self) -> Bar:
        return "phone" if self.config.phone or self.config.fallback_phone else "staff"

    def _phone(self) -> str:
        """Whom to phone: the clinic, or the other number while the clinic is closed or has none."""
        other = self.config.fallback_phone
        if other and (self.closed or not self.config.phone):
            return self.texts.phone_instead.format(phone=unbroken(other))
        if not self.config.phone:
            return self.texts.no_phone
        return self.texts.phone.format(clinic=self.clinic, phone=unbroken(self.config.phone))

    def _peer(self) -> str:
        shown = self.config.screen
        named = self.call.peer_name.strip() if self.call is not None and shown.caller_name else ""
        return named or (self.config.clinic if shown.clinic else "") or self.texts.the_caller

    def _role(self, call: CallView) -> str:
        return call.peer_role.strip() if self.config.screen.caller_title else ""

    def _place(self) -> str:
        where = (self.config.station, self.config.site) if self.config.screen.place else ()
        return " · ".join(part for part in where if part)

    def _brightness(self, view: ScreenView) -> int:
        at = self.when.time() if self.time_known else None
        asked = self._refused() or (self.call is not None and self.call.identifying)
        resting = view.layout in _RESTING or view.layout == "note"
        well = view.layout == "idle" and not self._lack()
        return brightness(self.config.screen, self.config.night, at, resting=resting and not asked, well=well)

    def _tone(self, view: ScreenView) -> Tone:
        """What comes by itself at night, good or bad, comes in the night's colours: somebody sleeps here."""
        hours = self.config.night if self.config.night.on else _NIGHT
        dark = self.time_known and hours.covers(self.when.time()) and view.layout in _DARK_AT_NIGHT
        return "night" if dark and (view.bar == "button" or not self._refused()) else view.tone

    def _live(self, own_fresh: bool) -> str:
        """The truth about what is open: as the light has it, or because own pictures come though they should not."""
        call = self.call
        devices = call.devices if call is not None and call.light in ON_AIR else _NOTHING
        camera = devices.camera == "ok" or own_fresh
        if camera and devices.microphone == "ok":
            return self.texts.live_both
        if camera:
            return self.texts.live_camera
        return self.texts.live_microphone if devices.microphone == "ok" else ""

    def _in_call_problem(self) -> str:
        texts = self.texts
        problem = self._device_problem(texts.in_call_no_camera, texts.in_call_no_microphone, texts.in_call_no_speaker)
        if not problem and self.call is not None and self.call.lens == "covered":
            problem = texts.lens_covered
        return problem.format(name=self.name)

    def _lack(self) -> str:
        """What does not work, before a call."""
        return self._device_problem(self.texts.no_camera, self.texts.no_microphone, self.texts.no_speaker)

    def _device_problem(self, camera: str, microphone: str, speaker: str) -> str:
        """The worst first: who cannot hear needs help, who is not seen can still talk."""
        devices = self.call.devices if self.call is not None else Devices()
        if devices.speaker != "ok":
            return speaker
        if devices.microphone != "ok":
            return microphone
        return camera if devices.camera != "ok" else ""

    def _refused(self) -> bool:
        ago = self.noticed.refused_ago
        return ago is not None and ago < REFUSED_FOR_S


_NOTHING = Devices(camera="missing", microphone="missing", speaker="missing")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
