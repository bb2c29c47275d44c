"""What of a call the registry keeps: written before anything is done about it."""

from __future__ import annotations

from messaging.call import Devices, Offer
from messaging.codec import encode
from region.desk.room import Room, RoomState
from region.registry import Transaction
from region.registry.records import Call


def differs(before: Room, after: Room) -> bool:
    """Whether the registry has anything to learn from this step."""
    kept = ("state", "offer", "devices", "clinician")
    return any(getattr(before, name) != getattr(after, name) for name in kept)


async def record(t: Transaction, before: Room, after: Room, now: float, actor: str, clinician: str) -> None:
    """Write the difference. `now` is Unix seconds, `actor` who brought it about, `clinician` who had the call."""
    if after.reason is not None:
        call = await t.calls.get(after.call)
        if await t.calls.end(after.call, after.reason, now):
            who = await _who_ended(t, after, actor)
            await t.audit.add(
                who, "call.ended", after.reason, now, station_id=after.station, call_id=after.call,
                clinician=clinician or None, seconds=round(now - call.started_at, 1),
                connected_seconds=None if call.connected_at is None else round(now - call.connected_at, 1),
            )  # fmt: skip
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


async def _who_ended(t: Transaction, room: Room, told_by: str) -> str:
    """Who hung up: a goodbye goes straight to the other side, which may be the first to tell us of it."""
    if room.reason == "resident_left":
        return room.station
    if room.reason == "clinician_left" and told_by == room.station and room.clinician is not None:
        return (await t.people.get(room.clinician)).name
    return told_by


def room_of(call: Call) -> Room:
    """The room of a call as the registry has it."""
    offer = None
    if call.offer_generation is not None and call.offer_sdp is not None:
        offer = Offer(call.offer_generation, call.offer_sdp)
    devices = Devices(**call.devices) if call.devices else Devices()  # type: ignore[arg-type]  # written from one above
    return Room(
        call.id, call.station_id, call.clinic_id, _state_of(call), call.direction == "clinic", devices,
        clinician=call.person_id, offer=offer, reason=call.end_reason,
    )  # fmt: skip


def _state_of(call: Call) -> RoomState:
    if call.state == "answered":
        return "connecting" if call.connected_at is None else "in_call"
    states: dict[str, RoomState] = {"waiting": "waiting", "ringing": "alerting", "ended": "ended"}
    return states[call.state]
