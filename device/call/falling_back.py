"""Nobody answers at the clinic, or it is closed: the other one that is set is called, without another press. Pure.

The camera stays as it is, the press still ends everything, and there is one other to call and no more.
"""

from __future__ import annotations

from device.call import state as s
from device.call.events import ClosePeer, Effect, Pressed, Say
from device.call.moves import Step, end, enter, open_media, running, say, then
from device.call.state import Call, Moment, Session
from messaging.call import EndReason, Hangup, Request

_ELSEWHERE: frozenset[EndReason] = frozenset({"no_answer", "busy", "closed", "declined"})


def call(session: Session, press: Pressed, now: Moment) -> Step:
    """The button, at rest: the clinic, or the other at once while the clinic is closed."""
    other = session.fallback and session.closed
    calls, timer = enter(
        session, "calling", now, s.REPLY_S, call=Call(press.call, outgoing=True, accepted=True, fallback=other)
    )
    opened, opening = open_media(calls)
    return opened, (*timer, *opening, say(opened, Request(session.devices, fallback=other)))


def patience_s(session: Session) -> float:
    """How long it may ring where it rings now: not for ever, while there is another to call."""
    return s.FALLBACK_AFTER_S if _has_another(session) else s.NO_ANSWER_S


def elsewhere(session: Session, now: Moment, reason: EndReason, *, heard: bool) -> Step:
    """It comes to nothing there: call the other, or end. `heard`: it is the region that has said so."""
    if reason not in _ELSEWHERE or not _has_another(session):
        return end(session, now, reason, say=not heard, bye=not heard)
    before = running(session)
    effects: list[Effect] = [] if heard else [Say(before.id, Hangup(reason))]
    if before.generation:
        effects.append(ClosePeer(bye=False))
    other = Call(f"{before.id}2", outgoing=True, accepted=True, fallback=True)
    calls = enter(session, "calling", now, s.REPLY_S, call=other, last_call=before.id)
    return then(calls, *effects, Say(other.id, Request(session.devices, fallback=True)))


def _has_another(session: Session) -> bool:
    return session.fallback and not running(session).fallback
