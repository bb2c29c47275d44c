"""What follows from what, in one call: `step(room, event, now) -> (room, effects)`. No I/O.

| state | who is being waited for | leaves by |
|---|---|---|
| waiting | a clinician | claimed → connecting; hang-up, 195 s, station gone → ended |
| inviting | the station, to say that it rings | alerting → alerting; 6 s → ended |
| alerting | the resident | accept → connecting; hang-up, 55 s, station gone → ended |
| connecting | the media | connected → in_call; hang-up, 30 s → ended |
| in_call | nobody | lost, rejoined → resuming; hang-up → ended |
| resuming | the media again | connected → in_call; hang-up, 10 min → ended |
| ended | nobody | never |

A broker that is away ends no call that has media. A page that is away ends a call only before there was media, or when
the station has been silent for a quarter of an hour too. Whoever has been signed out is out of the call as well: the
resident is not left with a picture that stands still, nor looked at by somebody whom nobody vouches for any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from messaging.call import MAX_CANDIDATES, Answer, Devices, EndReason, Hangup, Rejected
from region.desk.hearing import hear
from region.desk.moves import Step, end, renew, resume
from region.desk.room import (
    DESERTED,
    LIMITS,
    PAGE_GRACE,
    SIGNED_OUT,
    TIMED_OUT,
    UNSEEN,
    Answered,
    Claimed,
    Count,
    Event,
    Heard,
    Left,
    LinkUp,
    PageBack,
    PageGone,
    PageSeen,
    PassOffer,
    Refuse,
    Rejoined,
    Room,
    Say,
    Show,
    ShutOut,
    SignedOut,
    StationBack,
    StationGone,
    Superseded,
    Tick,
    Trickled,
)


def requested(call: str, station: str, clinic: int, devices: Devices, now: float) -> Room:
    """The room of a resident who has pressed."""
    return Room(call, station, clinic, "waiting", False, devices, heard=now, deadline=now + LIMITS["waiting"])


def invited(call: str, station: str, clinic: int, clinician: int, page: str, now: float) -> Room:
    """The room of a clinician who calls a station."""
    return Room(
        call, station, clinic, "inviting", True, clinician=clinician, page=page, seen=now, heard=now,
        deadline=now + LIMITS["inviting"],
    )  # fmt: skip


def restored(room: Room, now: float) -> Room:
    """A room of which only the registry's own columns are known: its page has yet to come back."""
    answered = room.generation if room.state == "in_call" else 0
    return room.to(room.state, now, away=None if room.clinician is None else now, heard=now, answered=answered)


def step(room: Room, event: Event, now: float) -> Step:
    """Decide. An ended room takes nothing and says nothing, save that it is over."""
    if room.state == "ended":
        return _after_the_end(room, event)
    return _RULES[type(event)](room, event, now)


def _after_the_end(room: Room, event: Event) -> Step:
    if isinstance(event, Heard) and not isinstance(event.message, Hangup | Rejected):
        return room, (Say(Hangup(room.reason or "closed")), Count("ended_call"))
    if isinstance(event, Claimed | Answered | Trickled | Rejoined):
        return room, (Refuse("not_now"),)
    return room, ()


def _heard(room: Room, event: Heard, now: float) -> Step:
    return hear(replace(room, heard=now), event.message, now)


# What the clinician does


def _claimed(room: Room, event: Claimed, now: float) -> Step:
    if room.state != "waiting":
        return room, (Refuse("not_now"),)
    room = room.to("connecting", now, clinician=event.clinician, page=event.page, seen=now, away=None, signed_out=None)
    if room.offer is not None:
        return room, (PassOffer(event.page, room.offer), Show())
    return room, (Show(),)


def _answered(room: Room, event: Answered, _: float) -> Step:
    if event.page != room.page:
        return room, (Refuse("not_yours"),)
    if event.generation != room.generation or event.generation <= room.answered:
        return room, (Count("stale"),)  # overtaken by a newer offer, which is on its way to the page: no fault of its
    room = replace(room, answered=event.generation, candidates=0)
    return room, (Say(Answer(event.generation, event.sdp, event.name, event.role)),)


def _trickled(room: Room, event: Trickled, _: float) -> Step:
    if event.page != room.page:
        return room, (Refuse("not_yours"),)
    if any(c.generation != room.answered for c in event.candidates):
        return room, (Count("stale"),)
    if room.candidates + len(event.candidates) > MAX_CANDIDATES:
        return room, (Refuse("flood"), Count("flood"))
    room = replace(room, candidates=room.candidates + len(event.candidates))
    return room, tuple(Say(candidate) for candidate in event.candidates)


def _rejoined(room: Room, event: Rejoined, now: float) -> Step:
    room = replace(room, page=event.page, seen=now, away=None, signed_out=None)
    if room.offer is None:
        return room, (Show(),)
    if room.offer.generation > room.answered:
        return room, (PassOffer(event.page, room.offer), Show())
    return resume(room, now)


def _left(room: Room, event: Left, _: float) -> Step:
    reason = "cancelled" if room.ringing and event.reason == "clinician_left" else event.reason
    return end(room, reason, tell_station=True)


def _page_gone(room: Room, event: PageGone, now: float) -> Step:
    if event.page != room.page or room.away is not None:
        return room, ()
    return replace(room, away=now), ()


def _signed_out(room: Room, event: SignedOut, _: float) -> Step:
    if event.page != room.page or room.clinician is None or room.signed_out is not None or room.seen > event.at:
        return room, ()  # the last: it was signed in again before we came to this
    return replace(room, away=event.at if room.away is None else room.away, signed_out=event.at), ()


def _page_seen(room: Room, event: PageSeen, now: float) -> Step:
    if event.page != room.page:
        return room, ()
    return _page_back(room, PageBack(event.page), now) if room.away is not None else (replace(room, seen=now), ())


def _page_back(room: Room, event: PageBack, now: float) -> Step:
    if room.page not in (None, event.page):
        return room, ()
    room = replace(room, page=event.page, seen=now, away=None, signed_out=None)
    if room.offer is not None and room.offer.generation > room.answered:
        return room, (PassOffer(event.page, room.offer), Show())
    return room, (Show(),)


# What happens besides


def _station_gone(room: Room, _: StationGone, __: float) -> Step:
    if room.ringing:
        return end(room, "station_offline", tell_station=False)
    return room, ()


def _station_back(room: Room, event: StationBack, _: float) -> Step:
    if event.call == room.call:
        return room, ()
    if room.state == "inviting" and event.same_run:
        return room, ()  # the invitation and this crossed on the way
    unknown: EndReason = "link_down" if event.same_run else "station_restarted"
    return end(room, event.reason or unknown, tell_station=False)


def _superseded(room: Room, _: Superseded, __: float) -> Step:
    return end(room, "replaced", tell_station=False)


def _shut_out(room: Room, _: ShutOut, __: float) -> Step:
    return end(room, "station_offline", tell_station=True)


def _link_up(room: Room, _: LinkUp, now: float) -> Step:
    # Only where no media flows: a new offer would disturb a call that goes on.
    if room.offer is None and room.state in ("waiting", "alerting", "connecting"):
        return renew(room, now)
    return room, ()


def _tick(room: Room, _: Tick, now: float) -> Step:
    if room.deadline is not None and now >= room.deadline:
        return end(room, TIMED_OUT[room.state], tell_station=True)
    if room.signed_out is not None and now - room.signed_out >= SIGNED_OUT:
        return end(room, "clinician_left", tell_station=True)
    if room.page is not None and room.away is None and now - room.seen >= UNSEEN:
        room = replace(room, away=now)
    if room.away is None:
        return room, ()
    if room.state in ("inviting", "alerting", "connecting") and now - room.away >= PAGE_GRACE:
        return end(room, "clinician_left", tell_station=True)
    if now - max(room.away, room.heard) >= DESERTED:
        return end(room, "media_lost", tell_station=True)
    return room, ()


_RULES: dict[type, Callable[[Room, Any, float], Step]] = {
    Heard: _heard,
    Claimed: _claimed,
    Answered: _answered,
    Trickled: _trickled,
    Rejoined: _rejoined,
    Left: _left,
    PageGone: _page_gone,
    SignedOut: _signed_out,
    PageBack: _page_back,
    PageSeen: _page_seen,
    StationGone: _station_gone,
    StationBack: _station_back,
    Superseded: _superseded,
    ShutOut: _shut_out,
    LinkUp: _link_up,
    Tick: _tick,
}
