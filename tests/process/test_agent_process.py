"""The real station-agent: enrols itself, connects by mutual TLS, is told config, reports, and loses nothing."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from messaging.envelope import Envelope
from messaging.link.port import LinkRefused, Up
from messaging.topics import Topic
from messaging.twin import Config
from tests.process.agent_stage import STATION, agent_stage

pytestmark = pytest.mark.system


async def test_from_a_code_file_to_a_station_that_is_configured_and_reports(tmp_path: Path) -> None:
    async with agent_stage(tmp_path) as stage:
        content = await stage.est.print_code(stage.code)
        await stage.start_agent()
        online = await stage.hear_conn("online")
        birth = await stage.hear_branch("birth")
        assert birth.data["hardware"] == "sim"
        assert await stage.est.enrolment.confirm(STATION, birth.data["certificate_expires"])
        enrolled = await stage.hear_branch("e")
        assert enrolled.data == {"detail": "", "count": 1}
        assert not stage.code.exists()

        await stage.desire(7, Config(clinic="Lægehuset", language="en"))
        reported = await stage.hear(lambda t, e: t.branch == "reported" and e.data["version"] == 7)
        assert reported.data["config"]["clinic"] == "Lægehuset"
        assert json.loads((stage.state / "config.json").read_text())["version"] == 7

        health = await stage.hear_branch("m")
        assert health.data["processes"] == {"agent": "running", "call": "restarting", "screen": "restarting"} or (
            health.data["processes"]["call"] == "stopped"
        )
        code, text = await stage.station("status", "--json")
        assert code == 1
        assert json.loads(text)["reasons"] == ["station-call: does not run"]

        assert await stage.end_agent() == 0
        offline = await stage.hear_conn("offline")
        assert (offline.data["boot"], offline.data["bd"]) == (online.data["boot"], online.data["bd"])
        code, text = await stage.station("status", "--json")
        assert code == 3
        wire = json.dumps([envelope.data for _, envelope in stage.heard])
        assert content.code not in wire


async def test_an_agent_that_is_killed_comes_back_as_itself_without_enrolling_again(tmp_path: Path) -> None:
    async with agent_stage(tmp_path) as stage:
        await stage.est.print_code(stage.code)
        await stage.start_agent()
        first = await stage.hear_conn("online")
        await stage.hear_branch("e")
        await stage.end_agent(signal.SIGKILL)
        heard = len(stage.heard)
        stage.est.asked.clear()
        await stage.start_agent()
        second = await stage.hear_conn("online", heard)
        assert second.boot != first.boot
        await stage.hear_branch("birth", heard)
        assert [path for path in stage.est.asked if "/time/" not in path] == []
        assert await stage.end_agent() == 0


async def test_what_is_measured_while_the_broker_is_away_arrives_when_it_is_back(tmp_path: Path) -> None:
    async with agent_stage(tmp_path) as stage:
        await stage.est.print_code(stage.code)
        await stage.start_agent()
        before = await stage.hear_branch("m")
        await stage.broker_away()
        waiting = await _report_while_away(stage.run / "agent.sock")
        heard = len(stage.heard)
        await stage.broker_back()

        def measured_meanwhile(topic: Topic, envelope: Envelope) -> bool:  # what came before may come once more
            return topic.branch == "m" and envelope.seq > before.seq and envelope.wall <= waiting

        late = await stage.hear(measured_meanwhile, heard)
        assert late.boot == before.boot
        assert await stage.end_agent() == 0


async def _report_while_away(socket: Path) -> float:
    """When the agent made its first report after the link went down, by its own view."""
    reader, writer = await asyncio.open_unix_connection(socket)
    went_down = None
    async with asyncio.timeout(40):
        while True:
            view = json.loads(await reader.readline())
            if view["link"] == "up":
                continue
            went_down = went_down or view["last_report"]
            if view["last_report"] != went_down:
                writer.close()
                return float(view["last_report"])


async def test_a_station_s_certificate_opens_no_topic_of_another_station(tmp_path: Path) -> None:
    async with agent_stage(tmp_path) as stage:
        await stage.est.print_code(stage.code)
        await stage.start_agent()
        await stage.hear_branch("birth")
        intruder = stage.link_as_station("intruder")
        await intruder.start()
        async for event in intruder.events():
            if isinstance(event, Up):
                break
        await intruder.publish(f"vs/1/d/{STATION}/up/e/device_mended", stage.seal({}))
        await stage.hear(lambda topic, _: topic.words == ("device_mended",))
        with pytest.raises(LinkRefused):
            await intruder.publish("vs/1/d/st-00000001/up/e/device_mended", stage.seal({}))
        await intruder.stop()
        assert all(topic.station == STATION for topic, _ in stage.heard)
