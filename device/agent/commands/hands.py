"""What an order may have the machine itself do: a real one's hands and a simulated one's, behind one port."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from device.health import read
from device.health.uptime import boot_id
from messaging.command import Reason
from provisioning.station.files import write_whole

_log = logging.getLogger(__name__)
# logind's Reboot(interactive): systemd/polkit/ lets station-agent's user ask for it, and for nothing else.
REBOOT = (
    "busctl", "--system", "call", "org.freedesktop.login1", "/org/freedesktop/login1",
    "org.freedesktop.login1.Manager", "Reboot", "b", "false",
)  # fmt: skip


class Hands(Protocol):
    """One machine's."""

    @property
    def clock_is_kept(self) -> bool:
        """Whether somebody keeps the machine's clock right without this station hearing of it."""

    def machine(self) -> str:
        """A name of this run of the machine; another one after each start. '' where it cannot be told."""

    async def reboot(self) -> Reason | None:
        """Ask for a new start, which ends this process too; None or, where it is refused, why."""


class RealHands:
    """A machine that systemd runs. `root` is where /proc is found."""

    clock_is_kept = False

    def __init__(self, root: Path = read.MACHINE, command: tuple[str, ...] = REBOOT) -> None:
        self._root = root
        self._command = command

    def machine(self) -> str:
        """The kernel's boot id."""
        return boot_id(self._root)

    async def reboot(self) -> Reason | None:
        """Ask logind, which asks polkit."""
        try:
            asking = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
        except OSError as error:
            _log.error("the machine cannot be asked to reboot: %s", error)
            return "not_possible"
        said, _ = await asking.communicate()
        if asking.returncode != 0:
            _log.error("the machine does not reboot: %s", said.decode(errors="replace").strip()[:500])
            return "not_permitted"
        return None


class SimulatedHands:
    """A machine that is not there: its new start is another name on the disk, and the end of its processes.

    Its clock is that of the computer it is simulated on.
    """

    clock_is_kept = True

    def __init__(self, runtime_dir: Path, end_processes: Callable[[], None]) -> None:
        self._name = runtime_dir / "simulated-machine"
        self._end_processes = end_processes

    def machine(self) -> str:
        """The name on the disk; the machine's first run has none there."""
        return (read.text(self._name) or "first").strip()[:64]

    async def reboot(self) -> Reason | None:
        """Take another name, and end everything."""
        write_whole(self._name, f"{secrets.token_hex(8)}\n".encode())
        self._end_processes()
        return None


def make_hands(hardware: str, root: Path, runtime_dir: Path, end_processes: Callable[[], None]) -> Hands:
    """The hands of this station's hardware."""
    return SimulatedHands(runtime_dir, end_processes) if hardware == "sim" else RealHands(root)
