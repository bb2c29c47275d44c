"""Is this machine fit to become a station? Runs at every boot; what is in order is not touched."""

from __future__ import annotations

import re
import stat

from firmware_hooks.machine import Machine
from firmware_hooks.outcome import Finding

_MACHINE_ID = re.compile(r"[0-9a-f]{32}")
_HOST_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
# Names an image comes with: two stations with one name cannot be told apart on their network.
_IMAGE_NAMES = {"localhost", "raspberrypi", "debian", "laegeknap"}


def check(machine: Machine) -> tuple[Finding, ...]:
    """All checks of a first boot."""
    return (
        machine_id(machine.machine_id()),
        host_name(machine.host_name()),
        state_dir(machine),
        code_file(machine),
    )


def machine_id(text: str) -> Finding:
    """An image whose machine id was not cleared gives every station the same one; an empty one was not made."""
    if not _MACHINE_ID.fullmatch(text) or len(set(text)) == 1:
        return Finding("machine_id", "degraded", "missing" if text in ("", "uninitialized") else "invalid")
    return Finding("machine_id", "ok", "valid")


def host_name(name: str) -> Finding:
    """A host name that names this station and no other."""
    if not _HOST_NAME.fullmatch(name.lower()):
        return Finding("host_name", "degraded", "invalid" if name else "missing")
    if name.lower() in _IMAGE_NAMES:
        return Finding("host_name", "degraded", "from_image")
    return Finding("host_name", "ok", "valid")


def state_dir(machine: Machine) -> Finding:
    """The directory of the key: there, and closed to everybody else."""
    folder = machine.state_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(folder.stat().st_mode) & 0o077:
            folder.chmod(0o700)
            return Finding("state_dir", "ok", "closed_now")
    except OSError:
        return Finding("state_dir", "failed", "not_usable")
    return Finding("state_dir", "ok", "closed")


def code_file(machine: Machine) -> Finding:
    """Whether the station has an identity, or at least the code file to get one with. The file is not read here."""
    try:
        if (machine.state_dir / "identity.json").is_file():
            return Finding("code_file", "ok", "enrolled")
        if machine.code_file.is_file():
            return Finding("code_file", "ok", "found")
    except OSError:
        return Finding("code_file", "degraded", "unreadable")
    return Finding("code_file", "degraded", "missing")
