"""What the session does with what the region says. Pure; a part of `session.step`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from device.call import resuming
from device.call import state as s
from device.call.answering import counts_down
from device.call.events import AddCandidate, ApplyAnswer, Heard, Refuse, Say
from device.call.falling_back import elsewhere, patience_s
from device.call.moves import Step, before, end, enter, gate, prepare, running, stay, then
from device.call.state import Call, Moment, Session
from messaging.call import (
    MAX_CANDIDATES,
    Alerting,
    Answer,
    Candidate,
    EndReason,
    Hangup,
    Invite,
    RefusalCode,
    Refused,
    Rejected,
    Renew,
    Ringing,
)
from messaging.local import CallState

_REFUSED: dict[RefusalCode, EndReason] = {"closed": "closed", "busy": "busy"}


def hear(session: Session, heard: Heard, now: Moment) -> Step:
    """Take what is about our call; refuse, at no cost to it, what is about another."""
    if session.call is None or heard.call != session.call.id:
        return _about_another(session, heard, now)
    if session.state not in s.RUNNING or isinstance(heard.message, Rejected):
        return stay(session)
    handler = _TABLE[session.state].get(type(heard.message))
    return handler(session, heard.message, now) if handler else stay(session, Refuse(heard.call, "unexpected"))


def _about_another(session: Session, heard: Heard, now: Moment) -> Step:
    if session.next_call is not None and heard.call == session.next_call[0]:
        return stay(replace(session, next_call=None) if isinstance(heard.message, Hangup) else session)
    if heard.call == session.last_call or isinstance(heard.message, Hangup | Rejected):
        return stay(session)  # late; and an answer to these would only be answered again
    if isinstance(heard.message, Invite):
        if session.closing and session.next_call is None:
            return stay(replace(session, next_call=(heard.call, heard.message)))
        return _invited(session, heard.call, heard.message, now)
    return stay(session, Refuse(heard.call, "foreign_call"))


def take_next(session: Session, now: Moment) -> Step:
    """Whoever called while the last call's devices were closing is not kept waiting once they are closed."""
    if session.next_call is None or session.closing:
        return stay(session)
    call_id, invite = session.next_call
    taken = replace(session, next_call=None)
    if not session.link:  # it could not be heard to ring, and has long been given up when it could
        return stay(taken, Say(call_id, Hangup("link_down")))
    return _invited(taken, call_id, invite, now)


def _invited(session: Session, call_id: str, invite: Invite, now: Moment) -> Step:
    resting = session.state in ("idle", "feedback") or (session.state, session.fault) == ("fault", "no_clinic")
    if resting and not session.closing and not session.locked:
        return _ring(session, call_id, invite, now)
    busy = session.state in s.RUNNING or session.closing
    return stay(session, Say(call_id, Hangup("busy" if busy else "refused")))


def _ring(session: Session, call_id: str, invite: Invite, now: Moment) -> Step:
    by_itself = counts_down(session, now)
    call = Call(
        call_id, False, False, invite.name, invite.role, invite.ice_servers, invite.relay_only, by_itself=by_itself
    )
    last = session.call.id if session.call is not None else session.last_call
    until = s.COUNTDOWN_S if by_itself else s.RINGING_S
    rings, timer = enter(session, "ringing", now, until, call=call, last_call=last, reason=None, fault=None)
    return before((*timer, Say(call_id, Alerting(session.devices))), prepare(rings, now))


def _rings_there(session: Session, message: Ringing, now: Moment) -> Step:
    call = running(session)
    if call.generation:
        return stay(session)
    told = replace(call, name=message.clinic, ice_servers=message.ice_servers, relay_only=message.relay_only)
    waiting, timer = enter(session, "calling", now, patience_s(session), call=told)
    return before(timer, prepare(replace(waiting, since=session.since), now))


def _refused(session: Session, message: Refused, now: Moment) -> Step:
    return elsewhere(session, now, _REFUSED.get(message.code, "refused"), heard=True)


def _turned_away(session: Session, message: Hangup, now: Moment) -> Step:
    return elsewhere(session, now, message.reason, heard=True)


def _hung_up(session: Session, message: Hangup, now: Moment) -> Step:
    return end(session, now, message.reason, say=False, bye=False)


def _answered(session: Session, message: Answer, now: Moment) -> Step:
    call = running(session)
    if _late(call, message.generation):
        return stay(session)
    if message.generation != call.generation or not call.offered or call.answered:
        return stay(session, Refuse(call.id, "unexpected"))
    waiting_since = now.mono if session.state == "calling" else call.waiting_since
    call = replace(
        call, answered=True, name=message.name or call.name, role=message.role or call.role, waiting_since=waiting_since
    )
    effects = (ApplyAnswer(message.generation, message.sdp), *gate(call))
    if session.state == "calling":
        return then(enter(session, "connecting", now, s.CONNECTING_S, call=call), *effects)
    return replace(session, call=call), effects


def _candidate(session: Session, message: Candidate, _now: Moment) -> Step:
    call = running(session)
    if _late(call, message.generation):
        return stay(session)
    if message.generation != call.generation or not call.answered:
        return stay(session, Refuse(call.id, "unexpected"))
    if call.candidates >= MAX_CANDIDATES:
        return stay(session, Refuse(call.id, "flood"))
    counted = replace(session, call=replace(call, candidates=call.candidates + 1))
    return counted, (AddCandidate(message.generation, message.candidate, message.mid, message.line),)


def _renew(session: Session, message: Renew, now: Moment) -> Step:
    call = running(session)
    if not (call.offered or call.dropped):
        # The offer asked for is being made; before the region has said that it rings, none is due.
        return stay(session) if call.generation else stay(session, Refuse(call.id, "unexpected"))
    if message.ice_servers:
        session = replace(session, call=replace(call, ice_servers=message.ice_servers))
    if call.carrier:
        return resuming.renew(session, now)
    preparing, effects = prepare(session, now)
    if preparing.state != "connecting":
        return preparing, effects
    return then(enter(preparing, "connecting", now, s.CONNECTING_S), *effects)


def _late(call: Call, generation: int) -> bool:
    """A word about a connection that is no longer wanted; it was on its way when that was decided."""
    return generation < call.generation or (call.dropped and generation == call.generation)


_Handler = Callable[[Session, Any, Moment], Step]
_TABLE: dict[CallState, dict[type, _Handler]] = {
    "calling": {Ringing: _rings_there, Refused: _refused, Answer: _answered, Renew: _renew, Hangup: _turned_away},
    "ringing": {Answer: _answered, Candidate: _candidate, Renew: _renew, Hangup: _hung_up},
    "connecting": {Answer: _answered, Candidate: _candidate, Renew: _renew, Hangup: _hung_up},
    "in_call": {Answer: _answered, Candidate: _candidate, Renew: _renew, Hangup: _hung_up},
}
