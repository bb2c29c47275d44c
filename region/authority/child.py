"""The authority below `region serve`, unless it runs as a service of its own: a child that is kept running."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from messaging.clock import Clock
from messaging.link.backoff import FullJitter
from provisioning.authority.errors import AuthorityUnusable
from region.kept import Kept, ended

_START_WITHIN_S = 30.0
_STOP_WITHIN_S = 5.0
_SYSTEMDS = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")


class AuthorityChild(Kept):
    """One `region authority`; AuthorityUnusable if it does not start (its log says why)."""

    def __init__(self, data: Path, path: Path, clock: Clock) -> None:
        self._command = (
            sys.executable, "-m", "region.cli", "authority", "--child", "--data", str(data), "--socket", str(path),
        )  # fmt: skip
        backoff = FullJitter(base_s=0.2, cap_s=10.0)
        super().__init__("the authority", self._spawn, _answers, _end, (AuthorityUnusable, OSError), backoff, clock)

    async def _spawn(self) -> Process:
        env = {name: value for name, value in os.environ.items() if name not in _SYSTEMDS}
        # A session of its own: Ctrl-C is for the region, which then ends the authority last.
        return await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, env=env, start_new_session=True
        )


async def _answers(process: Process) -> None:
    if process.stdout is None:
        raise AuthorityUnusable("the authority's process cannot be heard")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_WITHIN_S)
    except TimeoutError:
        line = b""
    if line.strip() != b"ready":
        raise AuthorityUnusable("the authority's process does not start; the line before this one says why")


async def _end(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    await ended(process, _STOP_WITHIN_S)
