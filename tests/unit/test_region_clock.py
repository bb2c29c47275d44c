"""A clock that is wrong heals by the region's word; a liar's word moves nothing, and a right clock is left alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.agent.region_clock import EVERY_S, ClockSetting, RegionClock
from device.agent.timekeeping import Timekeeping
from device.network.time_servers import SimulatedTimeServers
from firmware_hooks import set_clock
from firmware_hooks.machine import Machine
from provisioning.station.errors import RegionNotTrusted, RegionUnreachable
from provisioning.station.region_time import Told
from tests.kits.clock import ManualClock

TRUE = 1_800_000_000.0
YEAR_S = 365 * 86_400.0
WRONG = {"1970": 0.0, "a year behind": TRUE - YEAR_S, "an hour ahead": TRUE + 3600, "in 2069": TRUE + 42 * YEAR_S}


class Hook(Machine):
    """The machine as the hook has it: on the same clock as the station."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        super().__init__(folder, folder, folder / "code.toml", folder)
        object.__setattr__(self, "clock", clock)

    def monotonic(self) -> float:
        return self.clock.monotonic()  # type: ignore[attr-defined, no-any-return]

    def set_wall(self, wall: float) -> None:
        self.clock.set_wall(wall)  # type: ignore[attr-defined]


class House:
    """A station whose clock shows `wall`, and a region that knows the true time."""

    def __init__(self, folder: Path, wall: float, *, hook: bool = True, synchronised: bool = False) -> None:
        self.clock = ManualClock(wall=wall)
        self.began = self.clock.monotonic()
        self.truth = TRUE
        self.failure: Exception | None = None
        self.known = True
        self.asked = 0
        self.events: list[tuple[str, str]] = []
        self.servers = SimulatedTimeServers()
        self.hook = Hook(folder, self.clock) if hook else None
        self.synchronised = folder / "run/systemd/timesync/synchronized"
        if synchronised:
            self.synchronised.parent.mkdir(parents=True)
            self.synchronised.touch()
        self.time = Timekeeping(self.clock, folder / "clock", lambda: None, folder, kept=False)
        self.region_clock = RegionClock(
            self.ask, self.time, ClockSetting(folder, ""), self.servers, self.clock, random.Random(3),
            lambda kind, detail: self.events.append((kind, detail)),
        )  # fmt: skip

    def now(self) -> float:
        return self.truth + self.clock.monotonic() - self.began

    async def ask(self) -> Told | None:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return Told(self.now(), self.clock.monotonic(), 0.05) if self.known else None

    async def pass_by(self, seconds: float) -> None:
        """Time passes, and the path unit looks for a request every second."""
        for _ in range(int(seconds)):
            await self.clock.advance(1.0)
            if self.hook is not None:
                set_clock.check(self.hook)

    @property
    def off(self) -> float:
        return abs(self.clock.wall() - self.now())


@asynccontextmanager
async def running(house: House) -> AsyncIterator[House]:
    task = asyncio.create_task(house.region_clock.run())
    try:
        yield house
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("wall", WRONG.values(), ids=WRONG)
async def test_a_wrong_clock_is_right_within_seconds_and_the_region_is_told(tmp_path: Path, wall: float) -> None:
    async with running(House(tmp_path, wall)) as house:
        await house.pass_by(10)
        assert house.off < 1
        assert house.time.trust() == "ntp"
        assert house.events == [("clock_wrong", "ahead" if wall > TRUE else "behind")]


@pytest.mark.parametrize("wall", WRONG.values(), ids=WRONG)
async def test_it_is_asked_until_the_region_answers(tmp_path: Path, wall: float) -> None:
    house = House(tmp_path, wall)
    house.failure = RegionUnreachable("nobody there yet")
    async with running(house):
        await house.pass_by(700)
        assert house.time.trust() != "ntp"
        assert 4 < house.asked < 40, "patiently, and not too seldom"
        house.failure = None
        await house.pass_by(310)
        assert house.off < 1


async def test_a_liar_moves_nothing_and_is_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    house = House(tmp_path, 0.0)
    house.failure = RegionNotTrusted("who answers does not tell this region's time")
    async with running(house):
        await house.pass_by(600)
        assert house.clock.wall() == pytest.approx(600, abs=1)
        assert house.time.trust() == "unset"
        assert caplog.text.count("does not tell") == 2  # the log's own words, and the reason's


async def test_a_region_whose_own_clock_is_before_this_software_sets_nothing(tmp_path: Path) -> None:
    house = House(tmp_path, TRUE)
    house.truth = 0.0
    async with running(house):
        await house.pass_by(60)
        assert house.clock.wall() == TRUE + 60


async def test_a_right_clock_is_left_alone_and_asked_about_once_an_hour(tmp_path: Path) -> None:
    async with running(House(tmp_path, TRUE + 1.5)) as house:
        await house.pass_by(5)
        assert house.clock.wall() == TRUE + 6.5
        assert (house.time.trust(), house.events) == ("ntp", [])
        await house.clock.advance(3 * EVERY_S)
        assert 3 <= house.asked <= 5


async def test_what_a_time_server_has_set_is_left_alone_while_it_is_near(tmp_path: Path) -> None:
    async with running(House(tmp_path, TRUE + 60, synchronised=True)) as house:
        await house.pass_by(30)
        assert house.clock.wall() == TRUE + 90
        assert house.servers.asked == ()


async def test_time_servers_that_lie_are_not_asked_any_more_and_the_clock_is_the_region_s(tmp_path: Path) -> None:
    async with running(House(tmp_path, TRUE + 20 * YEAR_S, synchronised=True)) as house:
        assert house.time.trust() == "ntp", "nobody knows better yet"
        await house.pass_by(5)
        assert house.servers.asked is None
        assert house.off < 1
        assert house.time.trust() == "ntp"


async def test_a_clock_that_is_put_wrong_later_heals_within_seconds_not_within_the_hour(tmp_path: Path) -> None:
    async with running(House(tmp_path, TRUE)) as house:
        await house.pass_by(10)
        house.clock.set_wall(TRUE + 5 * YEAR_S)
        await house.pass_by(10)
        assert house.off < 1


async def test_where_nobody_sets_the_clock_the_log_says_what_to_look_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(House(tmp_path, 0.0, hook=False)) as house:
        await house.pass_by(120)
        assert house.time.trust() == "unset", "the agent knows the time, and that its clock does not"
        assert house.time.present() == pytest.approx(house.now())
        assert "laegeknap-clock.path" in caplog.text
        assert len(house.events) == 1


async def test_a_station_that_knows_no_region_waits_for_one(tmp_path: Path) -> None:
    house = House(tmp_path, 0.0)
    house.known = False
    async with running(house):
        await house.pass_by(60)
        house.known = True
        await house.pass_by(301)
        assert house.off < 1


@given(st.floats(0, 4e9))
async def test_from_any_clock_it_comes_to_the_true_time(tmp_path_factory: pytest.TempPathFactory, wall: float) -> None:
    house = House(tmp_path_factory.mktemp("house"), wall)
    await house.region_clock.look()
    assert house.hook is not None
    set_clock.check(house.hook)
    assert house.off <= 2.1
