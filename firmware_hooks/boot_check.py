"""Can this boot be trusted: does the disk keep what it is given, is the clock possible, is there power enough?"""

from __future__ import annotations

import os
from pathlib import Path

from firmware_hooks.machine import FirmwareHangs, Machine
from firmware_hooks.outcome import Finding, write_whole

CLOCK_FILE = "clock"  # in the state directory: the last time that station-agent knew to be right, Unix seconds as text
LEAST_FREE_MB = 64
_UNDER_VOLTAGE_NOW, _UNDER_VOLTAGE_SINCE_BOOT = 0x1, 0x10000
_TOO_FAR = 4_102_444_800.0  # the year 2100: no clock of ours shows that


def check(machine: Machine) -> tuple[Finding, ...]:
    """All checks of a boot."""
    return disk(machine.state_dir), clock(machine), power(machine)


def disk(folder: Path) -> Finding:
    """Whether the state directory takes a write and gives it back, and has room."""
    probe, text = folder / ".boot-check", os.urandom(16).hex()
    try:
        write_whole(probe, text)
        kept = probe.read_text(encoding="utf-8") == text
        probe.unlink()
        room = os.statvfs(folder)
    except FileNotFoundError:
        return Finding("disk", "failed", "no_state_dir")
    except OSError:
        return Finding("disk", "failed", "not_writable")
    if not kept:
        return Finding("disk", "failed", "does_not_keep")
    if room.f_bavail * room.f_frsize < LEAST_FREE_MB * 2**20:
        return Finding("disk", "degraded", "nearly_full")
    return Finding("disk", "ok", "writable")


def clock(machine: Machine) -> Finding:
    """Whether the clock shows a time that can be: not before this software was built, nor before it was last right.

    A Pi has no battery for its clock. The hook does not set it; it says that certificates cannot be judged yet.
    """
    now, saved = machine.wall(), read_clock(machine.state_dir / CLOCK_FILE)
    built = Path(__file__).stat().st_mtime
    if not max(saved, built) <= now < _TOO_FAR:
        return Finding("clock", "degraded", "impossible")
    return Finding("clock", "ok", "possible")


def read_clock(path: Path) -> float:
    """The saved time, or 0 when there is none that can be."""
    try:
        saved = float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0
    return saved if 0 <= saved < _TOO_FAR else 0.0


def power(machine: Machine) -> Finding:
    """Whether a Raspberry Pi gets the voltage it needs; other machines cannot tell."""
    try:
        bits = machine.throttled()
    except FirmwareHangs:
        return Finding("power", "degraded", "firmware_hangs")
    if bits is None:
        return Finding("power", "ok", "cannot_tell")
    if bits & _UNDER_VOLTAGE_NOW:
        return Finding("power", "degraded", "under_voltage")
    if bits & _UNDER_VOLTAGE_SINCE_BOOT:
        return Finding("power", "degraded", "under_voltage_since_boot")
    return Finding("power", "ok", "enough")
