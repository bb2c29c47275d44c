"""A call of the clinic is answered: by a press, or by itself where the resident has agreed to that. Pure.

By itself only after a countdown that is seen and heard for its whole length: what ends the consent, or silences the
speaker, makes it an ordinary ring. A press in the countdown says no, and no holds: for HOLDS_S the next calls ring in
the ordinary way. Nothing is opened before the countdown is over.
"""

from __future__ import annotations

from dataclasses import replace

from device.call import state as s
from device.call.events import Pressed, StopTimer
from device.call.moves import Step, before, end, enter, gate, meet, open_media, running, say, stay
from device.call.state import Moment, Session
from messaging.call import Accept

HOLDS_S = 600.0


def counts_down(session: Session, now: Moment) -> bool:
    """Whether a call that begins to ring now is to be answered by itself."""
    said_no = session.said_no_at is not None and now.mono - session.said_no_at < HOLDS_S
    return _agreed(session) and not said_no


def steady(session: Session, now: Moment) -> Step:
    """While it rings: a countdown that is no longer agreed to, or can no longer be heard, is an ordinary ring now."""
    call = running(session)
    if not call.by_itself or _agreed(session):
        return stay(session)
    return enter(session, "ringing", now, s.RINGING_S, call=replace(call, by_itself=False))


def press(session: Session, _press: Pressed, now: Moment) -> Step:
    """The button, while it rings: yes; in a countdown: no."""
    if running(session).by_itself:
        return end(replace(session, said_no_at=now.mono), now, "declined")
    return accept(session, now)


def rang_out(session: Session, now: Moment) -> Step:
    """Nobody has pressed until now."""
    return accept(session, now) if running(session).by_itself else end(session, now, "no_answer")


def accept(session: Session, now: Moment) -> Step:
    """Camera, microphone and speaker on, and the two may meet."""
    call = replace(running(session), accepted=True, waiting_since=now.mono)
    connects, timer = enter(session, "connecting", now, s.CONNECTING_S, call=call, link_timer=0)
    opened, opening = open_media(connects)
    effects = (*timer, StopTimer("link"), *opening, say(opened, Accept(call.by_itself)), *gate(call))
    if not call.connected:
        return opened, effects
    return before(effects, meet(opened, now, call.generation))


def _agreed(session: Session) -> bool:
    return session.answers_itself and not session.locked and session.devices.speaker == "ok"
