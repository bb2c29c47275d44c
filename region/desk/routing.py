"""What follows from what, in one call: `step(room, event, now) -> (room, effects)`. No I/O.

| state | who is being waited for | leaves by |
|---|---|---|
| waiting | a clinician | claimed → connecting; hang-up, 195 s, station gone → ended |
| inviting | the station, to say that it rings | alerting → alerting; 6 s → ended |
| alerting | the resident | accept → connecting; hang-up, 55 s, station gone → ended |
| connecting | the media | connected → in_call; hang-up, 30 s → ended |
| in_call | nobody | lost, rejoined → resuming; hang-up → ended |
| resuming | the media again | connected → in_call; hang-up, 45 s → ended |
| ended | nobody | never |

A broker that is away ends no call that has media. A page that is away ends a call only before there was media, or when
the station has been silent for a quarter of an hour too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from messaging.call import (
    MAX_CANDIDATES,
    Accept,
    Alerting,
    Answer,
    Connected,
    Devices,
    EndReason,
    Hangup,
    Lost,
    Media,
    Offer,
    Rejected,
    Renew,
    Request,
    Status,
)
from region.desk.room import (
    DESERTED,
    LIMITS,
    PAGE_GRACE,
    RENEW_INTERVAL,
    TIMED_OUT,
    Answered,
    Claimed,
    Count,
    Effect,
    Event,
    Heard,
    Left,
    LinkUp,
    PageBack,
    PageGone,
    PassOffer,
    Refuse,
    Rejoined,
    Room,
    RoomState,
    Say,
    Show,
    StationBack,
    StationGone,
    Superseded,
    Tick,
    Trickled,
)

Step = tuple[Room, tuple[Effect, ...]]


def requested(call: str, station: str, clinic: int, devices: Devices, now: float) -> Room:
    """The room of a resident who has pressed."""
    return Room(call, station, clinic, "waiting", False, devices, heard=now, deadline=now + LIMITS["waiting"])


def invited(call: str, station: str, clinic: int, clinician: int, page: str, now: float) -> Room:
    """The room of a clinician who calls a station."""
    return Room(
        call, station, clinic, "inviting", True, clinician=clinician, page=page, heard=now,
        deadline=now + LIMITS["inviting"],
    )  # fmt: skip


def restored(room: Room, now: float) -> Room:
    """A room as the registry has it, after the region itself was restarted: its page has yet to come back."""
    answered = room.generation if room.state == "in_call" else 0
    return room.to(room.state, now, away=None if room.clinician is None else now, heard=now, answered=answered)


def step(room: Room, event: Event, now: float) -> Step:
    """Decide. An ended room takes nothing and says nothing, save that it is over."""
    if room.state == "ended":
        return _after_the_end(room, event)
    return _RULES[type(event)](room, event, now)


def _end(room: Room, reason: EndReason, *, tell_station: bool) -> Step:
    said: tuple[Effect, ...] = (Say(Hangup(reason)),) if tell_station else ()
    return room.ended(reason), (*said, Show())


def _after_the_end(room: Room, event: Event) -> Step:
    if isinstance(event, Heard) and not isinstance(event.message, Hangup | Rejected):
        return room, (Say(Hangup(room.reason or "closed")), Count("ended_call"))
    if isinstance(event, Claimed | Answered | Trickled | Rejoined):
        return room, (Refuse("not_now"),)
    return room, ()


def _renew(room: Room, now: float) -> Step:
    """Ask the station for a new offer, but not in every breath."""
    if room.renewed is not None and now - room.renewed < RENEW_INTERVAL:
        return room, ()
    return replace(room, renewed=now), (Say(Renew()),)


def _resume(room: Room, now: float) -> Step:
    """The media has to be found again. A call that never had any keeps its state and its time limit."""
    if room.state == "in_call":
        room = room.to("resuming", now)
    room, effects = _renew(room, now)
    return room, (*effects, Show())


# What the station says


def _heard(room: Room, event: Heard, now: float) -> Step:
    room = replace(room, heard=now)
    message = event.message
    rule = _FROM_STATION[type(message)]
    if room.state not in rule[0]:
        return _unexpected(room)
    return rule[1](room, message, now)


def _unexpected(room: Room) -> Step:
    return room, (Say(Rejected("unexpected")), Count("unexpected"))


def _alerting(room: Room, message: Alerting, now: float) -> Step:
    return room.to("alerting", now, devices=message.devices), (Show(),)


def _accept(room: Room, _: Accept, now: float) -> Step:
    return room.to("connecting", now), (Show(),)


def _offer(room: Room, message: Offer, _: float) -> Step:
    if message.generation <= room.generation:
        return room, (Say(Rejected("stale")), Count("stale"))
    room = replace(room, offer=message, candidates=0, renewed=None)
    if room.page is None or room.away is not None:
        return room, ()  # kept until somebody is there for it
    return room, (PassOffer(room.page, message),)


def _connected(room: Room, message: Connected, now: float) -> Step:
    if message.generation != room.generation and room.offer is not None:
        return room, (Count("stale"),)
    return room.to("in_call", now), (Show(),)


def _lost(room: Room, message: Lost, now: float) -> Step:
    if room.offer is not None and message.generation != room.generation:
        return room, (Count("stale"),)
    if room.away is None:
        return _resume(room, now)
    return room.to("resuming", now), (Show(),)


def _media(room: Room, message: Media, _: float) -> Step:
    return replace(room, devices=message.devices), (Show(),)


def _status(room: Room, message: Status, now: float) -> Step:
    """Where the station stands; what it said while the link was down may never have arrived."""
    room = replace(room, devices=message.devices)
    if message.state == "in_call":
        if room.clinician is None:
            return _end(room, "error", tell_station=True)
        return room.to("in_call", now), (Show(),)
    if room.state == "inviting" and message.state == "ringing":
        return room.to("alerting", now), (Show(),)
    if room.state == "alerting" and message.state == "connecting":
        return room.to("connecting", now), (Show(),)
    if room.state == "in_call" and message.state == "connecting":
        return _resume(room, now)
    if room.generation < message.generation or (room.clinician and message.state != "ringing"):
        room, effects = _renew(room, now)  # an offer or an answer was lost on the way
        return room, (*effects, Show())
    return room, (Show(),)


def _station_hung_up(room: Room, message: Hangup, _: float) -> Step:
    return _end(room, message.reason, tell_station=False)


def _station_rejected(room: Room, message: Rejected, _: float) -> Step:
    if message.code == "foreign_call":  # it knows nothing of this call: a new run of the process
        return _end(room, "station_restarted", tell_station=False)
    return room, (Count("rejected_by_station"),)


_ALL: tuple[RoomState, ...] = ("waiting", "inviting", "alerting", "connecting", "in_call", "resuming")
_WITH_MEDIA: tuple[RoomState, ...] = ("connecting", "in_call", "resuming")
_FROM_STATION: dict[type, tuple[tuple[RoomState, ...], Callable[[Room, Any, float], Step]]] = {
    Request: ((), _alerting),  # a second request in the same call is never expected
    Alerting: (("inviting",), _alerting),
    Accept: (("inviting", "alerting"), _accept),
    Offer: (_ALL, _offer),
    Connected: (_WITH_MEDIA, _connected),
    Lost: (("in_call", "resuming"), _lost),
    Media: (_ALL, _media),
    Status: (_ALL, _status),
    Hangup: (_ALL, _station_hung_up),
    Rejected: (_ALL, _station_rejected),
}


# What the clinician does


def _claimed(room: Room, event: Claimed, now: float) -> Step:
    if room.state != "waiting":
        return room, (Refuse("not_now"),)
    room = room.to("connecting", now, clinician=event.clinician, page=event.page, away=None)
    if room.offer is not None:
        return room, (PassOffer(event.page, room.offer), Show())
    return room, (Show(),)


def _answered(room: Room, event: Answered, _: float) -> Step:
    if event.page != room.page:
        return room, (Refuse("not_yours"),)
    if event.generation != room.generation or event.generation <= room.answered:
        return room, (Refuse("stale"), Count("stale"))
    room = replace(room, answered=event.generation, candidates=0)
    return room, (Say(Answer(event.generation, event.sdp, event.name, event.role)),)


def _trickled(room: Room, event: Trickled, _: float) -> Step:
    if event.page != room.page:
        return room, (Refuse("not_yours"),)
    if any(c.generation != room.answered for c in event.candidates):
        return room, (Refuse("stale"), Count("stale"))
    if room.candidates + len(event.candidates) > MAX_CANDIDATES:
        return room, (Refuse("flood"), Count("flood"))
    room = replace(room, candidates=room.candidates + len(event.candidates))
    return room, tuple(Say(candidate) for candidate in event.candidates)


def _rejoined(room: Room, event: Rejoined, now: float) -> Step:
    room = replace(room, page=event.page, away=None)
    if room.offer is None:
        return room, (Show(),)
    if room.offer.generation > room.answered:
        return room, (PassOffer(event.page, room.offer), Show())
    return _resume(room, now)


def _left(room: Room, event: Left, _: float) -> Step:
    reason = "cancelled" if room.ringing and event.reason == "clinician_left" else event.reason
    return _end(room, reason, tell_station=True)


def _page_gone(room: Room, event: PageGone, now: float) -> Step:
    if event.page != room.page or room.away is not None:
        return room, ()
    return replace(room, away=now), ()


def _page_back(room: Room, event: PageBack, _: float) -> Step:
    if room.page not in (None, event.page):
        return room, ()
    room = replace(room, page=event.page, away=None)
    if room.offer is not None and room.offer.generation > room.answered:
        return room, (PassOffer(event.page, room.offer), Show())
    return room, (Show(),)


# What happens besides


def _station_gone(room: Room, _: StationGone, __: float) -> Step:
    if room.ringing:
        return _end(room, "station_offline", tell_station=False)
    return room, ()


def _station_back(room: Room, event: StationBack, _: float) -> Step:
    if event.call == room.call:
        return room, ()
    if room.state == "inviting" and event.same_run:
        return room, ()  # the invitation and this crossed on the way
    return _end(room, "link_down" if event.same_run else "station_restarted", tell_station=False)


def _superseded(room: Room, _: Superseded, __: float) -> Step:
    return _end(room, "replaced", tell_station=False)


def _link_up(room: Room, _: LinkUp, now: float) -> Step:
    # Only where no media flows: a new offer would disturb a call that goes on.
    if room.offer is None and room.state in ("waiting", "alerting", "connecting"):
        return _renew(room, now)
    return room, ()


def _tick(room: Room, _: Tick, now: float) -> Step:
    if room.deadline is not None and now >= room.deadline:
        return _end(room, TIMED_OUT[room.state], tell_station=True)
    if room.away is None:
        return room, ()
    if room.state in ("inviting", "alerting", "connecting") and now - room.away >= PAGE_GRACE:
        return _end(room, "clinician_left", tell_station=True)
    if now - max(room.away, room.heard) >= DESERTED:
        return _end(room, "media_lost", tell_station=True)
    return room, ()


_RULES: dict[type, Callable[[Room, Any, float], Step]] = {
    Heard: _heard,
    Claimed: _claimed,
    Answered: _answered,
    Trickled: _trickled,
    Rejoined: _rejoined,
    Left: _left,
    PageGone: _page_gone,
    PageBack: _page_back,
    StationGone: _station_gone,
    StationBack: _station_back,
    Superseded: _superseded,
    LinkUp: _link_up,
    Tick: _tick,
}
