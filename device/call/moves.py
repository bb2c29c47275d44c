"""The few moves that the session's table is made of. Pure: each gives the new session and what is to be done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from device.call import state as s
from device.call.events import (
    CloseMedia,
    ClosePeer,
    Effect,
    GiveUp,
    KeepPeer,
    OpenGate,
    OpenMedia,
    PreparePeer,
    Say,
    StartTimer,
    StopTimer,
)
from device.call.state import Call, Moment, Session
from messaging.call import Connected, Devices, EndReason, FromStation, Hangup, Media
from messaging.local import CallState, FaultReason

Step = tuple[Session, tuple[Effect, ...]]

_MOST_GENERATIONS = 1000
_LONGEST_MS = 3.6e6


def stay(session: Session, *effects: Effect) -> Step:
    """No other state, no other timer."""
    return session, effects


def enter(session: Session, state: CallState, now: Moment, timeout: float | None, **changes: Any) -> Step:
    """Go to a state; after `timeout` seconds TimerFired comes, with None the state waits for a condition."""
    moved = replace(session, state=state, since=now.wall, timer=0, **changes)
    if timeout is None:
        return moved, (StopTimer("state"),)
    token = session.tokens + 1
    return replace(moved, tokens=token, timer=token), (StartTimer("state", timeout, token),)


def then(first: Step, *effects: Effect) -> Step:
    """The same move, and more to be done after it."""
    return first[0], (*first[1], *effects)


def before(effects: tuple[Effect, ...], move: Step) -> Step:
    """The same move, and something else to be done first."""
    return move[0], (*effects, *move[1])


def running(session: Session) -> Call:
    """The call of a state that has one."""
    if session.call is None:
        raise AssertionError(f"no call in {session.state}")
    return session.call


def home_of(session: Session) -> tuple[CallState, FaultReason | None]:
    """Where the station rests: what it lacks first, then what it waits for."""
    if not session.enrolled:
        return "fault", "not_enrolled"
    if session.locked:
        return "fault", "locked"
    if session.media_open or not s.usable(session.devices):  # given up, they are of no use before the process ends
        return "fault", "no_devices"
    if not session.link:
        return "offline", None
    if not session.clinic:
        return "fault", "no_clinic"
    return "idle", None


def go_home(session: Session, now: Moment) -> Step:
    """Rest, with nothing left of the last call."""
    state, fault = home_of(session)
    last = session.call.id if session.call is not None else session.last_call
    moved = enter(session, state, now, None, fault=fault, call=None, last_call=last, reason=None, resuming=False)
    return then(moved, GiveUp()) if session.media_open else moved


def settle(session: Session, now: Moment) -> Step:
    """While resting, rest in the right place."""
    if session.state not in s.HOME or (session.state, session.fault) == home_of(session):
        return stay(session)
    return go_home(session, now)


def end(session: Session, now: Moment, reason: EndReason, *, say: bool = True, bye: bool = True) -> Step:
    """End the call: tell the other side if it does not know, and close everything before showing how it ended."""
    call = running(session)
    effects: list[Effect] = [StopTimer("link")]
    if say:
        effects.append(Say(call.id, Hangup(reason)))
    if call.generation:
        effects.append(ClosePeer(bye))
    if session.media_open:
        effects.append(CloseMedia())
    if session.renew_timer:
        effects.append(StopTimer("renew"))
    ended = replace(session, link_timer=0, renew_timer=0, reason=reason, resuming=False)
    if session.media_open:
        return then(enter(ended, "ending", now, s.ENDING_S), *effects)
    return then(enter(ended, "feedback", now, s.FEEDBACK_S), *effects)


def open_media(session: Session) -> Step:
    """Camera, microphone and speaker on: only ever after a press, or a countdown that was agreed to."""
    return replace(session, media_open=True), (OpenMedia(),)


def say(session: Session, message: FromStation) -> Effect:
    """Say something about the running call."""
    return Say(running(session).id, message)


def show_which(session: Session, seconds: float) -> Step:
    """Show which station this is, unless somebody has it in use; asked for once more, it begins anew."""
    if session.state not in s.HOME:
        return stay(session)
    token = session.tokens + 1
    shown = replace(session, tokens=token, identify_timer=token, identified=session.identified + 1)
    return stay(shown, StartTimer("identify", seconds, token))


def show_no_more(session: Session) -> Step:
    """There is something better to show, or it was long enough."""
    return stay(replace(session, identify_timer=0), StopTimer("identify"))


def new_devices(session: Session, devices: Devices) -> Step:
    """The devices are these now; a clinician in the call is told of a change."""
    if devices == session.devices:
        return stay(session)
    changed = replace(session, devices=devices)
    return stay(changed, say(changed, Media(devices))) if changed.running_call else stay(changed)


def prepare(session: Session, now: Moment) -> Step:
    """A new generation, in the state we are in: beside the one that carries the call, or in place of what was."""
    call = running(session)
    if call.generation >= _MOST_GENERATIONS:
        return end(session, now, "error")
    fresh = replace(
        call, generation=call.generation + 1, offered=False, answered=False, connected=False, candidates=0,
        dropped=False, prepared_at=now.mono,
    )  # fmt: skip
    if not call.carrier:
        fresh = replace(fresh, peer_camera=True, peer_microphone=True, waiting_since=now.mono)
    made = PreparePeer(fresh.generation, fresh.ice_servers, fresh.relay_only, beside=bool(call.carrier))
    return replace(session, call=fresh), (made,)


def meet(session: Session, now: Moment, generation: int) -> Step:
    """Media flows on this generation, and both sides have agreed to it."""
    call = running(session)
    after_ms = min(max(0.0, (now.mono - call.waiting_since) * 1000), _LONGEST_MS)
    met = replace(
        call, connected=True, carrier=generation, lost_since=None, connected_since=call.connected_since or now.wall
    )
    moved = enter(replace(session, renew_timer=0), "in_call", now, None, call=met, resuming=False)
    stopped = (StopTimer("renew"),) if session.renew_timer else ()
    return then(moved, *stopped, KeepPeer(generation), Say(call.id, Connected(generation, round(after_ms, 1))))


def gate(call: Call) -> tuple[Effect, ...]:
    """The gate opens once a generation has been answered by the clinician and agreed to by the resident."""
    return (OpenGate(),) if call.accepted and call.answered and not call.carrier else ()
