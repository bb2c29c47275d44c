"""Keeps asking the region what time it is, and has a clock that is wrong set by it.

A clock at 1970 or in the future makes every certificate one that does not count, the region's among them, and nothing
that stands on TLS could heal it. So the time is asked for without (`provisioning.station.region_time`), at the start,
every hour, and at once when the clock has been put wrong. What a time server has set is left alone unless it is wrong.
"""

from __future__ import annotations

import logging
import random as random_module
from collections.abc import Awaitable, Callable
from pathlib import Path

from device.agent.timekeeping import Timekeeping
from device.health.clock import WRONG_S
from device.network.time_servers import TimeServers
from messaging.clock import Clock
from messaging.health import EventType
from messaging.link.backoff import FullJitter
from provisioning.station.errors import ProvisioningError
from provisioning.station.files import write_whole
from provisioning.station.region_time import Told

_log = logging.getLogger(__name__)
EVERY_S = 3600.0
STEP_S = 2.0  # a clock that nobody keeps is put right from here on
WANTED = "clock-wanted"  # in the runtime directory: laegeknap-clock.path sets the clock by it
_JITTER = 0.25
_LOOK_S = 2.0
_AGAIN_S = (2.0, 300.0)
_SET_WITHIN_S = 30.0

Ask = Callable[[], Awaitable[Told | None]]


class ClockSetting:
    """Asks for the machine's clock to be set: the agent may not, and `firmware_hooks set-clock` may nothing else."""

    def __init__(self, runtime_dir: Path, boot: str) -> None:
        self._path = runtime_dir / WANTED
        self._boot = boot

    def ask(self, told: Told) -> None:
        """By what the region has told; the two clocks are the machine's. OSError if it cannot be asked."""
        write_whole(self._path, f"{self._boot or '-'} {told.at:.3f} {told.monotonic:.3f}\n".encode())


class RegionClock:
    """`ask` asks the region; `tell` is told the event that the clock was wrong, and how."""

    def __init__(
        self,
        ask: Ask,
        time: Timekeeping,
        setting: ClockSetting,
        servers: TimeServers,
        clock: Clock,
        random: random_module.Random,
        tell: Callable[[EventType, str], None],
    ) -> None:
        self._ask = ask
        self._time = time
        self._setting = setting
        self._servers = servers
        self._clock = clock
        self._random = random
        self._tell = tell
        self._backoff = FullJitter(*_AGAIN_S, random)
        self._said = ""
        self._asked_to_set: float | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._rest(await self.look())

    async def look(self) -> float:
        """Ask once, and act on the answer; seconds until the next time."""
        try:
            told = await self._ask()
        except ProvisioningError as error:
            self._say(f"the region does not tell the time: {error}")
            return self._backoff.next()
        if told is None:
            return self._backoff.next()  # it will know one once it has a code file
        if not self._time.believe(told):
            self._say("the region tells a time that is certainly past: is the region's own clock right?")
            return self._backoff.next()
        self._say("")
        if await self._put_right(told):
            return self._backoff.next()
        self._backoff.reset()
        return EVERY_S * self._random.uniform(1 - _JITTER, 1 + _JITTER)

    async def _put_right(self, told: Told) -> bool:
        """Whether there was something to put right."""
        now = told.at + self._clock.monotonic() - told.monotonic
        off = self._clock.wall() - now
        kept = self._time.is_synchronised()
        if abs(off) <= (WRONG_S if kept else STEP_S + told.within_s):
            self._asked_to_set = None
            return False
        if kept:
            _log.error(
                "the time servers tell a time that is %+.0f s off the region's: they are not asked any more", off
            )
            await self._servers.stop()
        self._complain_if_not_set(off)
        try:
            self._setting.ask(told)
        except OSError as error:
            _log.error("the clock cannot be set: %s", error)
        return True

    def _complain_if_not_set(self, off: float) -> None:
        now = self._clock.monotonic()
        if self._asked_to_set is None:
            self._asked_to_set = now
            _log.warning("the clock is %+.0f s off the region's time and is to be set by it", off)
            self._tell("clock_wrong", "ahead" if off > 0 else "behind")
        elif now - self._asked_to_set > _SET_WITHIN_S:
            self._say(f"the clock is {off:+.0f} s off and nobody sets it: does laegeknap-clock.path run?")

    async def _rest(self, pause_s: float) -> None:
        """Cut short when the clock has been put wrong."""
        until, right = self._clock.monotonic() + pause_s, self._time.trust() == "ntp"
        while (left := until - self._clock.monotonic()) > 0 and right <= (self._time.trust() == "ntp"):
            await self._clock.sleep(min(left, _LOOK_S))

    def _say(self, complaint: str) -> None:
        if complaint and complaint != self._said:
            _log.warning("%s", complaint)
        self._said = complaint
