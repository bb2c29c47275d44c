"""Whom systemd-timesyncd asks for the time: a drop-in of ours, read when it is started anew. See timesyncd.conf(5)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

from device.runtime.tool import Ran, run_tool
from provisioning.station.files import write_whole

_log = logging.getLogger(__name__)
DROP_IN = "run/systemd/timesyncd.conf.d/60-laegeknap.conf"  # tmpfiles.d makes the directory, and makes it ours
UNIT = "systemd-timesyncd.service"
_MANAGER = (
    "busctl", "--system", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
)  # fmt: skip
RESTART = (*_MANAGER, "RestartUnit", "ss", UNIT, "replace")
STOP = (*_MANAGER, "StopUnit", "ss", UNIT, "replace")
Run = Callable[[Sequence[str]], Awaitable[Ran]]


class TimeServers(Protocol):
    """Whom this machine asks for the time."""

    async def use(self, servers: tuple[str, ...]) -> str:
        """Ask these from now on, and no others; of none: those that the network names, else the system's own.

        '' or a stable word why not.
        """

    async def stop(self) -> None:
        """Ask nobody until the next start, or until others are to be asked: those that are asked tell a wrong time."""


class Timesyncd:
    """systemd-timesyncd. `root` is where /run is found."""

    def __init__(self, root: Path, run: Run = run_tool) -> None:
        self._path = root / DROP_IN
        self._run = run

    async def use(self, servers: tuple[str, ...]) -> str:
        """Write the drop-in, and start the service anew if that has changed anything."""
        try:
            if not self._write(drop_in(servers)):
                return ""
        except OSError as error:
            _log.error("the time servers cannot be set: %s", error)
            return "not_permitted"
        ran = await self._run(RESTART)
        if not ran.ok:
            _log.error("systemd-timesyncd does not start anew: %s", ran.complaint)
            return "not_permitted"
        return ""

    async def stop(self) -> None:
        """Stop the service; what refuses is logged."""
        ran = await self._run(STOP)
        if not ran.ok:
            _log.error("systemd-timesyncd tells a wrong time and cannot be stopped: %s", ran.complaint)

    def _write(self, content: bytes) -> bool:
        before = self._path.read_bytes() if self._path.exists() else b""
        if before == content:
            return False
        if content:
            write_whole(self._path, content, 0o644)
        else:
            self._path.unlink()
        return True


class SimulatedTimeServers:
    """Those of a machine that is not there; whoever looks sees whom it would ask, None: nobody."""

    def __init__(self) -> None:
        self.asked: tuple[str, ...] | None = ()

    async def use(self, servers: tuple[str, ...]) -> str:
        """Take note."""
        self.asked = servers
        return ""

    async def stop(self) -> None:
        """Take note."""
        self.asked = None


def drop_in(servers: tuple[str, ...]) -> bytes:
    """The drop-in's content, empty where there is to be none. `servers` are names and addresses."""
    if not servers:
        return b""
    # An empty line first: a list in a drop-in is added to what stands before it.
    return f"# Written by station-agent.\n[Time]\nNTP=\nNTP={' '.join(servers)}\nFallbackNTP=\n".encode()


def make_time_servers(hardware: str, root: Path) -> TimeServers:
    """The time servers of this station's hardware."""
    return SimulatedTimeServers() if hardware == "sim" else Timesyncd(root)
