"""What the console and the panel know of their station, over its real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from kiosk_ui.station import Station
from messaging.clock import SystemClock
from messaging.local import Levels, LogLine, Press, Refusal, Simulate
from tests.kits.eventually import eventually
from tests.kits.station.fake import AGENT, IDLE, LIVE, fake_station


@asynccontextmanager
async def followed(runtime_dir: Path, **options: object) -> AsyncIterator[Station]:
    station = Station(runtime_dir, SystemClock(), **options)  # type: ignore[arg-type]
    running = asyncio.create_task(station.run())
    try:
        yield station
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_both_views_are_known_and_the_language_is_the_stations_own(tmp_path: Path) -> None:
    async with fake_station(tmp_path), followed(tmp_path) as station:
        assert station.language("da") == "da"
        await eventually(lambda: station.call and station.agent)
        assert (station.call, station.agent) == (IDLE, AGENT)
        assert station.language("da") == "en"


async def test_a_process_that_goes_is_forgotten_at_once_and_found_again(tmp_path: Path) -> None:
    async with fake_station(tmp_path, LIVE) as fake, followed(tmp_path, watch=("levels",)) as station:
        await eventually(lambda: fake.call.watched("levels"))
        fake.call.stream("levels", Levels(-20, -30))
        await eventually(lambda: station.levels)
        await fake.call.stop()
        await eventually(lambda: station.call is None)
        assert station.levels is None
        assert station.agent is not None, "the agent is still there"
        await fake.call.start()
        await eventually(lambda: station.call)
        await eventually(lambda: fake.call.watched("levels"))


async def test_a_press_while_station_call_is_away_is_told_and_never_queued(tmp_path: Path) -> None:
    async with followed(tmp_path) as station:
        assert station.press() is False
        async with fake_station(tmp_path) as fake:
            await eventually(lambda: station.call)
            assert fake.asked == []
            assert station.press() is True
            assert station.simulate("unplug_camera") is True
            await eventually(lambda: len(fake.asked) == 2)
            assert fake.asked == [Press(), Simulate("unplug_camera")]


async def test_only_what_is_watched_is_asked_for(tmp_path: Path) -> None:
    async with fake_station(tmp_path) as fake, followed(tmp_path, watch=("levels",)) as station:
        await eventually(lambda: fake.call.watched("levels") and station.agent)
        assert not fake.call.watched("log")
        assert not fake.agent.watched("log")


async def test_both_logs_and_refusals_are_heard(tmp_path: Path) -> None:
    lines: list[LogLine] = []
    refusals: list[Refusal] = []
    options = {"watch": ("log",), "on_log": lines.append, "on_refusal": refusals.append}
    async with fake_station(tmp_path) as fake, followed(tmp_path, **options) as station:
        fake.refuse = "busy"
        await eventually(lambda: fake.call.watched("log") and fake.agent.watched("log"))
        fake.call.stream("log", LogLine("info", "device.call", "one", 1.0))
        fake.agent.stream("log", LogLine("error", "device.agent", "two", 2.0))
        station.press()
        await eventually(lambda: len(lines) == 2 and refusals)
        assert {line.text for line in lines} == {"one", "two"}
        assert refusals == [Refusal("busy")]


async def test_levels_end_with_the_call(tmp_path: Path) -> None:
    async with fake_station(tmp_path, LIVE) as fake, followed(tmp_path, watch=("levels",)) as station:
        await eventually(lambda: fake.call.watched("levels"))
        fake.call.stream("levels", Levels(-20, -30))
        await eventually(lambda: station.levels)
        fake.call.show(replace(IDLE, since=2.0))
        await eventually(lambda: station.levels is None)
