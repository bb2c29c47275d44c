"""The health report, put together from the probes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from device.health import read
from device.health.disk import disk
from device.health.link import link
from device.health.memory import memory
from device.health.temperature import temperature
from device.health.uptime import uptime
from device.health.versions import versions
from messaging.call import Devices
from messaging.envelope import ClockTrust
from messaging.health import Echo, Health, ProcessState, SoundTest

UNKNOWN_DEVICES = Devices("fault", "fault", "fault")  # station-call is away: no call can be made with them


@dataclass(frozen=True)
class Known:
    """What only the agent itself knows."""

    clock: ClockTrust
    devices: Devices | None  # None: station-call is away
    processes: dict[str, ProcessState]
    outbox_waiting: int
    outbox_dropped: int
    refused_messages: int
    echo: Echo | None = None
    sound_test: SoundTest | None = None
    locked: bool = False


def report(known: Known, state_dir: Path, monotonic: float, root: Path = read.MACHINE) -> Health:
    """Read every probe (this waits for the machine: not in a loop). `monotonic` stands in where uptime is unknown."""
    disk_free_mb, disk_total_mb = disk(state_dir)
    memory_free_mb, memory_total_mb = memory(root)
    kind, wifi_dbm = link(root)
    up_s = uptime(root)
    return Health(
        uptime_s=monotonic if up_s is None else up_s,
        clock=known.clock,
        devices=known.devices or UNKNOWN_DEVICES,
        processes=known.processes,
        versions=versions(root),
        temperature_c=temperature(root),
        disk_free_mb=disk_free_mb,
        disk_total_mb=disk_total_mb,
        memory_free_mb=memory_free_mb,
        memory_total_mb=memory_total_mb,
        link=kind,
        wifi_dbm=wifi_dbm,
        outbox_waiting=known.outbox_waiting,
        outbox_dropped=known.outbox_dropped,
        refused_messages=known.refused_messages,
        echo=known.echo,
        sound_test=known.sound_test,
        locked=known.locked,
    )
