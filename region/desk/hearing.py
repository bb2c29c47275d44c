"""What follows from what the station says in its call. Pure; a part of `routing.step`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from messaging.call import (
    Accept,
    Alerting,
    Connected,
    FromStation,
    Hangup,
    Lost,
    Media,
    Offer,
    Rejected,
    Request,
    Status,
)
from region.desk.moves import Step, end, renew
from region.desk.room import Count, PassOffer, Room, RoomState, Say, Show


def hear(room: Room, message: FromStation, now: float) -> Step:
    """Take what the station says where it is expected, and refuse it where it is not."""
    states, rule = _FROM_STATION[type(message)]
    if room.state not in states:
        return _unexpected(room)
    return rule(room, message, now)


def _unexpected(room: Room) -> Step:
    return room, (Say(Rejected("unexpected")), Count("unexpected"))


def _alerting(room: Room, message: Alerting, now: float) -> Step:
    return room.to("alerting", now, devices=message.devices), (Show(),)


def _accept(room: Room, message: Accept, now: float) -> Step:
    return room.to("connecting", now, by_itself=message.by_itself), (Show(),)


def _offer(room: Room, message: Offer, _: float) -> Step:
    if message == room.offer and message.generation > room.answered:
        return _pass_offer(room, message)  # delivered again: whoever took it first may have died over it
    if message.generation <= room.generation:
        return room, (Say(Rejected("stale")), Count("stale"))
    return _pass_offer(replace(room, offer=message, candidates=0, renewed=None), message)


def _pass_offer(room: Room, message: Offer) -> Step:
    if room.page is None or room.away is not None:
        return room, ()  # kept until somebody is there for it
    return room, (PassOffer(room.page, message),)


def _connected(room: Room, message: Connected, now: float) -> Step:
    if room.offer is None:
        return room.to("in_call", now), (Show(),)
    if message.generation > room.generation:
        return room, (Count("stale"),)
    # On an older one, when that has come alive by itself: the offer beside it is not wanted any more.
    answered = room.answered if message.generation == room.generation else room.generation
    return room.to("in_call", now, answered=answered), (Show(),)


def _lost(room: Room, message: Lost, now: float) -> Step:
    if room.offer is not None and message.generation > room.generation:
        return room, (Count("stale"),)
    return _resuming(room, now), (Show(),)  # the station offers by itself


def _resuming(room: Room, now: float) -> Room:
    return room if room.state == "resuming" else room.to("resuming", now)


def _media(room: Room, message: Media, _: float) -> Step:
    return replace(room, devices=message.devices), (Show(),)


def _status(room: Room, message: Status, now: float) -> Step:
    """Where the station stands; what it said while the link was down may never have arrived."""
    room = replace(room, devices=message.devices)
    if message.state == "in_call":
        if room.clinician is None:
            return end(room, "error", tell_station=True)
        return room.to("in_call", now), (Show(),)
    if room.state == "inviting" and message.state == "ringing":
        return room.to("alerting", now), (Show(),)
    if room.state == "alerting" and message.state == "connecting":
        return room.to("connecting", now), (Show(),)
    if room.state in ("in_call", "resuming") and message.state == "connecting":
        return _resuming(room, now), (Show(),)
    if room.generation < message.generation or (room.clinician and message.state != "ringing"):
        room, effects = renew(room, now)  # an offer or an answer was lost on the way
        return room, (*effects, Show())
    return room, (Show(),)


def _station_hung_up(room: Room, message: Hangup, _: float) -> Step:
    return end(room, message.reason, tell_station=False)


def _station_rejected(room: Room, message: Rejected, _: float) -> Step:
    if message.code == "foreign_call":  # it knows nothing of this call: a new run of the process
        return end(room, "station_restarted", tell_station=False)
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
