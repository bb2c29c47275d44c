"""The authority below `region serve`, unless it runs as a service of its own: a child that is kept running."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from messaging.clock import Clock
from messaging.link.backoff import FullJitter
from provisioning.authority.errors import AuthorityUnusable

_log = logging.getLogger(__name__)
_START_WITHIN_S = 30.0
_STOP_WITHIN_S = 5.0
_STEADY_S = 60.0
_SYSTEMDS = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")


class AuthorityChild:
    """One `region authority`, started again when it ends, until `stop`."""

    def __init__(self, data: Path, path: Path, clock: Clock) -> None:
        self._command = (
            sys.executable, "-m", "region.cli", "authority", "--child", "--data", str(data), "--socket", str(path),
        )  # fmt: skip
        self._clock = clock
        self._backoff = FullJitter(base_s=0.2, cap_s=10.0)
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start it and return when it answers; AuthorityUnusable if it does not (its log says why)."""
        await self._spawn()
        self._task = asyncio.create_task(self._supervise(), name="keep the authority running")

    async def stop(self) -> None:
        """End it in order."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._end()

    async def _spawn(self) -> None:
        env = {name: value for name, value in os.environ.items() if name not in _SYSTEMDS}
        # A session of its own: Ctrl-C is for the region, which then ends the authority last.
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, env=env, start_new_session=True
        )
        if process.stdout is None:
            raise AuthorityUnusable("the authority's process cannot be heard")
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _START_WITHIN_S)
        except TimeoutError:
            line = b""
        if line.strip() != b"ready":
            await self._end()
            raise AuthorityUnusable("the authority's process does not start; the line before this one says why")

    async def _supervise(self) -> None:
        while True:
            began = self._clock.monotonic()
            if self._process is not None:
                _log.error("the authority's process has ended by itself (exit %s)", await self._process.wait())
            await self._end()
            if self._clock.monotonic() - began > _STEADY_S:
                self._backoff.reset()
            await self._clock.sleep(self._backoff.next())
            try:
                await self._spawn()
            except (AuthorityUnusable, OSError) as error:
                _log.error("%s", error)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            try:
                await asyncio.wait_for(process.wait(), _STOP_WITHIN_S)
            except TimeoutError:
                process.kill()
                await process.wait()
