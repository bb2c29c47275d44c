"""How often a station tells of its health: as the config has it, by the agent's own clock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.health.rate import interval
from device.runtime.config import HealthSection
from messaging.settings import Telemetry
from tests.kits.station.agent import Station, call_view


@given(st.integers(0, 3600), st.builds(Telemetry, st.integers(10, 3600), st.integers(1, 60)), st.booleans())
def test_a_call_is_never_told_of_less_often_than_a_rest(own: int, telemetry: Telemetry, in_call: bool) -> None:
    seconds = interval(own, telemetry, in_call=in_call)
    assert 1 <= seconds <= interval(own, telemetry, in_call=False)


@pytest.mark.parametrize(
    ("own", "in_call", "seconds"), [(0, False, 300), (0, True, 7), (60, False, 60), (5, True, 5), (60, True, 7)]
)
def test_the_station_s_own_file_comes_before_the_config(own: int, in_call: bool, seconds: int) -> None:
    assert interval(own, Telemetry(health_s=300, call_s=7), in_call=in_call) == seconds


async def test_the_rate_of_the_config_holds_from_now_on_and_a_call_is_told_of_oftener(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.enrol()
    station.config = replace(station.config, health=HealthSection())
    station.agent = station.boot()
    await station.start()
    try:
        await station.born()
        document = {"clinic": "A", "telemetry": {"health_s": 600, "call_s": 10}}
        station.say({"version": 1, "config": document}, "desired")
        await station.born(2)
        assert station.sent("up/reported")[-1]["refused"] == {}
        await station.advance(60)
        await station.until(lambda: len(station.sent("up/m/health")) == 1)
        await station.advance(400)
        assert len(station.sent("up/m/health")) == 1, "six hundred seconds, and the jitter, are not over"
        call = station.call_process()
        await call.start()
        call.show(replace(call_view(), state="in_call", light="live", config_version=1))
        await station.advance(1)
        await station.until(lambda: station.agent._neighbours.call is not None)
        await station.advance(60)
        await station.until(lambda: 5 <= len(station.sent("up/m/health")) <= 9)
        await call.stop()
    finally:
        await station.stop()
