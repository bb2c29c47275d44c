"""What a hook found, and how it is written down for the agent."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

State = Literal["ok", "degraded", "failed"]
EXIT_CODES: dict[State, int] = {"ok": 0, "degraded": 10, "failed": 20}
USAGE = 64
_VERSION = 1
_WORST_LAST: tuple[State, ...] = ("ok", "degraded", "failed")


class HookError(Exception):
    """A hook could not run at all."""


class ConfigUnreadable(HookError):
    """station.toml is there and cannot be understood."""


@dataclass(frozen=True)
class Finding:
    """The result of one check; `detail` is a stable word."""

    check: str
    state: State
    detail: str


@dataclass(frozen=True)
class Outcome:
    """All that one run of a hook found. `boot` is the kernel's boot id, `at` Unix seconds (as good as the clock is)."""

    hook: str
    boot: str
    at: float
    findings: tuple[Finding, ...]

    @property
    def state(self) -> State:
        """The worst of the findings."""
        return max((finding.state for finding in self.findings), key=_WORST_LAST.index, default="ok")

    @property
    def exit_code(self) -> int:
        """What the hook exits with."""
        return EXIT_CODES[self.state]

    def to_data(self) -> dict[str, Any]:
        """The outcome file's content."""
        head = {"v": _VERSION, "hook": self.hook, "outcome": self.state, "boot": self.boot, "at": self.at}
        return {**head, "findings": [asdict(finding) for finding in self.findings]}


def write_outcome(outcome: Outcome, folder: Path) -> Path:
    """Write `<folder>/<hook>.json`; OSError if that is not possible."""
    path = folder / f"{outcome.hook}.json"
    write_whole(path, json.dumps(outcome.to_data(), indent=1) + "\n")
    return path


def write_whole(path: Path, content: str | bytes, mode: int = 0o640) -> None:
    """Write a file so that a reader, or the next boot after a power cut, finds all of it or the one before.

    Written by root, it belongs to whom its directory belongs.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fchmod(handle, mode)  # before it is given away: after that even root needs another right for it
            if os.geteuid() == 0:
                folder = path.parent.stat()
                os.fchown(handle, folder.st_uid, folder.st_gid)
            os.fsync(handle)
        Path(name).replace(path)
        sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a directory durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
