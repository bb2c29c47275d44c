"""The health report: an allow-list. What is not a field here cannot leave a station (no name, no picture, no sound)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from messaging.call import Devices
from messaging.codec import Length, Range
from messaging.envelope import ClockTrust

ProcessState = Literal["running", "restarting", "stopped"]


@dataclass(frozen=True)
class Health:
    """On `up/m/health`. Temperatures in Celsius, sizes in MiB, None where the machine cannot tell."""

    uptime_s: Annotated[float, Range(0, 1e10)]
    clock: ClockTrust
    devices: Devices
    processes: Annotated[dict[str, ProcessState], Length(8)]
    versions: Annotated[dict[str, str], Length(16)]
    temperature_c: Annotated[float, Range(-60, 200)] | None = None
    disk_free_mb: Annotated[int, Range(0, 2**40)] | None = None
    disk_total_mb: Annotated[int, Range(0, 2**40)] | None = None
    memory_free_mb: Annotated[int, Range(0, 2**40)] | None = None
    memory_total_mb: Annotated[int, Range(0, 2**40)] | None = None
    link: Literal["ethernet", "wifi", "other", "none"] | None = None
    wifi_dbm: Annotated[int, Range(-130, 0)] | None = None
    outbox_waiting: Annotated[int, Range(0, 2**31)] = 0
    outbox_dropped: Annotated[int, Range(0, 2**53)] = 0
    refused_messages: Annotated[int, Range(0, 2**53)] = 0  # by the agent and by station-call, since the agent began


@dataclass(frozen=True)
class Event:
    """On `up/e/<type>`: something that happened, told once. `detail` is a stable word, never free text."""

    detail: Annotated[str, Length(64)] = ""
    count: Annotated[int, Range(0, 2**31)] = 1
