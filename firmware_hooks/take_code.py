"""Move a code file from the boot partition to where the agent, who is not root, can read and erase it.

The boot partition is FAT: it has no owners, and on a station it is root's. So this hook runs as root, alone, before the
station's processes. It copies first and erases then, so that a power cut at any point loses nothing: cut between the
two, the same file is taken again at the next boot, and the agent knows a code that it has used.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from firmware_hooks.machine import Machine
from firmware_hooks.outcome import Finding, sync_folder, write_whole

DROP = "boot/firmware/laegeknap-code.toml"  # where a technician puts it, from any computer with a card reader
MAX_FILE = 4096  # as messaging.enrolment has it; these hooks import nothing of it
_OPEN_HOW = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


def check(machine: Machine) -> tuple[Finding, ...]:
    """Take the file that lies there, if one does. It is not read for what it says: that is the agent's to judge."""
    drop = machine.root / DROP
    try:
        content = _read(drop)
        in_place = content is not None and machine.code_file.exists() and drop.samefile(machine.code_file)
    except OSError:
        return (Finding("code_file", "degraded", "unreadable"),)
    if content is None:
        return (Finding("code_file", "ok", "none"),)
    if in_place:
        return (Finding("code_file", "ok", "in_place"),)
    if len(content) > MAX_FILE:
        return (Finding("code_file", "degraded", "too_large"),)
    if content.strip(b"\0"):
        try:
            write_whole(machine.code_file, content, mode=0o600)
        except OSError:
            return (Finding("code_file", "failed", "not_kept"),)
    # Only zeros: a power cut came between overwriting and removing, and the copy had been made before.
    try:
        _wipe(drop, len(content))
    except OSError:
        return (Finding("code_file", "degraded", "not_erased"),)
    return (Finding("code_file", "ok", "taken"),)


def _read(path: Path) -> bytes | None:
    """The content, up to one byte more than is allowed; None if nothing is there."""
    try:
        handle = os.open(path, _OPEN_HOW)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("not a file")
        return file.read(MAX_FILE + 1)


def _wipe(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.write(bytes(size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    sync_folder(path.parent)
