"""How a station stands, decided from what is known of it. Pure: no I/O, no words of any language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from messaging.call import Devices
from messaging.codec import decode
from messaging.errors import MessageError
from messaging.health import Health
from messaging.status import Birth, Process
from messaging.times import UnixTime
from messaging.twin import Reported
from region.registry.finding import CERTIFICATE_S, REPORTS_MISSED, STALE_S
from region.registry.records import ProcessPresence, Report, Station

T = TypeVar("T")
Level = Literal["good", "warn", "bad"]
ConfigState = Literal["none", "in_force", "on_trial", "waits", "waits_for_call", "taken_back"]
HOT_C = 80.0
FULL = 0.05  # of disk or memory left
WEAK_DBM = -75
DAY_S = 86_400.0
_COST = {"link lost": "config_cost_link", "call failed": "config_cost_call", "agent failed": "config_cost_agent"}
_RANK: dict[Level, int] = {"good": 0, "warn": 1, "bad": 2}


@dataclass(frozen=True)
class Remark:
    """Something worth telling. `code` is a stable word, the key of its words; `value` fills them in."""

    code: str
    level: Level
    value: str = ""


@dataclass(frozen=True)
class Standing:
    """`ready`: a call would work now. Times are Unix seconds; versions and reports as the station gave them.

    `agent_since` and `call_since` are when the process came or went; of one in `unheard`, which is said to be there and
    does not answer, when it was last heard of. `devices` is None while they are not known.
    """

    station: str
    ready: bool
    level: Level
    remarks: tuple[Remark, ...]
    agent_online: bool
    agent_since: UnixTime | None
    call_online: bool
    call_since: UnixTime | None
    in_call: bool
    last_seen: UnixTime | None
    last_report: UnixTime | None
    hardware: str | None
    versions: dict[str, str]
    certificate_expires: UnixTime | None
    desired_version: int
    version_in_force: int | None
    config_state: ConfigState  # of what is desired
    devices: Devices | None
    health: Health | None
    reported: Reported | None
    unheard: tuple[Process, ...] = ()


def standing(station: Station, presence: Iterable[ProcessPresence], reports: Iterable[Report], now: float) -> Standing:
    """How the station stands at `now`."""
    processes = {one.process: one for one in presence}
    by_branch = {report.branch: report for report in reports}
    agent, call = processes.get("agent"), processes.get("call")
    agent_online = agent is not None and agent.state == "online"
    unheard = {one.process: one.since for one in processes.values() if one.state == "unheard"}
    call_online = call is not None and call.state == "online"
    health_at = by_branch["m/health"].at if "m/health" in by_branch else None
    health = _read(Health, by_branch.get("m/health"))
    reported = _read(Reported, by_branch.get("reported"))
    devices = known_devices(health) if call_online else None
    birth = _read(Birth, by_branch.get("birth"))
    certificate_expires = birth.certificate_expires if birth else None
    remarks = [
        *_connection(station, agent_online, call_online, bool(processes), unheard, now),
        *(_report_age(health_at, reported, now) if agent_online else ()),
        *(of_devices(devices) if devices else ()),
        *(of_machine(health) if health else ()),
        *(_config(station, reported) if agent_online else ()),
        *(_certificate(certificate_expires, now) if certificate_expires is not None else ()),
    ]
    if station.admission != "admitted":  # all else follows from that
        remarks = [Remark(station.admission, "bad")]
    remarks.sort(key=lambda remark: -_RANK[remark.level])
    ready = call_online and not any(remark.level == "bad" for remark in remarks)
    times = [one.since for one in processes.values()] + [report.at for report in by_branch.values()]
    return Standing(
        station=station.id, ready=ready, level=remarks[0].level if remarks else "good", remarks=tuple(remarks),
        agent_online=agent_online, agent_since=agent.since if agent else None,
        call_online=call_online, call_since=call.since if call else None,
        in_call=call_online and call is not None and call.call is not None,
        last_seen=max(times, default=None), last_report=health_at,
        hardware=birth.hardware if birth else None, certificate_expires=certificate_expires,
        versions={**(agent.versions if agent else {}), **(health.versions if health else {})},
        desired_version=station.desired_version, version_in_force=reported.version if reported else None,
        config_state=_config_state(station, reported),
        devices=devices, health=health, reported=reported, unheard=tuple(sorted(unheard)),
    )  # fmt: skip


def _connection(
    station: Station, agent_online: bool, call_online: bool, seen: bool, unheard: Mapping[Process, float], now: float
) -> Iterable[Remark]:
    if station.clinic_id is None:
        yield Remark("no_clinic", "bad")
    if not seen:
        yield Remark("never_seen", "bad")
    elif not agent_online and not call_online:
        yield _gone("", "bad", max(unheard.values(), default=None), now)
    elif not call_online:
        yield _gone("call_", "bad", unheard.get("call"), now)
    elif not agent_online:
        yield _gone("agent_", "warn", unheard.get("agent"), now)


def _gone(which: str, level: Level, unheard_since: float | None, now: float) -> Remark:
    """It has said that it goes, or the broker has; or it is said to be there, and does not answer."""
    if unheard_since is None:
        return Remark(f"{which}offline", level)
    return Remark(f"{which}unheard", level, str(max(0, int((now - unheard_since) // 60))))


def _report_age(health_at: float | None, reported: Reported | None, now: float) -> Iterable[Remark]:
    health_s = reported.config.telemetry.health_s if reported is not None else 0
    if health_at is None:
        yield Remark("no_report", "warn")
    elif now - health_at > max(STALE_S, REPORTS_MISSED * health_s):
        yield Remark("old_report", "warn", str(int((now - health_at) // 60)))


def known_devices(health: Health | None) -> Devices | None:
    """What the report says of them, unless station-call was not yet there to tell when it was made."""
    if health is None or health.processes.get("call", "running") != "running":
        return None
    return health.devices


def rank(remarks: Iterable[Remark]) -> int:
    """How bad the worst of them is: 0 for none, up to 2."""
    return max((_RANK[remark.level] for remark in remarks), default=0)


def of_devices(devices: Devices) -> Iterable[Remark]:
    """What is to be told of these devices."""
    states = {"camera": devices.camera, "microphone": devices.microphone, "speaker": devices.speaker}
    if "ok" not in (devices.camera, devices.microphone):
        yield Remark("no_devices", "bad")
        return
    for name, state in states.items():
        if state != "ok":
            yield Remark(f"{name}_{state}", "warn")


def of_machine(health: Health) -> Iterable[Remark]:
    """What is to be told of the machine that reports this."""
    if health.locked:
        yield Remark("locked", "bad")
    if health.temperature_c is not None and health.temperature_c >= HOT_C:
        yield Remark("hot", "warn", f"{health.temperature_c:.0f}")
    if _short(health.disk_free_mb, health.disk_total_mb):
        yield Remark("disk_full", "warn", str(health.disk_free_mb))
    if _short(health.memory_free_mb, health.memory_total_mb):
        yield Remark("memory_full", "warn", str(health.memory_free_mb))
    if health.link == "wifi" and health.wifi_dbm is not None and health.wifi_dbm < WEAK_DBM:
        yield Remark("weak_wifi", "warn", str(health.wifi_dbm))
    if health.clock == "unset":
        yield Remark("no_clock", "warn")
    if health.processes.get("screen", "running") != "running":
        yield Remark("no_screen", "warn")


def _config(station: Station, reported: Reported | None) -> Iterable[Remark]:
    state = _config_state(station, reported)
    taken = reported.proving.taken_back if reported is not None else None
    if taken is not None:
        yield Remark(_COST.get(taken.why, "config_taken_back"), "warn")
    if state in ("none", "waits"):
        yield Remark("config_waits", "warn")
    elif reported is not None and reported.refused and taken is None:
        yield Remark("config_refused", "warn", ", ".join(sorted(reported.refused)))


def _config_state(station: Station, reported: Reported | None) -> ConfigState:
    if reported is None:
        return "none"
    proving, desired = reported.proving, station.desired_version
    if reported.version == desired:
        return "on_trial" if proving.on_trial else "in_force"
    if proving.taken_back is not None and proving.taken_back.version == desired:
        return "taken_back"
    return "waits_for_call" if proving.waiting == desired else "waits"


def _certificate(expires: float, now: float) -> Iterable[Remark]:
    if expires <= now:
        yield Remark("certificate_ended", "warn")
    elif expires - now < CERTIFICATE_S:
        yield Remark("certificate_ends", "warn", str(int((expires - now) // DAY_S)))


def _short(free: int | None, total: int | None) -> bool:
    return free is not None and total is not None and total > 0 and free / total < FULL


def _read(kind: type[T], report: Report | None) -> T | None:
    """The report as its type; None if there is none, or it was stored by a version that spoke otherwise."""
    if report is None:
        return None
    try:
        return decode(kind, report.data)
    except MessageError:
        return None
