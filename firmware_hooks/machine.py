"""The machine as the hooks see it: where things are, and the few questions they ask of it. Tests hand in another."""

from __future__ import annotations

import os
import subprocess
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmware_hooks.outcome import ConfigUnreadable

CONFIG = Path("/etc/laegeknap/station.toml")
_FIRMWARE_TIMEOUT_S = 2.0


class FirmwareHangs(Exception):
    """The Pi's firmware did not answer in time."""


@dataclass(frozen=True)
class Machine:
    """Paths of one station; `root` stands before the system's own files."""

    state_dir: Path
    runtime_dir: Path
    code_file: Path
    root: Path = field(default=Path("/"))

    def wall(self) -> float:
        """Unix seconds, right or wrong."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds of CLOCK_MONOTONIC, the same for every process of this boot."""
        return time.monotonic()

    def set_wall(self, wall: float) -> None:
        """Set the clock (Unix seconds); OSError if this process may not."""
        time.clock_settime(time.CLOCK_REALTIME, wall)

    def boot_id(self) -> str:
        """The kernel's name for this boot, or "" where there is none."""
        return self._text("proc/sys/kernel/random/boot_id")

    def machine_id(self) -> str:
        """What /etc/machine-id holds, or ""."""
        return self._text("etc/machine-id")

    def host_name(self) -> str:
        """The name in /etc/hostname, or ""."""
        return self._text("etc/hostname")

    def throttled(self) -> int | None:
        """The bits of `vcgencmd get_throttled`; None where there is none. FirmwareHangs if it does not answer."""
        command = ["vcgencmd", "get_throttled"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_FIRMWARE_TIMEOUT_S, check=False)
        except (FileNotFoundError, PermissionError):
            return None
        except subprocess.TimeoutExpired as error:
            raise FirmwareHangs from error
        return parse_throttled(done.stdout)

    def _text(self, path: str) -> str:
        try:
            return (self.root / path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""


def parse_throttled(text: str) -> int | None:
    """`throttled=0x50005` as a number; None for anything else."""
    name, _, value = text.strip().partition("=")
    if name != "throttled":
        return None
    try:
        return int(value, 16)
    except ValueError:
        return None


def load_machine(config: Path | None) -> Machine:
    """The machine that station.toml describes: `config`, else STATION_CONFIG, else the usual place, else the defaults.

    ConfigUnreadable if a file was named and is not there, or is not a station's config.
    """
    named = config or (Path(os.environ["STATION_CONFIG"]) if os.environ.get("STATION_CONFIG") else None)
    path = named or CONFIG
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if named:
            raise ConfigUnreadable(f"{path}: no such file") from error
        document = {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigUnreadable(f"{path}: {error}") from error
    station = document.get("station", {})
    if not isinstance(station, dict):
        raise ConfigUnreadable(f"{path}: [station] must be a table")
    return Machine(
        state_dir=_path(station, "state_dir", "/var/lib/laegeknap", path),
        runtime_dir=_path(station, "runtime_dir", "/run/laegeknap", path),
        code_file=_path(station, "code_file", "/var/lib/laegeknap/code.toml", path),
    )


def _path(station: dict[str, Any], key: str, default: str, source: Path) -> Path:
    value = station.get(key, default)
    if not isinstance(value, str) or not value or "\x00" in value:
        raise ConfigUnreadable(f"{source}: station.{key} must be a path")
    return Path(value)
