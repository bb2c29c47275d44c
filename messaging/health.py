"""The health report: an allow-list. What is not a field here cannot leave a station (no name, no picture, no sound)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from messaging.call import Devices, DeviceState
from messaging.codec import Length, Range
from messaging.envelope import ClockTrust
from messaging.times import UnixTime

ProcessState = Literal["running", "restarting", "stopped"]
# The broker lets a station say these on `up/m/` and `up/e/`, and no other.
MeasurementType = Literal["health", "call"]
EventType = Literal[
    "enrolled", "certificate_renewed", "config_refused", "outbox_damaged", "process_gone", "process_restarted",
    "device_fault", "device_mended", "config_taken_back", "clock_wrong",
]  # fmt: skip
# Who keeps the speaker's sound out of what the microphone sends: the station, the device itself, nobody yet, nobody.
Echo = Literal["station", "device", "loading", "failed"]


@dataclass(frozen=True)
class SoundTest:
    """What a chirp from the speaker into the microphone told: figures only. Decibels; None where there is no telling.

    `delay_ms` from the speaker's thread to the microphone's. `echo_db` is how loud the chirp came back, to how loud it
    was played; `left_db` how much of that is left after cancelling, to how loud it came back. `noise_db` is the room's
    level, dBFS.
    """

    at: UnixTime
    speaker: DeviceState
    microphone: DeviceState
    echo: Echo
    heard: bool
    noise_db: Annotated[float, Range(-200, 20)] | None = None
    delay_ms: Annotated[float, Range(0, 10_000)] | None = None
    echo_db: Annotated[float, Range(-200, 100)] | None = None
    left_db: Annotated[float, Range(-200, 100)] | None = None


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
    echo: Echo | None = None
    sound_test: SoundTest | None = None  # the last one since station-call began
    locked: bool = False  # the region has put it out of use


@dataclass(frozen=True)
class Event:
    """On `up/e/<type>`: something that happened, told once. `detail` is a stable word, never free text."""

    detail: Annotated[str, Length(64)] = ""
    count: Annotated[int, Range(0, 2**31)] = 1
