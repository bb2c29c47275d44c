"""How stations stand: decided from what is known, and shown in plain words."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from messaging.call import Devices
from messaging.codec import encode
from messaging.envelope import Envelope
from messaging.errors import MessageError
from messaging.health import Event, Health
from messaging.settings import Telemetry
from messaging.status import Birth, Connection
from messaging.topics import Topic
from messaging.twin import Config, Proving, Reported, TakenBack
from region.fleet.intake import EVENTS_WITHIN_S, MOST_EVENTS, Intake
from region.fleet.remark_words import WORDS as REMARKS
from region.fleet.standing import DAY_S, STALE_S, Standing, standing
from region.fleet.subject import subject as fleet_subject
from region.fleet.words import WORDS
from region.registry.records import AuditRow, ProcessPresence, Report, Station
from region.web.words import LANGUAGES
from tests.kits.region.app import Kit, region_kit

NOW = 1_800_000_000.0
STATION = Station("st-00000001", "Room 4", 1, "Solgården", 1, "Bakkens Klinik", "", "da", 70, 3, 3, NOW)
WELL = Health(
    100.0, "ntp", Devices(), {"screen": "running"}, {"laegeknap": "1"}, temperature_c=50.0, disk_free_mb=5000,
    disk_total_mb=8000, memory_free_mb=900, memory_total_mb=2000, link="wifi", wifi_dbm=-50,
)  # fmt: skip


def _process(process: str, state: str = "online", call: str | None = None) -> ProcessPresence:
    return ProcessPresence(STATION.id, process, state, "b1", 1, call, {"laegeknap": "1"}, NOW - 100)


def _stands(
    health: Health | None = WELL, *, agent: str = "online", call: str = "online", age_s: float = 30.0,
    station: Station = STATION, in_force: int = 3, refused: dict[str, str] | None = None, in_call: str | None = None,
    certificate_s: float = 40 * DAY_S, proving: Proving | None = None, config: Config | None = None,
) -> Standing:  # fmt: skip
    told = Reported(in_force, config or Config(), refused or {}, proving or Proving())
    reports = [Report(station.id, "reported", encode(told), "b1", 2, NOW - age_s)]
    birth = Birth("rpi", {}, in_force, NOW + certificate_s)
    reports.append(Report(station.id, "birth", encode(birth), "b1", 1, NOW - age_s))
    if health is not None:
        reports.append(Report(station.id, "m/health", encode(health), "b1", 3, NOW - age_s))
    return standing(station, [_process("agent", agent), _process("call", call, in_call)], reports, NOW)


def _took_back(why: str, version: int = 3) -> Proving:
    return Proving(taken_back=TakenBack(version, why))


@pytest.mark.parametrize(
    ("state", "in_force", "proving"),
    [
        ("in_force", 3, Proving()),
        ("on_trial", 3, Proving(on_trial=True)),
        ("waits", 2, Proving()),
        ("waits", 2, Proving(on_trial=True)),  # another than what is desired
        ("waits", 1, Proving(waiting=2)),
        ("waits_for_call", 2, Proving(waiting=3)),
        ("taken_back", 2, _took_back("link lost")),
        ("waits", 1, _took_back("link lost", 2)),
    ],
)
def test_it_is_told_how_far_what_is_desired_has_come(state: str, in_force: int, proving: Proving) -> None:
    stands = _stands(in_force=in_force, proving=proving)
    assert stands.config_state == state
    assert all(f"fleet.config.{state}" in WORDS[language] for language in LANGUAGES)


def test_to_be_on_trial_or_to_wait_for_a_call_is_nothing_to_worry_about() -> None:
    assert _stands(proving=Proving(on_trial=True)).remarks == ()
    assert _stands(in_force=2, proving=Proving(waiting=3)).remarks == ()


def test_a_station_that_is_well_is_ready_and_nothing_is_remarked() -> None:
    stands = _stands()
    assert (stands.ready, stands.level, stands.remarks) == (True, "good", ())
    assert (stands.version_in_force, stands.last_report, stands.in_call) == (3, NOW - 30, False)
    assert _stands(in_call="c1").in_call


@pytest.mark.parametrize(
    ("code", "ready", "how"),
    [
        ("no_clinic", False, {"station": replace(STATION, clinic_id=None)}),
        ("offline", False, {"agent": "offline", "call": "offline"}),
        ("call_offline", False, {"call": "offline"}),
        ("agent_offline", True, {"agent": "offline"}),
        ("unheard", False, {"agent": "unheard", "call": "unheard"}),
        ("unheard", False, {"agent": "offline", "call": "unheard"}),
        ("unheard", False, {"agent": "unheard", "call": "offline"}),
        ("call_unheard", False, {"call": "unheard"}),
        ("agent_unheard", True, {"agent": "unheard"}),
        ("no_report", True, {"health": None}),
        ("old_report", True, {"age_s": STALE_S + 1}),
        ("no_devices", False, {"health": replace(WELL, devices=Devices("missing", "fault", "ok"))}),
        ("locked", False, {"health": replace(WELL, locked=True)}),
        ("camera_missing", True, {"health": replace(WELL, devices=Devices("missing", "ok", "ok"))}),
        ("camera_fault", True, {"health": replace(WELL, devices=Devices("fault", "ok", "ok"))}),
        ("microphone_missing", True, {"health": replace(WELL, devices=Devices("ok", "missing", "ok"))}),
        ("speaker_fault", True, {"health": replace(WELL, devices=Devices("ok", "ok", "fault"))}),
        ("hot", True, {"health": replace(WELL, temperature_c=85.0)}),
        ("disk_full", True, {"health": replace(WELL, disk_free_mb=100)}),
        ("memory_full", True, {"health": replace(WELL, memory_free_mb=50)}),
        ("weak_wifi", True, {"health": replace(WELL, wifi_dbm=-80)}),
        ("no_clock", True, {"health": replace(WELL, clock="unset")}),
        ("no_screen", True, {"health": replace(WELL, processes={"screen": "stopped"})}),
        ("certificate_ends", True, {"certificate_s": 6 * DAY_S}),
        ("certificate_ended", True, {"certificate_s": -1.0}),
        ("config_waits", True, {"in_force": 2}),
        ("config_refused", True, {"refused": {"volume": "out of range"}}),
        ("config_cost_link", True, {"in_force": 2, "proving": _took_back("link lost")}),
        ("config_cost_call", True, {"in_force": 2, "proving": _took_back("call failed")}),
        ("config_cost_agent", True, {"in_force": 2, "proving": _took_back("agent failed")}),
        ("config_taken_back", True, {"in_force": 2, "proving": _took_back("<b>of a newer station</b>")}),
        ("config_waits", True, {"in_force": 1, "proving": _took_back("link lost", 2)}),
    ],
)
def test_each_fault_is_told_and_only_what_prevents_a_call_says_no(code: str, ready: bool, how: dict) -> None:
    stands = _stands(**how)
    assert code in [remark.code for remark in stands.remarks]
    assert stands.ready is ready
    assert stands.level == ("warn" if ready else "bad")
    for told in REMARKS.values():  # and what is to be done about it
        assert {f"fleet.remark.{code}", f"fleet.do.{code}"} <= told.keys()


def test_a_station_that_is_set_to_report_once_an_hour_is_late_after_three() -> None:
    hourly = Config(telemetry=Telemetry(health_s=3600))
    assert _stands(age_s=2 * 3600.0, config=hourly).level == "good"
    late = _stands(age_s=3 * 3600.0 + 60, config=hourly)
    assert [(remark.code, remark.value) for remark in late.remarks] == [("old_report", "181")]


def test_a_report_made_before_the_call_program_was_there_says_nothing_of_devices() -> None:
    """The agent is up first, and its first report of each start knows no devices yet."""
    early = replace(
        WELL, devices=Devices("fault", "fault", "fault"), processes={"call": "stopped", "screen": "running"}
    )
    stands = _stands(early)
    assert (stands.ready, stands.remarks, stands.devices) == (True, (), None)
    assert not _stands(replace(early, processes={"call": "running"})).ready


def test_a_station_never_seen_is_not_ready() -> None:
    stands = standing(STATION, [], [], NOW)
    assert [remark.code for remark in stands.remarks] == ["never_seen"]
    assert (stands.ready, stands.last_seen) == (False, None)


def test_a_report_of_an_older_version_that_cannot_be_read_is_as_none() -> None:
    reports = [Report(STATION.id, "m/health", {"uptime_s": "long"}, "b1", 1, NOW)]
    assert standing(STATION, [_process("agent"), _process("call")], reports, NOW).health is None


def _envelope(message: object, wall: float = NOW - 50, clock: str = "ntp", **more: object) -> Envelope:
    return Envelope(1, "id", "b1", 1, 5.0, wall, clock, {**encode(message), **more})


async def _tell(kit: Kit, station: str, branch: str, *words: str, envelope: Envelope) -> None:
    await Intake(kit.region.registry, kit.clock).handle(Topic(station, "up", branch, words), envelope)


async def test_only_what_the_report_allows_is_kept(kit: Kit) -> None:
    _, _, station = await kit.places()
    envelope = _envelope(WELL, patient="Karen Hansen", cpr="010203-1234", picture="data:image/jpeg;base64,AAAA")
    await _tell(kit, station.id, "m", "health", envelope=envelope)
    async with kit.region.registry.read() as t:
        kept = await t.reports.report(station.id, "m/health")
    assert kept is not None
    assert kept.data == encode(WELL)


@pytest.mark.parametrize(
    ("clock", "wall", "at"), [("ntp", NOW - 50, NOW - 50), ("ntp", NOW + 999, NOW), ("unset", 5.0, NOW)]
)
async def test_a_report_is_dated_by_the_station_only_if_its_clock_can_be_trusted(
    kit: Kit, clock: str, wall: float, at: float
) -> None:
    _, _, station = await kit.places()
    await _tell(kit, station.id, "m", "health", envelope=_envelope(WELL, wall, clock))
    async with kit.region.registry.read() as t:
        kept = await t.reports.report(station.id, "m/health")
    assert kept is not None
    assert kept.at == at


@pytest.mark.parametrize("words", [("loudness",), ("voice",)])
async def test_a_measurement_nobody_knows_is_refused(kit: Kit, words: tuple[str, ...]) -> None:
    _, _, station = await kit.places()
    with pytest.raises(MessageError):
        await _tell(kit, station.id, "m", *words, envelope=_envelope(WELL))


async def test_an_event_is_in_the_log(kit: Kit) -> None:
    _, _, station = await kit.places()
    await _tell(kit, station.id, "e", "restart", envelope=_envelope(Event("call", 2)))
    async with kit.region.registry.read() as t:
        (row,) = await t.audit.recent()
    assert (row.actor, row.outcome, row.detail) == (station.id, "restart", {"detail": "call", "count": 2})


async def test_the_page_tells_in_words_whether_a_call_would_work(kit: Kit) -> None:
    _, _, station = await kit.places()
    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan) as browser:
        assert "It has never been connected" in (await browser.get("/fleet")).text
        async with kit.region.registry.begin() as t:
            for process in ("agent", "call"):
                await t.reports.set_presence(
                    station.id, Connection(process, "online", "b1", 1, {"laegeknap": "0.1"}), NOW
                )
        await _tell(kit, station.id, "birth", envelope=_envelope(Birth("sim", {}, 1)))
        hot = replace(WELL, devices=Devices("missing", "ok", "ok"))
        await _tell(kit, station.id, "m", "health", envelope=_envelope(hot))
        await _tell(kit, station.id, "reported", envelope=_envelope(Reported(1, Config(), {})))
        page = (await browser.get("/fleet")).text
        assert "1 of 1 stations can make a call now" in page
        assert "Yes, but" in page
        assert "No camera is connected" in page
        (told,) = (await browser.get("/api/fleet")).json()
    assert told["standing"]["ready"] is True
    assert [remark["code"] for remark in told["standing"]["remarks"]] == ["camera_missing"]


async def test_the_log_is_paged(kit: Kit) -> None:
    ivan = await kit.person("ivan", "it_admin")
    async with kit.region.registry.begin() as t:
        for number in range(150):
            await t.audit.add("anna", "thing.done", f"outcome{number}", NOW)
    async with kit.signed_in(ivan) as browser:
        first = (await browser.get("/audit")).text
        assert "outcome149" in first
        assert "outcome20<" not in first
        older = first.partition('href="/audit?before=')[2].partition('"')[0]
        assert "outcome20<" in (await browser.get(f"/audit?before={older}")).text
        for wrong in ("0", "-1", "9" * 30):
            assert (await browser.get(f"/audit?before={wrong}")).status_code == 422, wrong


async def test_events_past_sixty_an_hour_are_one_row_that_counts_them(kit: Kit) -> None:
    _, _, station = await kit.places()
    intake = Intake(kit.region.registry, kit.clock)
    for number in range(MOST_EVENTS + 25):
        await intake.handle(Topic(station.id, "up", "e", ("restart",)), _envelope(Event("call", number)))
    await intake.tell_left_out()
    assert [row.outcome for row in await _log(kit)] == ["restart"] * MOST_EVENTS
    await kit.clock.advance(EVENTS_WITHIN_S)
    await intake.tell_left_out()
    await intake.tell_left_out()
    newest, *rest = await _log(kit)
    assert (newest.outcome, newest.detail["count"], len(rest)) == ("events_left_out", 25, MOST_EVENTS)
    await intake.handle(Topic(station.id, "up", "e", ("restart",)), _envelope(Event("call", 1)))
    assert (await _log(kit))[0].outcome == "restart"


async def test_one_noisy_station_takes_no_room_from_another(kit: Kit) -> None:
    _, site, noisy = await kit.places()
    async with kit.region.registry.begin() as t:
        other = await t.stations.add("Room 5", site.id, None, NOW)
    intake = Intake(kit.region.registry, kit.clock)
    for _ in range(MOST_EVENTS + 1):
        await intake.handle(Topic(noisy.id, "up", "e", ("restart",)), _envelope(Event()))
    await intake.handle(Topic(other.id, "up", "e", ("enrolled",)), _envelope(Event()))
    assert (await _log(kit))[0].actor == other.id


async def test_what_was_left_out_is_told_before_the_region_ends(tmp_path: Path) -> None:
    async with region_kit(tmp_path) as kit:
        _, _, station = await kit.places()
        subject = fleet_subject(kit.region)
        assert subject.duty is not None
        running = asyncio.create_task(subject.duty())
        for _ in range(MOST_EVENTS + 2):
            await subject.up["e"].handle(Topic(station.id, "up", "e", ("restart",)), _envelope(Event()))
        await kit.clock.advance(5)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        newest = (await _log(kit))[0]
    assert (newest.outcome, newest.detail["count"]) == ("events_left_out", 2)


async def _log(kit: Kit) -> list[AuditRow]:
    async with kit.region.registry.read() as t:
        return await t.audit.recent(500)
