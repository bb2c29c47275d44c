"""What the session does about a line that is lost in a call. Pure; a part of `session.step`.

The connection that carries the call is kept and listened to: media that comes on it again by itself is the quickest way
back. Beside it new ones are made, of which the first that connects carries the call from then on.
"""

from __future__ import annotations

from dataclasses import replace

from device.call import state as s
from device.call.events import DropPeer, PeerEvent, PeerFailed, Say, StartTimer
from device.call.moves import Step, before, enter, meet, prepare, running, stay, then
from device.call.state import Call, Moment, Session
from messaging.call import Connected, Lost


def lose(session: Session, _event: PeerEvent, now: Moment) -> Step:
    """The connection that carries the call is silent or broken: say so, and look for it."""
    if session.state != "in_call":
        return stay(session)
    call = running(session)
    missing, timer = _miss(session, now)
    looking = _again(missing, s.RENEW_S) if _under_way(call, now) else seek(missing, now)
    return before((*timer, Say(call.id, Lost(call.carrier))), looking)


def find(session: Session, _event: PeerEvent, now: Moment) -> Step:
    """The connection that carries the call has come alive by itself: nothing newer is needed."""
    if session.state != "connecting":
        return stay(session)
    call = running(session)
    if call.generation == call.carrier or call.dropped:
        return meet(session, now, call.carrier)
    dropped = replace(session, call=replace(call, dropped=True))
    return before((DropPeer(call.generation),), meet(dropped, now, call.carrier))


def switch(session: Session, event: PeerEvent, now: Moment) -> Step:
    """A newer connection has come about: it carries the call."""
    return meet(session, now, event.generation)


def fail(session: Session, event: PeerFailed, _now: Moment) -> Step:
    """A newer connection came to nothing: another one, but not in the same breath."""
    call = running(session)
    failed = replace(session, call=replace(call, dropped=True))
    done = DropPeer(event.generation)
    if session.resuming:
        return then(_again(failed, s.RENEW_APART_S), done)
    return stay(failed, done, Say(call.id, Connected(call.carrier, 0.0)))  # the region may have been waiting for it


def renew(session: Session, now: Moment) -> Step:
    """The clinician's page asks for a new connection: it was reloaded, or does not hear us.

    While we hear it the screen says nothing: if the page is gone, its silence will tell.
    """
    if session.resuming:
        return seek(session, now)
    return seek(replace(session, call=replace(running(session), waiting_since=now.mono)), now)


def address_gone(session: Session, now: Moment) -> Step:
    """The line may be dead, or not concerned: another connection is made beside the one that carries the call."""
    call = session.call
    if call is None or not call.carrier or session.state not in ("connecting", "in_call"):
        return stay(session)
    return renew(session, now)


def address_came(session: Session, now: Moment) -> Step:
    """There may be a line again."""
    return seek(session, now) if session.resuming else stay(session)


def seek(session: Session, now: Moment) -> Step:
    """A new connection, at once or as soon as one may be made. Without the broker nobody could be told of it."""
    if not session.link:
        return stay(session)
    wait = running(session).prepared_at + s.RENEW_APART_S - now.mono
    if wait > 0:
        return _again(session, wait)
    prepared, effects = prepare(session, now)
    if not prepared.resuming:
        return prepared, effects  # one is enough while the call goes on; or they were too many, and it has ended
    return before(effects, _again(prepared, s.RENEW_S))


def look_again(session: Session, now: Moment) -> Step:
    """The line is still lost after a while, or the time for a new connection has come."""
    call = running(session)
    if not (session.link and session.resuming):
        return seek(session, now)
    awaited = not (call.answered or call.dropped or call.generation == call.carrier)
    if awaited and now.mono - call.prepared_at < s.UNANSWERED_S:
        return _again(session, s.RENEW_S)
    return seek(session, now)


def _miss(session: Session, now: Moment) -> Step:
    call = replace(running(session), connected=False, waiting_since=now.mono, lost_since=now.wall)
    return enter(session, "connecting", now, s.RESUMING_S, call=call, resuming=True)


def _under_way(call: Call, now: Moment) -> bool:
    beside = call.generation != call.carrier and not call.dropped
    return beside and now.mono - call.prepared_at < s.RENEW_S


def _again(session: Session, seconds: float) -> Step:
    token = session.tokens + 1
    return replace(session, tokens=token, renew_timer=token), (StartTimer("renew", seconds, token),)
