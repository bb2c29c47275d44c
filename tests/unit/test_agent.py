"""The agent as region and neighbours see it: birth, config, health, events, and nothing lost when the link is away."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from device.agent.config_store import ConfigStore
from device.agent.desired import InForce
from device.agent.health_reports import HealthReports
from device.agent.trial import Journal
from messaging.call import Devices
from messaging.link.local import LocalServer
from messaging.local import AgentView, LogLine, Press, Refusal, ScreenAlive, Watch, from_line, to_line
from messaging.topics import region_subscriptions, up
from messaging.twin import Config, Desired
from tests.kits.servers.memory_broker import MemoryBroker
from tests.kits.station.agent import AGENT, STATION, Station, call_view, running_agent


def _conn(station: Station) -> dict[str, object]:
    data: dict[str, object] = json.loads(station.broker.retained[up(STATION, "conn", "agent")])["data"]
    return data


async def test_an_agent_that_connects_says_who_and_what_it_is(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        conn = _conn(station)
        assert (conn["process"], conn["state"], conn["bd"]) == ("agent", "online", 1)
        (birth,) = station.sent("up/birth")
        assert birth["hardware"] == "sim"
        assert birth["config_version"] == 0
        assert birth["certificate_expires"] == station.clock.wall() + 45 * 86_400
        assert "laegeknap" in birth["versions"]
        assert station.sent("up/reported")[0]["refused"] == {}


async def test_will_and_birth_carry_one_number_and_each_connection_a_new_one(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        station.broker.cut(AGENT, say_will=True)
        will = _conn(station)
        assert (will["state"], will["bd"]) == ("offline", 1)
        assert will["boot"] == station.sent("up/conn/agent")[0]["boot"]


async def test_an_orderly_end_is_said_under_the_number_of_the_birth(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        await station.stop()
        assert (_conn(station)["state"], _conn(station)["bd"]) == ("offline", 1)


async def test_a_rebirth_is_given_when_asked_for_and_a_heap_of_requests_gets_one(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        await station.advance(5)
        for _ in range(20):
            station.say({}, "rebirth")
        await station.born(2)
        await station.advance(0)
        assert len(station.sent("up/birth")) == 2
        await station.advance(5)
        station.say({}, "rebirth")
        await station.born(3)


async def test_asked_whether_it_is_there_the_agent_says_so_under_the_number_of_its_connection(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        (first,) = station.sent("up/conn/agent")
        station.say({}, "conn", "agent")
        await station.advance(0)
        _, again = station.sent("up/conn/agent")
        assert again == first | {"answers": True}
        assert _conn(station)["answers"]
        assert len(station.sent("up/birth")) == 1, "and no more than that"


async def test_a_station_that_was_another_before_works_by_the_config_of_the_one_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").mkdir()
    former = Journal(InForce(9, Config(clinic="Et andet lægehus")), station="st-former00")
    ConfigStore(tmp_path / "state" / "config.json").save(former)
    async with running_agent(tmp_path) as station:
        assert station.sent("up/birth")[0]["config_version"] == 0
        station.say(Desired(1, Config(clinic="Lægehuset")), "desired", retain=True)
        view = await station.view(lambda view: view.config_version == 1)
        assert (view.config.clinic, view.config.site) == ("Lægehuset", "")
        assert station.sent("up/reported")[-1]["refused"] == {}
    assert ConfigStore(tmp_path / "state" / "config.json").load().station == STATION
    assert "the config of st-former00 is dropped" in caplog.text


async def test_desired_config_is_on_disk_before_it_is_reported_and_then_shown(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        wanted = Config(clinic="Lægehuset", language="en", volume=30)
        station.say(Desired(3, wanted), "desired", retain=True)
        await station.born(2)
        assert json.loads((station.state / "config.json").read_text())["version"] == 3
        assert station.sent("up/reported")[-1]["version"] == 3
        view = await station.view(lambda view: view.config_version == 3)
        assert view.config == wanted


async def test_config_is_in_force_after_a_restart_with_the_region_away(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        station.say(Desired(3, Config(clinic="Lægehuset")), "desired")
        await station.born(2)
        await station.stop()
        station.broker = MemoryBroker()
        station.broker.cut(AGENT)
        station.agent = station.boot()
        await station.start()
        view = await station.view(lambda view: view.enrolled)
        assert (view.link, view.config.clinic, view.config_version) == ("down", "Lægehuset", 3)


async def test_a_refused_config_is_reported_with_its_reason_and_told_as_an_event_once(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        for _ in range(3):
            station.say({"version": 4, "config": {"clinic": "A", "volume": 900}}, "desired")
        await station.born(4)
        reported = station.sent("up/reported")[-1]
        assert (reported["version"], reported["config"]["clinic"]) == (4, "A")
        assert reported["refused"] == {"volume": "not between 0 and 100"}
        await station.until(lambda: station.sent("up/e/config_refused"))
        await station.advance(1)
        assert station.sent("up/e/config_refused") == [{"detail": "", "count": 1}]


async def test_a_disk_that_takes_no_config_keeps_the_old_one_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_agent(tmp_path) as station:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("device.agent.config_store.write_whole", full)
        station.say(Desired(3, Config(clinic="A")), "desired")
        await station.born(2)
        reported = station.sent("up/reported")[-1]
        assert reported["version"] == 0
        assert reported["refused"] == {"document": "cannot be kept: the disk refuses"}


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"not json", ("desired",)),
        (b"\xff" * 100, ("desired",)),
        (b"[" * 5000, ("desired",)),
        (b"x" * 70_000, ("desired",)),
        (b'{"v":9,"id":"i","boot":"b","seq":1,"mono":0,"wall":0,"clock":"ntp","data":{}}', ("desired",)),
        (b"{}", ("cmd", "reboot", "c1")),
    ],
)
async def test_what_is_no_message_is_counted_acknowledged_and_costs_nothing(
    tmp_path: Path, payload: bytes, words: tuple[str, ...]
) -> None:
    async with running_agent(tmp_path) as station:
        topic = "/".join((f"vs/1/d/{STATION}/dn", *words))
        before = len(station.broker.log)
        station.broker.publish("region", topic, payload)
        station.say(Desired(1, Config(clinic="A")), "desired")
        await station.born(2)
        assert len(station.broker.log) > before
        await station.advance(130)
        await station.until(lambda: station.sent("up/m/health"))
        assert station.sent("up/m/health")[-1]["refused_messages"] == 1
        assert station.broker._sessions[AGENT].unacknowledged == {}


async def test_what_station_call_refused_is_reported_too_and_a_restart_of_it_loses_nothing(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        station.broker.publish("region", f"vs/1/d/{STATION}/dn/desired", b"not json")
        for boot, refused in (("run-1", 30), ("run-1", 40), ("run-2", 2)):
            call = station.call_process()
            await call.start()
            call.show(replace(call_view(boot), refused_messages=refused))
            await station.advance(1)
            await station.view(lambda view: view.processes["call"] == "running")
            await call.stop()
            await station.view(lambda view: view.processes["call"] == "restarting")
        await station.advance(70)
        await station.until(lambda: 43 in [report["refused_messages"] for report in station.sent("up/m/health")])


async def test_a_command_left_at_the_broker_is_dropped(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        station.say({"do": "it"}, "cmd", "reboot", "c1", retain=True)
        await station.advance(1)
        assert not [topic for _, topic, _ in station.broker.log if "/up/cmd/" in topic]


async def test_health_is_reported_every_interval_with_some_jitter(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        await station.advance(4)
        await station.until(lambda: len(station.sent("up/m/health")) == 1)
        await station.advance(10 * 60)
        await station.until(lambda: 9 <= len(station.sent("up/m/health")) <= 12)
        view = await station.view(lambda view: view.last_report is not None)
        assert view.hardware == "sim"


async def test_what_happens_while_the_link_is_away_arrives_afterwards_in_order(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        await station.advance(4)
        station.broker.cut(AGENT)
        await station.advance(5 * 60)
        held = len(station.sent("up/m/health"))
        station.broker.restore(AGENT)
        await station.until(lambda: len(station.sent("up/m/health")) >= held + 4)
        uptimes = [json.loads(p)["seq"] for _, topic, p in station.broker.log if topic.endswith("m/health")]
        assert uptimes == sorted(uptimes)


async def test_what_waited_survives_the_agent(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.enrol()
    station.broker.cut(AGENT)
    await station.start()
    await station.advance(200)
    await station.stop()
    assert station.sent("up/m/health") == []
    station.broker = MemoryBroker()  # back without what it had kept, and before the region is
    station.agent = station.boot()
    await station.start()
    await station.until(lambda: station.sent("up/m/health"))
    first = station.sent("up/m/health")[0]
    station.broker.attach("region", region_subscriptions(), None)
    await station.advance(6)
    await station.until(lambda: len(station.sent("up/m/health")) >= 4)
    assert station.sent("up/m/health")[1] == first, "what nobody heard is said again"
    await station.stop()


async def test_what_the_broker_refuses_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        station.broker.refuse(AGENT, up(STATION, "m", "health"))
        await station.advance(100)
        call = station.call_process()
        await call.start()
        call.show(call_view())
        await station.advance(1)
        await station.view(lambda view: view.processes["call"] == "running")
        await call.stop()
        await station.until(lambda: station.sent("up/e/process_gone"))
        assert station.sent("up/m/health") == []


async def test_a_broker_that_refuses_the_birth_is_asked_again_until_it_takes_it(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.enrol()
    station.broker.refuse(AGENT, f"vs/1/d/{STATION}/up/#")
    await station.start()
    await station.advance(50)
    assert station.broker.log == []
    station.broker.refuse(AGENT)
    await station.advance(20)
    await station.born()
    await station.until(lambda: station.sent("up/m/health"))
    await station.stop()


async def test_a_ruined_outbox_is_told(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.enrol()
    (station.state / "outbox.sqlite").write_bytes(bytes(8192) + b"x")
    await station.start()
    await station.until(lambda: station.sent("up/e/outbox_damaged"))
    await station.stop()


async def test_station_call_s_death_is_told_and_its_devices_are_no_longer_called_good(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        call = station.call_process()
        await call.start()
        call.show(call_view("run-1", Devices("ok", "missing", "ok")))
        await station.advance(1)
        await station.view(lambda view: view.processes["call"] == "running")
        await station.advance(70)
        await station.until(lambda: station.sent("up/m/health"))
        assert station.sent("up/m/health")[-1]["devices"]["microphone"] == "missing"
        await call.stop()
        await station.view(lambda view: view.processes["call"] == "restarting")
        await station.until(lambda: station.sent("up/e/process_gone") == [{"detail": "call", "count": 1}])
        again = station.call_process()
        await again.start()
        again.show(call_view("run-2"))
        await station.advance(1)
        await station.until(lambda: station.sent("up/e/process_restarted") == [{"detail": "call", "count": 1}])
        await again.stop()
        await station.advance(20)
        await station.view(lambda view: view.processes["call"] == "stopped")


async def test_the_screen_is_there_while_it_says_that_it_draws(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        await station.tell_agent(ScreenAlive(1))
        await station.view(lambda view: view.processes["screen"] == "running")
        await station.advance(8)
        await station.view(lambda view: view.processes["screen"] == "restarting")


async def test_what_the_agent_does_not_do_is_refused(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        reader, writer = await asyncio.open_unix_connection(station.run / "agent.sock")
        await reader.readline()
        writer.write(to_line(Press()))
        assert from_line(await reader.readline()) == Refusal("unexpected")
        writer.close()


async def test_its_log_can_be_watched_and_shows_no_config_of_others(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        reader, writer = await asyncio.open_unix_connection(station.run / "agent.sock")
        await reader.readline()
        writer.write(to_line(Watch("log")))
        await station.until(lambda: station.agent._server.watched("log"))
        station.say({"version": 2, "config": {"volume": "Karen Jensen"}}, "desired")
        lines = []
        while not any("config refused" in line.text for line in lines):
            message = from_line(await asyncio.wait_for(reader.readline(), 10))
            if isinstance(message, LogLine):
                lines.append(message)
        assert "Karen" not in str(lines)
        writer.close()


async def test_the_watchdog_is_fed_while_the_machine_answers_and_not_when_it_has_stalled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_agent(tmp_path) as station:
        await station.advance(60)
        assert station.watchdog.fed >= 50

        stalled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def never(_self: HealthReports) -> None:
            await stalled

        monkeypatch.setattr(HealthReports, "_report", never)
        await station.advance(300)
        fed = station.watchdog.fed
        await station.advance(60)
        assert station.watchdog.fed == fed


async def test_a_certificate_that_has_run_out_is_said(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as station:
        path = tmp_path / "machine/run/systemd/timesync/synchronized"
        path.parent.mkdir(parents=True)
        path.touch()
        assert (await station.view(lambda _: True)).enrolment_error == ""
        station.clock.set_wall(station.clock.wall() + 46 * 86_400)  # type: ignore[attr-defined]
        await station.advance(2)
        assert (await station.view(lambda view: view.clock == "ntp")).enrolment_error == "certificate_expired"
        assert (station.state / "clock").exists()


async def test_an_enrolled_station_never_shows_itself_as_not_enrolled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[AgentView] = []
    honest = LocalServer.show

    def show(self: LocalServer, view: AgentView) -> None:
        shown.append(view)
        honest(self, view)

    monkeypatch.setattr(LocalServer, "show", show)
    async with running_agent(tmp_path):
        assert shown
        assert all(view.enrolled for view in shown)


async def test_a_damaged_identity_is_said_and_nothing_is_made_up(tmp_path: Path) -> None:
    station = Station(tmp_path)
    (station.state / "identity.json").write_bytes(bytes(100))
    await station.start()
    view = await station.view(lambda view: bool(view.enrolment_error))
    assert (view.enrolled, view.enrolment_error) == (False, "state_unusable")
    await station.stop()


async def test_a_station_that_is_not_enrolled_says_why_and_reports_to_nobody(tmp_path: Path) -> None:
    async with running_agent(tmp_path, enrolled=False) as station:
        view = await station.view(lambda view: bool(view.enrolment_error))
        assert (view.enrolled, view.enrolment_error, view.link) == (False, "no_code_file", "down")
        await station.advance(300)
        assert station.broker.log == []
