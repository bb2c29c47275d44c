"""A call in the registry, where all processes of the region find it: written before anything is done about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from messaging.call import Devices, Offer
from messaging.codec import decode, encode
from region.desk.room import Room, RoomState
from region.desk.routing import restored
from region.registry import Transaction
from region.registry.records import Call

_KEPT = (
    "state", "page", "seen", "away", "signed_out", "heard", "deadline", "answered", "candidates", "renewed",
    "by_itself",
)  # fmt: skip
SEEN_EVERY = 5.0  # seconds: how often it is worth writing that a page is there
_HEARD_EVERY = 60.0


@dataclass(frozen=True)
class Held:
    """A call as the desk has it.

    `names` are name and site of its station, `boot` the run of station-call that is in it, `clinician` who has it
    (shown to the resident, and written in the audit), `connected_at` Unix seconds.
    """

    room: Room
    names: dict[str, str]
    boot: str
    clinician: str
    connected_at: float | None


def held_of(call: Call, now: float) -> Held:
    """The call as the registry has it."""
    return Held(
        room_of(call, now), {"name": call.station, "site": call.site}, call.boot, call.person, call.connected_at
    )


def room_of(call: Call, now: float) -> Room:
    """The room of a call as the registry has it; one of a region that did not keep rooms is restored."""
    offer = None
    if call.offer_generation is not None and call.offer_sdp is not None:
        offer = Offer(call.offer_generation, call.offer_sdp)
    devices = decode(Devices, call.devices or {})
    room = Room(
        call.id, call.station_id, call.clinic_id, _state_of(call), call.direction == "clinic", devices,
        clinician=call.person_id, offer=offer, reason=call.end_reason,
    )  # fmt: skip
    if call.room is None:
        return restored(room, now) if call.end_reason is None else room
    kept = replace(room, **call.room)
    return kept if call.end_reason is None else replace(kept, state="ended", deadline=None)


def kept(room: Room) -> dict[str, Any]:
    """What of a room stands in no column of its own."""
    return {name: getattr(room, name) for name in _KEPT}


def differs(before: Room, after: Room) -> bool:
    """Whether the registry has anything to learn from this step."""
    if after.seen - before.seen >= SEEN_EVERY or after.heard - before.heard >= _HEARD_EVERY:
        return True
    return replace(before, seen=0.0, heard=0.0) != replace(after, seen=0.0, heard=0.0)


async def record(t: Transaction, before: Room, after: Room, now: float, actor: str, clinician: str) -> None:
    """Write the difference. `now` is Unix seconds, `actor` who brought it about, `clinician` who had the call."""
    await t.calls.set_room(after.call, kept(after))
    if after.reason is not None:
        await _record_end(t, after, now, actor, clinician)
        return
    if after.offer is not None and after.offer != before.offer:
        await t.calls.set_offer(after.call, after.offer.generation, after.offer.sdp)
    if after.devices != before.devices:
        await t.calls.set_devices(after.call, encode(after.devices))
    if before.ringing and not after.ringing and after.outgoing:
        accepted = await t.calls.accepted(after.call, now)
        if accepted and after.by_itself:
            await t.audit.add(
                after.station, "call.answered", "by_itself", now, station_id=after.station, call_id=after.call
            )
    if after.state == "in_call":
        await t.calls.connected(after.call, now)


async def _record_end(t: Transaction, after: Room, now: float, actor: str, clinician: str) -> None:
    call = await t.calls.get(after.call)
    if after.reason is None or not await t.calls.end(after.call, after.reason, now):
        return
    who = await _who_ended(t, after, actor)
    await t.audit.add(
        who, "call.ended", after.reason, now, station_id=after.station, call_id=after.call,
        clinician=clinician or None, seconds=round(now - call.started_at, 1),
        connected_seconds=None if call.connected_at is None else round(now - call.connected_at, 1),
    )  # fmt: skip


async def _who_ended(t: Transaction, room: Room, told_by: str) -> str:
    """Who hung up: a goodbye goes straight to the other side, which may be the first to tell us of it."""
    if room.reason == "resident_left":
        return room.station
    if room.reason == "clinician_left" and told_by == room.station and room.clinician is not None:
        return (await t.people.get(room.clinician)).name
    return told_by


def _state_of(call: Call) -> RoomState:
    if call.state == "answered":
        return "connecting" if call.connected_at is None else "in_call"
    states: dict[str, RoomState] = {"waiting": "waiting", "ringing": "alerting", "ended": "ended"}
    return states[call.state]
