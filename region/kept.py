"""A child process of the region's that is kept running."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable

from messaging.clock import Clock
from messaging.link.backoff import FullJitter

_log = logging.getLogger(__name__)
_STEADY_S = 60.0  # one that has run so long did not fail to start


class Kept:
    """One process, started again when it ends, until `stop`.

    `launch` starts it; `ready` returns when it does its work, or raises one of `failures`; `end` tells it to end, and
    returns when it has.
    """

    def __init__(
        self,
        name: str,
        launch: Callable[[], Awaitable[Process]],
        ready: Callable[[Process], Awaitable[None]],
        end: Callable[[Process], Awaitable[None]],
        failures: tuple[type[Exception], ...],
        backoff: FullJitter,
        clock: Clock,
    ) -> None:
        self._name = name
        self._launch = launch
        self._ready = ready
        self._end = end
        self._failures = failures
        self._backoff = backoff
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._told_to_end = False
        self.process: Process | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return None if self.process is None else self.process.pid

    async def start(self) -> None:
        """Start it; one of `failures` if it does not."""
        await self._begin()
        self._task = asyncio.create_task(self._supervise(), name=f"keep {self._name} running")

    def restart(self) -> None:
        """Have it end in order, and begin anew at once."""
        if self.process is not None and self.process.returncode is None:
            self._told_to_end = True
            self.process.terminate()

    async def stop(self) -> None:
        """End it in order."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._take_away()

    async def _supervise(self) -> None:
        while True:
            began = self._clock.monotonic()
            code = None if self.process is None else await self.process.wait()
            await self._take_away()
            if self._told_to_end:
                _log.info("%s begins anew, as it was told", self._name)
            else:
                if code is not None:
                    _log.error("%s has ended by itself (exit %s)", self._name, code)
                await self._wait_a_while(began)
            self._told_to_end = False
            try:
                await self._begin()
            except self._failures as error:
                _log.error("%s", error)

    async def _wait_a_while(self, began: float) -> None:
        if self._clock.monotonic() - began > _STEADY_S:
            self._backoff.reset()
        delay = self._backoff.next()
        _log.warning("starting %s again in %.1f s", self._name, delay)
        await self._clock.sleep(delay)

    async def _begin(self) -> None:
        self.process = await self._launch()  # from here on `stop` ends it, ready or not
        try:
            await self._ready(self.process)
        except self._failures:
            await self._take_away()
            raise

    async def _take_away(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            await self._end(process)


async def ended(process: Process, within_s: float) -> None:
    """Wait for a process that has been told to end; one that does not in time is killed."""
    if process.returncode is None:
        try:
            await asyncio.wait_for(process.wait(), within_s)
        except TimeoutError:
            process.kill()
            await process.wait()
