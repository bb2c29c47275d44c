"""What a report comes to, as columns of the table `standing`: so that stations can be found by how they are. Pure.

It must say what `region.fleet.standing` says of the same reports; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from messaging.codec import decode
from messaging.errors import MessageError
from messaging.health import Health
from messaging.status import Birth
from messaging.twin import Reported
from region.fleet.standing import known_devices, of_devices, of_machine, rank
from region.registry.records import Report

KINDS: dict[str, type] = {"birth": Birth, "reported": Reported, "m/health": Health}
_SOFTWARE = "laegeknap"


def summary(message: object, at: float) -> dict[str, Any]:
    """The columns that this report fills in; `at` in Unix seconds."""
    match message:
        case Birth():
            return {"certificate_expires": message.certificate_expires, **_version(message.versions)}
        case Health():
            devices = known_devices(message)
            return {
                "health_at": at, "devices": None if devices is None else rank(of_devices(devices)),
                "machine": rank(of_machine(message)), **_version(message.versions),
            }  # fmt: skip
        case Reported():
            proving = message.proving
            word = "taken_back" if proving.taken_back is not None else "on_trial" if proving.on_trial else ""
            return {
                "config_version": message.version, "config_waiting": proving.waiting,
                "refused": bool(message.refused), "proving": word,
                "health_s": message.config.telemetry.health_s,
            }  # fmt: skip
        case _:
            return {}


def summary_of(reports: Iterable[Report]) -> dict[str, Any]:
    """What all of a station's last reports come to; one that cannot be read any more counts as none."""
    told: dict[str, Any] = {}
    for report in reports:
        kind = KINDS.get(report.branch)
        if kind is None:
            continue
        try:
            told |= summary(decode(kind, report.data), report.at)
        except MessageError:
            continue
    return told


def _version(versions: dict[str, str]) -> dict[str, str]:
    return {"version": versions[_SOFTWARE][:64]} if _SOFTWARE in versions else {}
