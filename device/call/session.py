"""One call as a pure table: `step(session, event, now) -> (session, effects)`. docs/architecture.md draws it.

Every state accepts the button, and leaves by itself after a time or when what it waits for has come. Media is opened
by a press, and by nothing else but a countdown that the resident has agreed to (`answering`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, assert_never

from device.call import answering, falling_back, resuming
from device.call import state as s
from device.call.events import (
    AddressCame,
    AddressGone,
    Configured,
    DevicesChanged,
    Event,
    Heard,
    LinkDown,
    LinkUp,
    MediaClosed,
    MediaOpened,
    Offered,
    PeerBack,
    PeerBye,
    PeerConnected,
    PeerEvent,
    PeerFailed,
    PeerLost,
    PeerMedia,
    Pressed,
    Recheck,
    Refuse,
    Say,
    SoundTestBegins,
    SoundTestOver,
    StartTimer,
    StopTimer,
    TimerFired,
    Unusable,
    Which,
)
from device.call.hearing import hear, take_next
from device.call.moves import (
    Step,
    before,
    end,
    enter,
    go_home,
    home_of,
    meet,
    new_devices,
    prepare,
    running,
    settle,
    show_no_more,
    show_which,
    stay,
)
from device.call.state import Moment, Session
from messaging.call import Devices, Offer, Status
from messaging.local import CallState


def begin(devices: Devices, now: Moment, *, enrolled: bool, clinic: bool, locked: bool = False) -> Session:
    """The session of a process that has just started: no call, no link yet."""
    session = Session("offline", now.wall, devices, enrolled, clinic, locked)
    state, fault = home_of(session)
    return replace(session, state=state, fault=fault)


def step(session: Session, event: Event, now: Moment) -> Step:
    """The only door. Any event may come in any state; one that means nothing there changes nothing."""
    moved, effects = _step(session, event, now)
    if moved.next_call is not None:
        moved, effects = before(effects, take_next(moved, now))
    if moved.identifying and (moved.state not in s.HOME or isinstance(event, Pressed)):
        return before(effects, show_no_more(moved))
    return moved, effects


def _step(session: Session, event: Event, now: Moment) -> Step:
    match event:
        case Pressed():
            pressed = replace(session, presses=session.presses + 1)
            return _ON_PRESS[session.state](pressed, event, now)
        case Heard():
            return hear(session, event, now)
        case TimerFired():
            return _timer(session, event, now)
        case Offered() | Unusable():
            return _of_this_generation(session, event, now)
        case PeerConnected() | PeerLost() | PeerBack() | PeerFailed() | PeerMedia() | PeerBye():
            return _of_this_generation(session, event, now)
        case MediaOpened() | DevicesChanged():
            return _devices(session, event, now)
        case MediaClosed():
            return _media_closed(session, now)
        case SoundTestBegins():
            return _begin_test(session)
        case SoundTestOver():
            return stay(replace(session, testing=False))
        case LinkUp():
            return _link_up(replace(session, link=True), now)
        case LinkDown():
            # Every failed try to reconnect says so again: only the first one means anything.
            return _link_down(replace(session, link=False), now) if session.link else stay(session)
        case AddressGone():
            return resuming.address_gone(session, now)
        case AddressCame():
            return resuming.address_came(session, now)
        case Configured():
            return _steady(replace(session, **vars(event)), now)
        case Which(seconds):
            return show_which(session, seconds)
        case _:
            assert_never(event)


# The button.


def _cancel(session: Session, _press: Pressed, now: Moment) -> Step:
    return end(session, now, "cancelled")


def _leave(session: Session, _press: Pressed, now: Moment) -> Step:
    return end(session, now, "resident_left")


def _already_ending(session: Session, _press: Pressed, _now: Moment) -> Step:
    return stay(session)


def _done_reading(session: Session, _press: Pressed, now: Moment) -> Step:
    # Devices that are still closing are given their time: going home now would be giving them up.
    return stay(session) if session.media_open else go_home(session, now)


def _cannot(session: Session, _press: Pressed, _now: Moment) -> Step:
    return stay(replace(session, presses_refused=session.presses_refused + 1), Recheck())


_ON_PRESS: dict[CallState, Callable[[Session, Pressed, Moment], Step]] = {
    "idle": falling_back.call,
    "calling": _cancel,
    "ringing": answering.press,
    "connecting": _leave,
    "in_call": _leave,
    "ending": _already_ending,
    "feedback": _done_reading,
    "fault": _cannot,
    "offline": _cannot,
}


# Time.


def _timer(session: Session, fired: TimerFired, now: Moment) -> Step:
    if fired.token == session.link_timer != 0 and session.state in ("calling", "ringing"):
        return end(replace(session, link_timer=0), now, "link_down")
    if fired.token == session.renew_timer != 0 and session.state in ("connecting", "in_call"):
        return resuming.look_again(replace(session, renew_timer=0), now)
    if fired.token == session.identify_timer != 0:
        return show_no_more(session)
    if fired.token != session.timer or session.timer == 0:
        return stay(session)
    return _ON_TIMEOUT[session.state](session, now)


def _nobody_came(session: Session, now: Moment) -> Step:
    # Without a word from the region within seconds, it is not there; with one, the clinic did not answer.
    if running(session).generation:
        return falling_back.elsewhere(session, now, "no_answer", heard=False)
    return end(session, now, "link_down")


def _not_connected(session: Session, now: Moment) -> Step:
    return end(session, now, "media_lost" if session.resuming else "connection_failed")


def _show_how_it_ended(session: Session, now: Moment) -> Step:
    return enter(session, "feedback", now, s.FEEDBACK_S)


_ON_TIMEOUT: dict[CallState, Callable[[Session, Moment], Step]] = {
    "calling": _nobody_came,
    "ringing": answering.rang_out,
    "connecting": _not_connected,
    "ending": _show_how_it_ended,
    "feedback": go_home,
}


# The peer connection.


def _of_this_generation(session: Session, event: PeerEvent | Offered | Unusable, now: Moment) -> Step:
    call = session.call
    if call is None or session.state not in s.RUNNING:
        return stay(session)
    if event.generation == call.carrier != 0:
        table = _ON_CARRIER
    elif event.generation == call.generation and not call.dropped:
        table = _ON_BESIDE if call.carrier else _ON_PEER
    else:
        return stay(session)
    handler = table.get(type(event))
    return handler(session, event, now) if handler else stay(session)


def _offered(session: Session, event: Offered, _now: Moment) -> Step:
    call = running(session)
    offered = replace(session, call=replace(call, offered=True))
    return stay(offered, Say(call.id, Offer(event.generation, event.sdp)))


def _unusable(session: Session, _event: Unusable, _now: Moment) -> Step:
    # The offer stands: a proper answer may still come, until the state's time is up.
    call = running(session)
    return stay(replace(session, call=replace(call, answered=False)), Refuse(call.id, "malformed"))


def _connected(session: Session, event: PeerConnected | PeerBack, now: Moment) -> Step:
    if session.state == "connecting":
        return meet(session, now, event.generation)
    return stay(replace(session, call=replace(running(session), connected=True)))


def _lost(session: Session, _event: PeerEvent, now: Moment) -> Step:
    if session.state == "ringing":
        return _offer_anew(session, now)
    call = replace(running(session), connected=False, waiting_since=now.mono)
    return stay(replace(session, call=call))


def _failed(session: Session, _event: PeerFailed, now: Moment) -> Step:
    if not running(session).answered:
        return end(session, now, "connection_failed")
    return _offer_anew(session, now)


def _offer_anew(session: Session, now: Moment) -> Step:
    # The page may have been reloaded just now: a new offer waits for it, for as long as this state lasts.
    waiting_since = running(session).waiting_since
    retrying, effects = prepare(session, now)
    return replace(retrying, call=replace(running(retrying), waiting_since=waiting_since)), effects


def _peer_media(session: Session, event: PeerMedia, _now: Moment) -> Step:
    call = replace(running(session), peer_camera=event.camera, peer_microphone=event.microphone)
    return stay(replace(session, call=call))


def _bye(session: Session, _event: PeerBye, now: Moment) -> Step:
    return end(session, now, "clinician_left", bye=False)


_Table = dict[type, Callable[[Session, Any, Moment], Step]]
_ON_PEER: _Table = {  # until the two have met
    Offered: _offered,
    Unusable: _unusable,
    PeerConnected: _connected,
    PeerBack: _connected,
    PeerLost: _lost,
    PeerFailed: _failed,
    PeerMedia: _peer_media,
    PeerBye: _bye,
}
_ON_CARRIER: _Table = {  # the connection that carries the call
    PeerBack: resuming.find,
    PeerLost: resuming.lose,
    PeerFailed: resuming.lose,
    PeerMedia: _peer_media,
    PeerBye: _bye,
}
_ON_BESIDE: _Table = {  # a newer one, made while that one stands
    Offered: _offered,
    Unusable: _unusable,
    PeerConnected: resuming.switch,
    PeerFailed: resuming.fail,
    PeerMedia: _peer_media,
    PeerBye: _bye,
}


# Devices, the link and what the station is.


def _devices(session: Session, event: MediaOpened | DevicesChanged, now: Moment) -> Step:
    changed, effects = new_devices(session, event.devices)
    if isinstance(event, MediaOpened) and changed.running_call and not s.usable(event.devices):
        return before(effects, end(changed, now, "error"))
    return before(effects, _steady(changed, now))


def _steady(session: Session, now: Moment) -> Step:
    return answering.steady(session, now) if session.state == "ringing" else settle(session, now)


def _begin_test(session: Session) -> Step:
    # In a call the microphone is the call's.
    return stay(replace(session, testing=session.testing or (session.state in s.HOME and not session.media_open)))


def _media_closed(session: Session, now: Moment) -> Step:
    if session.running_call is not None:
        return stay(session)  # an older closing; this call's devices are open
    closed = replace(session, media_open=False)
    return _show_how_it_ended(closed, now) if session.state == "ending" else stay(closed)


def _link_up(session: Session, now: Moment) -> Step:
    call = session.call
    if call is None or session.running_call is None:
        return settle(session, now)
    back = replace(session, link_timer=0)
    state: Any = session.state  # one of RUNNING, which are the states that Status can name
    told = (StopTimer("link"), Say(call.id, Status(state, call.generation, session.devices)))
    return before(told, resuming.seek(back, now)) if session.resuming else stay(back, *told)


def _link_down(session: Session, now: Moment) -> Step:
    if session.state not in ("calling", "ringing"):
        return settle(session, now)  # once connected, a call needs no broker
    token = session.tokens + 1
    graced = replace(session, tokens=token, link_timer=token)
    return stay(graced, StartTimer("link", s.LINK_GRACE_S, token))
