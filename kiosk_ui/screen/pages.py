"""The page for each state of the call: one message, and what the button does now or whom to phone instead."""

from __future__ import annotations

import math
from dataclasses import replace

from kiosk_ui.screen.shown import Layout, ScreenView, Tone
from kiosk_ui.screen.situation import Situation
from kiosk_ui.words import Said, elapsed
from messaging.call import EndReason
from messaging.local import CallView, ClaimShown

FROZEN_AFTER_S = 2.0  # a picture older than this is not shown as a live one
AWAY_LONG_S = 15.0  # station-call, or its line, is back in some seconds, or something is wrong
CALLING_LONG_S = 60.0
LOST_LONG_S = 60.0  # a line lost for so long: the resident is given the telephone number, and we go on trying

# Calls that ended so are nobody's wish: the resident is given the telephone number.
_IN_VAIN: frozenset[EndReason] = frozenset(
    {"declined", "no_answer", "busy", "closed", "refused", "connection_failed", "media_lost", "link_down",
     "station_restarted", "station_offline", "error"}
)  # fmt: skip


def page(here: Situation) -> ScreenView:
    """What fills the screen, by the state of the call."""
    if here.call is None:
        return _away(here)
    match here.call.state:
        case "idle":
            return _idle(here)
        case "calling":
            return _calling(here, here.call)
        case "ringing":
            return _ringing(here, here.call)
        case "connecting":
            return _connecting(here, here.call)
        case "in_call":
            return _in_call(here, here.call)
        case "ending":
            return _said(here, "ended", "calm", here.texts.ending)
        case "feedback":
            return _feedback(here, here.call)
        case "fault":
            return _fault(here, here.call)
        case "offline":
            return _offline(here, here.call)


def _idle(here: Situation) -> ScreenView:
    when, known = here.when, here.time_known
    return ScreenView(
        "idle",
        "calm",
        here.config.language,
        headline="" if known else here.texts.greeting,
        clock=here.words.time(when) if known else "",
        date=here.words.date(when) if known else "",
        notice=here.lack or here.open_again,
        bar="button",
        bar_text=here.texts.idle.format(clinic=here.other if here.closed and here.config.fallback else here.clinic),
    )


def _calling(here: Situation, call: CallView) -> ScreenView:
    waited = here.noticed.now - call.since
    return ScreenView(
        "calling",
        "calling",
        here.config.language,
        headline=here.texts.calling.format(clinic=here.other if call.fallback else here.clinic),
        sub=here.texts.calling_long if waited >= CALLING_LONG_S else _about_calling(here, call),
        notice=here.in_call_problem,
        bar="button",
        bar_text=here.texts.calling_hint,
    )


def _about_calling(here: Situation, call: CallView) -> str:
    """Why it is another than the clinic that is called, or that all is well."""
    if not call.fallback or not here.config.screen.clinic:
        return here.texts.calling_sub
    why = here.texts.calling_closed if here.closed else here.texts.calling_other
    return why.format(clinic=here.clinic)


def _ringing(here: Situation, call: CallView) -> ScreenView:
    return ScreenView(
        "ringing",
        "ringing",
        here.config.language,
        headline=here.texts.ringing.format(name=here.name),
        sub=here.texts.ringing_sub if call.answers_at is None else _countdown(here, call.answers_at),
        role=here.role,
        bar="button",
        bar_text=here.texts.ringing_hint if call.answers_at is None else here.texts.countdown_hint,
    )


def _countdown(here: Situation, answers_at: float) -> str:
    left = math.ceil(answers_at - here.noticed.now)
    return here.texts.countdown.format(seconds=left) if left > 1 else here.texts.countdown_over


def _connecting(here: Situation, call: CallView) -> ScreenView:
    if call.resuming:
        return _resuming(here, call)
    return ScreenView(
        "connecting",
        "calling",
        here.config.language,
        headline=here.texts.connecting.format(name=here.name),
        sub=here.texts.connecting_sub,
        role=here.role,
        bar="button",
        bar_text=here.texts.connecting_hint,
    )


def _resuming(here: Situation, call: CallView) -> ScreenView:
    lost = ScreenView(
        "connecting",
        "calling",
        here.config.language,
        headline=here.texts.resuming,
        sub=here.texts.resuming_sub,
        bar="button",
        bar_text=here.texts.connecting_hint,
    )
    if here.noticed.now - (call.lost_since or call.since) < LOST_LONG_S:
        return lost
    return replace(lost, sub=here.texts.resuming_long, bar=here.bar, bar_text=here.phone)


def _in_call(here: Situation, call: CallView) -> ScreenView:
    notice, dimmed = _about_picture(here, call)
    seconds = here.noticed.now - (call.connected_since or call.since)
    return ScreenView(
        "in_call",
        "live",
        here.config.language,
        notice=notice or here.in_call_problem,
        bar="button",
        bar_text=here.texts.in_call_hint,
        name=here.name,
        role=here.role,
        elapsed=elapsed(seconds),
        remote=call.peer_camera and here.noticed.remote_age is not None,
        dimmed=dimmed,
        own_mirrored=call.looking != "examination",
        looking=_looking(here, call),
        flash=call.looking == "still",
    )


def _looking(here: Situation, call: CallView) -> str:
    said = {
        "": "",
        "closer": here.texts.looking_closer,
        "examination": here.texts.looking_examination,
        "still": here.texts.looking_still,
    }
    return said[call.looking]


def _about_picture(here: Situation, call: CallView) -> tuple[str, bool]:
    # A picture that stands still is the first thing to say: somebody may believe it (docs/safety).
    if not call.peer_camera:
        return here.texts.peer_camera_off.format(name=here.name), False
    if here.noticed.remote_age is None:
        return here.texts.waiting_for_picture, False
    if here.noticed.remote_age > FROZEN_AFTER_S:
        return here.texts.frozen, True
    if not call.peer_microphone:
        return here.texts.peer_muted.format(name=here.name), False
    return "", False


def _feedback(here: Situation, call: CallView) -> ScreenView:
    reason = call.reason or "error"
    if not call.outgoing and reason == "declined":
        return _said(here, "ended", "calm", here.texts.said_no)
    gave_up = reason == "clinician_left" and call.connected_since is None
    if not call.outgoing and (gave_up or reason in ("cancelled", "no_answer")):
        return _said(here, "ended", "calm", here.texts.missed)
    if reason in _IN_VAIN:
        view = _trouble(here, "ended", here.words.ended[reason])
        return replace(view, sub=here.open_again or view.sub)
    return _said(here, "ended", "calm", here.words.ended[reason])


def _offline(here: Situation, call: CallView) -> ScreenView:
    """A line that is back in some seconds is nothing to be frightened by."""
    if 0 <= here.noticed.now - call.since < AWAY_LONG_S:
        return _said(here, "offline", "calm", here.texts.away)
    return _trouble(here, "offline", here.texts.offline)


def _fault(here: Situation, call: CallView) -> ScreenView:
    fault = call.fault or "internal"
    if fault == "not_enrolled" and here.agent is not None and here.agent.claim is not None:
        return _claimed(here, here.agent.claim)
    why = here.agent.enrolment_error if here.agent is not None and fault == "not_enrolled" else ""
    view = _trouble(here, "fault", here.words.faults[fault])
    return replace(view, staff=here.texts.staff_code.format(code=why or fault))


def _claimed(here: Situation, claim: ClaimShown) -> ScreenView:
    check = f"{claim.check[:3]} {claim.check[3:]}"
    return replace(_trouble(here, "claim", here.texts.claim), claim=claim.link, check=check)


def _away(here: Situation) -> ScreenView:
    if here.noticed.away_for >= AWAY_LONG_S:
        return _trouble(here, "fault", here.texts.away_long)
    return _said(here, "offline", "calm", here.texts.away)


def _trouble(here: Situation, layout: Layout, said: Said) -> ScreenView:
    view = replace(_said(here, layout, "trouble", said), bar=here.bar, bar_text=here.phone)
    return replace(view, notice=here.texts.refused) if here.refused else view


def _said(here: Situation, layout: Layout, tone: Tone, said: Said) -> ScreenView:
    return ScreenView(
        layout,
        tone,
        here.config.language,
        headline=said.headline.format(name=here.name),
        sub=said.sub.format(name=here.name),
    )
