"""The timers of the session: each is one task, known by its name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from device.call.events import Event, StartTimer, TimerFired, TimerName
from messaging.clock import Clock


class Timers:
    """Starts and stops them; `happened` is told when one fires."""

    def __init__(self, clock: Clock, happened: Callable[[Event], None]) -> None:
        self._clock = clock
        self._happened = happened
        self._running: dict[TimerName, asyncio.Task[None]] = {}

    def start(self, timer: StartTimer) -> None:
        """In place of one of the same name."""
        self.stop(timer.name)
        self._running[timer.name] = asyncio.create_task(self._wait(timer), name=f"call timer {timer.name}")

    def stop(self, name: TimerName) -> None:
        """If it runs. One that has fired is spared: it is telling so, and what follows stopped it."""
        task = self._running.pop(name, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    def stop_all(self) -> None:
        """Nothing fires any more."""
        for name in list(self._running):
            self.stop(name)

    async def _wait(self, timer: StartTimer) -> None:
        await self._clock.sleep(timer.seconds)
        self._happened(TimerFired(timer.token))
