"""The demo's processes: each in a group of its own, started again when it dies, as systemd would."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from messaging.clock import Clock
from region.demo.errors import DemoError

RESTART_S = 0.2
_STOP_S = 6.0
_LAST_WORDS = 15


@dataclass(frozen=True)
class Program:
    """What to run. `environment` is added to ours."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


class Processes:
    """Runs programs until told to stop. `on_change` is told each time one has been started."""

    def __init__(self, logs: Path, clock: Clock, on_change: Callable[[], None]) -> None:
        self._logs = logs
        self._clock = clock
        self._on_change = on_change
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self.restarts: dict[str, int] = {}
        self.exits: dict[str, int] = {}  # how each last ended by itself: an exit code, or minus a signal's number

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each that runs now."""
        return {name: process.pid for name, process in self._running.items()}

    async def start(self, program: Program) -> None:
        """Start a program and keep it running."""
        process = await self._spawn(program)
        self._keepers[program.name] = asyncio.create_task(self._keep(program, process))

    def last_words(self, name: str) -> str:
        """The end of a program's log."""
        try:
            text = (self._logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-_LAST_WORDS:])

    async def stop(self) -> None:
        """End everything, the last started first, and what they started with them."""
        await self._let_go()
        for name in reversed(self._keepers):
            if name in self._running:
                await _end(self._running.pop(name))

    async def stop_together(self) -> None:
        """End everything at once: many that know nothing of each other."""
        await self._let_go()
        ending = [self._running.pop(name) for name in list(self._running)]
        await asyncio.gather(*map(_end, ending))

    async def _let_go(self) -> None:
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)

    async def _keep(self, program: Program, process: asyncio.subprocess.Process) -> None:
        while True:
            self.exits[program.name] = await process.wait()
            _signal_group(process.pid, signal.SIGKILL)  # what it left behind would hold its ports
            self._running.pop(program.name, None)
            self.restarts[program.name] = self.restarts.get(program.name, 0) + 1
            await self._clock.sleep(RESTART_S)
            process = await self._spawn(program)

    async def _spawn(self, program: Program) -> asyncio.subprocess.Process:
        # Should the demo be killed without a word, the kernel ends its children.
        command = ["setpriv", "--pdeathsig", "TERM", *program.command]
        with (self._logs / f"{program.name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **program.environment},
            )  # fmt: skip
        self._running[program.name] = process
        self._on_change()
        return process


def check_programs(needed: Mapping[str, str]) -> None:
    """DemoError that names the Debian packages of the programs that are not there."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    missing = [package for program, package in needed.items() if shutil.which(program, path=path) is None]
    if missing:
        raise DemoError(f"The demo needs Debian's {' and '.join(missing)}: sudo apt-get install {' '.join(missing)}")


async def _end(process: asyncio.subprocess.Process) -> None:
    _signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
