"""The few moves that the desk's table is made of. Pure."""

from __future__ import annotations

from dataclasses import replace

from messaging.call import EndReason, Hangup, Renew
from region.desk.room import RENEW_INTERVAL, Effect, Room, Say, Show

Step = tuple[Room, tuple[Effect, ...]]


def end(room: Room, reason: EndReason, *, tell_station: bool) -> Step:
    """The call is over."""
    said: tuple[Effect, ...] = (Say(Hangup(reason)),) if tell_station else ()
    return room.ended(reason), (*said, Show())


def renew(room: Room, now: float) -> Step:
    """Ask the station for a new offer, but not in every breath."""
    if room.renewed is not None and now - room.renewed < RENEW_INTERVAL:
        return room, ()
    return replace(room, renewed=now), (Say(Renew()),)


def resume(room: Room, now: float) -> Step:
    """The media has to be found again. A call that never had any keeps its state and its time limit."""
    if room.state == "in_call":
        room = room.to("resuming", now)
    room, effects = renew(room, now)
    return room, (*effects, Show())
