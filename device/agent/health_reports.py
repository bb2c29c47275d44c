"""The station's health, measured in the agent's thread and told at the rate of the config."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from device.agent.courier import Courier
from device.agent.neighbours import Neighbours
from device.agent.surroundings import Surroundings
from device.agent.telling import Telling
from device.agent.twin import Twin
from device.health.rate import interval
from device.health.report import Known, report
from messaging.envelope import ClockTrust
from messaging.health import Health

_LOOK_S = 1.0
_FIRST_WITHIN_S = 3.0
_JITTER = 0.1  # of the interval, so that a fleet that came back as one does not report as one
_STALLED_S = 120.0  # a report takes seconds; past this the machine does not answer any more


class HealthReports:
    """`interval_s` holds where the config sets none; `busy` tells whether a call runs, `locked` whether none may.

    A change of `locked` is reported at once.
    """

    def __init__(
        self, on: Surroundings, state_dir: Path, interval_s: int, telling: Telling, courier: Courier,
        neighbours: Neighbours, twin: Twin, trust: Callable[[], ClockTrust], busy: Callable[[], bool],
        locked: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.last: float | None = None  # Unix seconds of the newest report that was kept
        self._on, self._state_dir, self._interval_s = on, state_dir, interval_s
        self._telling, self._courier, self._neighbours, self._twin = telling, courier, neighbours, twin
        self._trust, self._busy, self._locked = trust, busy, locked
        self._made_at = on.clock.monotonic()

    @property
    def stalled(self) -> bool:
        """No report was made for so long that the machine does not answer any more."""
        return self._on.clock.monotonic() - self._made_at >= self._interval() * 2 + _STALLED_S

    async def run(self) -> None:
        """Report until cancelled."""
        await self._on.clock.sleep(self._on.random.uniform(0, _FIRST_WITHIN_S))
        while True:
            locked = self._locked()
            await self._report()
            share = self._on.random.uniform(1 - _JITTER, 1 + _JITTER)
            while (left := self._made_at + self._interval() * share - self._on.clock.monotonic()) > 0:
                await self._on.clock.sleep(min(left, _LOOK_S))  # a call may begin, or another rate come into force
                if self._locked() != locked:
                    break  # whether it may be used is what they look for first

    async def measure(self) -> Health:
        """How the station is now."""
        waiting, dropped = await self._courier.counts()
        neighbours = self._neighbours
        known = Known(
            self._trust(), neighbours.devices, neighbours.states,
            waiting, dropped, self._twin.refused_messages + neighbours.refused_messages,
            neighbours.echo, neighbours.sound_test, self._locked(),
        )  # fmt: skip
        measure = partial(report, known, self._state_dir, self._on.clock.monotonic(), self._on.root)
        return await asyncio.get_running_loop().run_in_executor(self._on.thread, measure)

    async def _report(self) -> None:
        if await self._telling.measurement("health", await self.measure()):
            self.last = self._on.clock.wall()
        self._made_at = self._on.clock.monotonic()

    def _interval(self) -> int:
        return interval(self._interval_s, self._twin.in_force.config.telemetry, in_call=self._busy())
