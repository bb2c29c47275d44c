"""A config that costs the station its call or its link, through the whole agent: what region, disk and screen see."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from device.agent.trial import CALL_S, LINK_S, WELL_S
from device.network.simulated import SHOWN
from messaging.link.local import LocalServer
from messaging.local import CallView
from messaging.twin import Config, Desired
from tests.kits.station.agent import AGENT, Station, call_view, running_agent

GOOD = Config(clinic="Lægehuset")
NETWORK = {"clinic": "Lægehuset", "network": {"wired": {"ip": {"address": "10.0.0.5/24"}}}}


class Call:
    """A station-call that takes what it is told, and says how it is."""

    def __init__(self, server: LocalServer, station: Station) -> None:
        self._server = server
        self._station = station
        self.view = call_view()

    async def show(self, view: CallView) -> None:
        """It is so, and the agent has heard it."""
        self.view = view
        self._server.show(view)
        await self._station.advance(1)
        await self._station.until(lambda: self._station.agent._neighbours.call == view)

    async def take(self, version: int) -> None:
        """The agent has this version in force, and station-call takes it."""
        await self._station.view(lambda view: view.config_version == version)
        await self.show(replace(self.view, config_version=version))


@asynccontextmanager
async def station_at_five(folder: Path) -> AsyncIterator[tuple[Station, Call]]:
    """A station that works by version 5, which has proven itself."""
    async with running_agent(folder) as station:
        server = station.call_process()
        await server.start()
        call = Call(server, station)
        await call.show(call.view)
        station.say(Desired(5, GOOD), "desired", retain=True)
        await call.take(5)
        await station.advance(WELL_S + 2)
        assert "good" not in _file(station)
        try:
            yield station, call
        finally:
            await server.stop()


def _file(station: Station) -> dict[str, object]:
    document: dict[str, object] = json.loads((station.state / "config.json").read_text())
    return document


async def test_a_config_that_costs_the_call_is_taken_back_reported_told_and_not_tried_again(tmp_path: Path) -> None:
    async with station_at_five(tmp_path) as (station, call):
        station.say({"version": 6, "config": {"clinic": ""}}, "desired", retain=True)
        await call.take(6)
        await station.until(lambda: station.sent("up/reported")[-1]["proving"]["on_trial"])
        await call.show(replace(call.view, state="fault", fault="no_clinic"))
        assert _file(station)["version"] == 6
        await station.advance(CALL_S + 2)
        view = await station.view(lambda view: view.config_version == 5)
        assert view.config == GOOD
        await station.until(lambda: station.sent("up/reported")[-1]["version"] == 5)
        told = station.sent("up/reported")[-1]
        assert told["refused"] == {"document": "taken back: call failed"}
        assert told["proving"]["taken_back"] == {"version": 6, "why": "call failed", "lasting": True}
        await station.until(lambda: station.sent("up/e/config_taken_back"))
        assert station.sent("up/e/config_taken_back") == [{"detail": "call_failed", "count": 1}]
        await call.show(replace(call.view, state="idle", fault=None, config_version=5))
        reports = len(station.sent("up/reported"))
        station.say({"version": 6, "config": {"clinic": ""}}, "desired", retain=True)
        await station.born(reports + 1)
        assert station.sent("up/reported")[-1]["version"] == 5
        assert _file(station)["config"]["clinic"] == "Lægehuset"  # type: ignore[index]


async def test_it_is_not_tried_again_by_the_next_run_of_the_agent_either(tmp_path: Path) -> None:
    async with station_at_five(tmp_path) as (station, call):
        station.say({"version": 6, "config": {"clinic": ""}}, "desired", retain=True)
        await call.take(6)
        await call.show(replace(call.view, state="fault", fault="no_clinic"))
        await station.advance(CALL_S + 2)
        await station.view(lambda view: view.config_version == 5)
        await station.stop()
        station.agent = station.boot()
        before = len(station.sent("up/reported"))
        await station.start()
        await station.until(lambda: len(station.sent("up/reported")) >= before + 2)
        for report in station.sent("up/reported")[before:]:
            assert (report["version"], report["refused"]) == (5, {"document": "taken back: call failed"})


def _address(station: Station) -> str:
    """Of the cable, as the machine has it."""
    address: str = json.loads((station.run / SHOWN).read_text())["wired"]["ip"]["address"]
    return address


async def test_a_config_that_costs_the_link_is_taken_back_and_said_when_the_link_is_there_again(tmp_path: Path) -> None:
    async with station_at_five(tmp_path) as (station, call):
        station.say({"version": 6, "config": NETWORK}, "desired", retain=True)
        await call.take(6)
        assert _address(station) == "10.0.0.5/24"
        station.broker.cut(AGENT)
        await station.advance(LINK_S + 2)
        await call.take(5)
        assert _address(station) == ""
        said = len(station.sent("up/reported"))
        station.broker.restore(AGENT)
        await station.until(lambda: len(station.sent("up/reported")) >= said + 2)  # the birth's, and to version 6 again
        for report in station.sent("up/reported")[said:]:
            assert (report["version"], report["refused"]) == (5, {"document": "taken back: link lost"})
        await station.until(lambda: station.sent("up/e/config_taken_back") == [{"detail": "link_lost", "count": 1}])


async def test_an_outage_without_a_change_of_network_takes_nothing_back(tmp_path: Path) -> None:
    async with station_at_five(tmp_path) as (station, call):
        station.say({"version": 6, "config": {"clinic": "Lægehuset", "volume": 20}}, "desired", retain=True)
        await call.take(6)
        station.broker.cut(AGENT)
        await station.advance(LINK_S * 3)
        view = await station.view(lambda _: True)
        assert (view.link, view.config_version, view.config.volume) == ("down", 6, 20)


async def test_a_config_waits_for_the_end_of_a_running_call(tmp_path: Path) -> None:
    async with station_at_five(tmp_path) as (station, call):
        await call.show(replace(call.view, state="in_call", light="live"))
        reports = len(station.sent("up/reported"))
        station.say({"version": 6, "config": {"clinic": "Lægehuset", "volume": 20}}, "desired", retain=True)
        await station.born(reports + 1)
        assert station.sent("up/reported")[-1]["version"] == 5
        await station.advance(600)
        assert _file(station)["version"] == 5
        await call.show(replace(call.view, state="feedback", light="off", reason="resident_left"))
        await station.view(lambda view: view.config_version == 6)
        await station.until(lambda: station.sent("up/reported")[-1]["version"] == 6)


async def test_a_disk_that_refuses_does_not_keep_a_bad_config_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with station_at_five(tmp_path) as (station, call):
        station.say({"version": 6, "config": {"clinic": ""}}, "desired", retain=True)
        await call.take(6)
        await call.show(replace(call.view, state="fault", fault="no_clinic"))

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as broken:
            broken.setattr("device.agent.config_store.write_whole", full)
            await station.advance(CALL_S + 10)
            await station.view(lambda view: view.config_version == 5)
            assert caplog.text.count("cannot be kept") == 1, "said once, not every second"
        await station.advance(2)
        assert _file(station)["version"] == 5


async def test_a_log_level_is_carried_out_and_taken_back_with_its_config(tmp_path: Path) -> None:
    async with station_at_five(tmp_path) as (station, call):
        station.say({"version": 6, "config": {"clinic": "", "log_level": "debug"}}, "desired", retain=True)
        await call.take(6)
        await station.until(lambda: station.log_levels[-1] == "debug")
        assert station.sent("up/reported")[-1]["refused"] == {}
        await call.show(replace(call.view, state="fault", fault="no_clinic"))
        await station.advance(CALL_S + 2)
        assert station.log_levels[-1] == "info"
