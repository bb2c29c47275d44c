"""What a clinic sees of its calls and stations: plain data for the page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from region.desk.record import room_of
from region.desk.room import LOST_LONG, Room
from region.registry import Transaction
from region.registry.records import Call, ProcessPresence, Report, Station

Readiness = Literal["ready", "away", "never_seen"]
MOST_RECENT = 8
_DEVICES = ("camera", "microphone", "speaker")


async def board(t: Transaction, clinic: int, now: float) -> dict[str, Any]:
    """Who is waiting, the stations, the last calls. `now` is Unix seconds; the page counts on from `waited_s`."""
    calls = {call.station_id: call for call in await t.calls.open(clinic_id=clinic)}
    stations = await t.stations.of_clinic(clinic)
    ids = [one.id for one in stations]
    presence = {one.station_id: one for one in await t.reports.presence_of(ids) if one.process == "call"}
    health = {one.station_id: one for one in await t.reports.reports_of(ids) if one.branch == "m/health"}
    return {
        "waiting": [_waiting(call, now) for call in calls.values() if call.state == "waiting"],
        "stations": [_station(s, presence.get(s.id), health.get(s.id), calls.get(s.id), now) for s in stations],
        "recent": [_recent(call) for call in await t.calls.recent(clinic, MOST_RECENT)],
    }


def _waiting(call: Call, now: float) -> dict[str, Any]:
    return {
        "call": call.id, "station": call.station_id, "name": call.station, "site": call.site, "reason": "button",
        "waited_s": max(0.0, round(now - call.started_at, 1)), "lacks": lacks(call.devices or {}),
    }  # fmt: skip


def _station(
    station: Station, presence: ProcessPresence | None, health: Report | None, call: Call | None, now: float
) -> dict[str, Any]:
    ready: Readiness = "never_seen"
    if presence is not None:
        ready = "ready" if presence.state == "online" else "away"
    busy = None if call is None else "lost" if room_of(call, now).lost_for(now) >= LOST_LONG else call.state
    return {
        "station": station.id, "name": station.name, "site": station.site, "ready": ready, "busy": busy,
        "with": "" if call is None else call.person,
        "lacks": lacks(_devices(health)),
    }  # fmt: skip


def _devices(health: Report | None) -> dict[str, Any]:
    """What the last report says of them; nothing where station-call was not there to tell when it was made."""
    told = {} if health is None else health.data
    processes, devices = told.get("processes"), told.get("devices")
    there = not isinstance(processes, dict) or processes.get("call", "running") == "running"
    return devices if isinstance(devices, dict) and there else {}


def _recent(call: Call) -> dict[str, Any]:
    """A call that is over. `missed`: a resident asked for the clinic and nobody came."""
    return {
        "call": call.id, "station": call.station_id, "name": call.station, "site": call.site, "with": call.person,
        "outgoing": call.direction == "clinic", "missed": call.direction == "resident" and call.person_id is None,
        "connected": call.connected_at is not None, "at": call.started_at,
    }  # fmt: skip


def lacks(devices: dict[str, Any]) -> list[str]:
    """The devices that are not fit for a call."""
    return [name for name in _DEVICES if devices.get(name, "ok") != "ok"]


def call_view(room: Room, names: dict[str, str], connected_s: float | None) -> dict[str, Any]:
    """How one call stands, for the page that has it. `names` holds `name` and `site` of the station."""
    return {
        "call": room.call, "station": room.station, **names, "state": room.state, "page": room.page,
        "outgoing": room.outgoing, "lacks": lacks(asdict(room.devices)), "generation": room.generation,
        "connected_s": connected_s, "reason": room.reason, "by_itself": room.by_itself,
    }  # fmt: skip
