"""The page of one station: how it is, in plain words with units, in both languages, and live."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.call import Devices
from messaging.codec import encode
from messaging.envelope import ClockTrust
from messaging.health import Health, ProcessState
from messaging.status import Birth, Connection
from messaging.times import rfc_3339
from messaging.twin import Config, Language, Proving, Reported, TakenBack
from region.fleet.facts import FactTeller
from region.fleet.printed import printed, why
from region.fleet.standing import Standing, standing
from region.fleet.words import WORDS
from region.registry.records import ProcessPresence, Report, Station
from region.web.subject import PresenceChange
from region.web.words import LANGUAGES, OWN, Catalogue
from tests.kits.region.app import Kit, every_subject

NOW = 1_800_000_000.0
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)  # what a message may hold
STATION = Station("st-00000001", "Room 4", 1, "Solgården", 1, "Bakkens Klinik", "", "da", 70, 3, 3, NOW)
HEALTH = Health(
    uptime_s=3 * 86_400 + 4 * 3600 + 59, clock="ntp", devices=Devices("ok", "missing", "fault"),
    processes={"agent": "running", "call": "running", "screen": "restarting"},
    versions={"laegeknap": "0.1.0", "python": "3.11", "something": "9"},
    temperature_c=51.26, disk_free_mb=5120, disk_total_mb=16_384, memory_free_mb=512, memory_total_mb=4096,
    link="wifi", wifi_dbm=-58, outbox_waiting=4, outbox_dropped=7, refused_messages=2,
)  # fmt: skip


def _stands(
    health: Health | None = HEALTH, *, call: str = "online", refused: dict[str, str] | None = None,
    proving: Proving | None = None,
) -> Standing:  # fmt: skip
    told = Reported(2, Config(), refused or {}, proving or Proving())
    presence = [
        ProcessPresence(STATION.id, "agent", "online", "b1", 1, None, {}, NOW - 500),
        ProcessPresence(STATION.id, "call", call, "b1", 1, None, {}, NOW - 300),
    ]
    reports = [
        Report(STATION.id, "birth", encode(Birth("rpi", {}, 2, NOW + 30 * 86_400)), "b1", 1, NOW - 500),
        Report(STATION.id, "reported", encode(told), "b1", 2, NOW - 400),
    ]
    if health is not None:
        reports.append(Report(STATION.id, "m/health", encode(health), "b1", 3, NOW - 60))
    return standing(STATION, presence, reports, NOW)


def _told(stands: Standing, language: Language = "en") -> dict[str, str]:
    catalogue = Catalogue()
    for words in (OWN, WORDS):
        catalogue.add(words)
    sections = FactTeller(catalogue.translator(language), catalogue.has).sections(stands)
    return {fact.name: f"{fact.text} {fact.at or ''}".strip() for section in sections for fact in section.facts}


def test_every_figure_is_told_in_words_with_its_unit() -> None:
    assert _told(_stands(refused={"volume": "expected a number", "newer": "unknown"})) == {
        "Agent": "running", "Call program": "running", "Last report": str(NOW - 60),
        "Certificate ends": str(NOW + 30 * 86_400), "Camera": "works", "Microphone": "not connected",
        "Speaker": "does not work", "Screen": "starting again", "Temperature": "51.3 °C",
        "Disk": "5.0 GB free of 16.0 GB", "Memory": "0.5 GB free of 4.0 GB", "Network": "Wi-Fi",
        "Wi-Fi signal": "good (\N{MINUS SIGN}58 dBm)", "Clock": "set from the network", "Running for": "3 d 4 h",
        "Reports waiting to be sent": "4", "Reports dropped for want of room": "7", "Messages refused": "2",
        "Wanted": "version 3", "In force": "version 2", "Refused: volume": "expected a number",
        "Refused: newer": "unknown", "Hardware": "Raspberry Pi", "Lægeknap": "0.1.0", "Python": "3.11",
        "something": "9",
    }  # fmt: skip


def test_how_a_config_proves_itself_is_told() -> None:
    assert _told(_stands(proving=Proving(on_trial=True)))["In force"].startswith("version 2, on trial")
    assert _told(_stands(proving=Proving(waiting=3)))["Waits for the end of a call"] == "version 3"


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        (TakenBack(3, "call failed"), "version 3: calls did not work with it; it is not tried again"),
        (TakenBack(3, "link lost", lasting=False), "version 3: it cost the station its network; it is tried again"),
        (TakenBack(3, "of a newer station"), "version 3: of a newer station; it is not tried again"),
    ],
)
def test_what_was_taken_back_is_told_once_with_why_and_what_follows(taken: TakenBack, told: str) -> None:
    facts = _told(_stands(refused={"document": f"taken back: {taken.why}"}, proving=Proving(taken_back=taken)))
    assert facts["Taken back"].startswith(told)
    assert "Refused: all of it" not in facts


def test_a_danish_reader_gets_danish_words_and_commas() -> None:
    told = _told(_stands(), "da")
    assert (told["Temperatur"], told["Disk"]) == ("51,3 °C", "5,0 GB ledig af 16,0 GB")
    assert (told["Ur"], told["Har kørt i"]) == ("stillet fra nettet", "3 d. 4 t.")


@pytest.mark.parametrize(("dbm", "word"), [(-60, "good"), (-61, "fair"), (-75, "fair"), (-76, "weak")])
def test_the_strength_of_wifi_is_a_word(dbm: int, word: str) -> None:
    assert _told(_stands(replace(HEALTH, wifi_dbm=dbm)))["Wi-Fi signal"].startswith(word)


def test_what_is_not_known_is_not_told() -> None:
    bare = _told(_stands(Health(60.0, "unset", Devices(), {}, {})))
    assert not {"Temperature", "Disk", "Memory", "Network", "Wi-Fi signal"} & bare.keys()
    assert (bare["Clock"], bare["Running for"]) == ("not set", "0 h 1 min")
    assert "Camera" not in _told(_stands(None))
    assert _told(standing(STATION, [], [], NOW))["In force"] == "none in force yet"


def test_devices_are_unknown_while_the_call_program_is_gone() -> None:
    told = _told(_stands(call="offline"))
    assert told["Camera"] == "not known now"


@given(
    st.builds(
        Health, uptime_s=st.floats(0, 1e10), clock=st.sampled_from(get_args(ClockTrust)),
        devices=st.builds(Devices, *(st.sampled_from(("ok", "missing", "fault")) for _ in range(3))),
        processes=st.dictionaries(TEXT, st.sampled_from(get_args(ProcessState)), max_size=8),
        versions=st.dictionaries(TEXT, TEXT, max_size=4),
        temperature_c=st.none() | st.floats(-60, 200), disk_free_mb=st.none() | st.integers(0, 2**40),
        disk_total_mb=st.none() | st.integers(0, 2**40),
        link=st.sampled_from(get_args(get_type_hints(Health)["link"])[0].__args__) | st.none(),
        wifi_dbm=st.none() | st.integers(-130, 0),
    ),
    st.sampled_from(LANGUAGES),
)  # fmt: skip
def test_any_report_that_is_taken_can_be_told(health: Health, language: Language) -> None:
    told = _told(_stands(health), language)
    words = WORDS[language]
    assert told[words["fleet.fact.clock"]] == words[f"fleet.clock.{health.clock}"]
    assert (words["fleet.fact.wifi"] in told) == (health.wifi_dbm is not None)


def test_the_command_line_tells_the_same() -> None:
    lines = list(printed(_stands()))
    assert lines[0] == ("Would a call work now?", "Yes, but")
    assert ("", "No microphone is connected") in lines
    assert lines.index(("VERSIONS", "")) > lines.index(("Temperature", "51.3 °C"))
    assert ("Call program", "there since 2027-01-15T07:55:00Z") in lines
    assert next(iter(printed(_stands(call="offline")))) == ("Would a call work now?", "No")


def test_a_list_tells_the_gravest_reason_of_each() -> None:
    assert why(_stands()) == "No microphone is connected"
    assert why(_stands(call="offline")) != why(_stands())
    assert why(replace(_stands(), remarks=())) == ""


async def test_the_page_of_a_station_loads_how_it_is_and_the_api_gives_it(kit: Kit) -> None:
    _, _, station = await kit.places()
    async with kit.region.registry.begin() as t:
        for process in ("agent", "call"):
            await t.reports.set_presence(station.id, Connection(process, "online", "b1", 1, {}), NOW)
        await t.reports.set_report(station.id, "m/health", encode(HEALTH), "b1", 3, NOW)
    async with kit.signed_in(await kit.person("ivan", "it_admin")) as browser:
        page = (await browser.get(f"/stations/{station.id}")).text
        assert f'hx-get="/fleet/stations/{station.id}"' in page
        status = (await browser.get(f"/fleet/stations/{station.id}")).text
        told = (await browser.get(f"/api/fleet/{station.id}")).json()["standing"]
        assert (await browser.get("/fleet/stations/st-00000000")).status_code == 404
        assert (await browser.get("/api/fleet/st-00000000")).status_code == 404
    assert "Would a call work now?" in status
    assert "51.3 °C" in status
    assert "No microphone is connected" in status
    assert (told["health"]["wifi_dbm"], told["call_since"], told["certificate_expires"]) == (-58, rfc_3339(NOW), None)


async def test_a_page_is_told_of_its_own_station_only(kit: Kit) -> None:
    _, site, station = await kit.places()
    async with kit.region.registry.begin() as t:
        other = await t.stations.add("Room 5", site.id, None, NOW)
    subject = every_subject(Path())[1](kit.region)
    assert subject.duty is not None
    assert subject.presence is not None
    running = asyncio.create_task(subject.duty())
    stream = kit.region.hub.stream([f"station:{station.id}"])
    assert "listening" in await anext(stream)
    gone = Connection("call", "offline", "b1", 1, {})
    await subject.presence(PresenceChange(other.id, gone, None))
    await kit.clock.advance(2)
    waiting = asyncio.ensure_future(anext(stream))
    await kit.clock.advance(2)
    assert not waiting.done()
    await subject.presence(PresenceChange(station.id, gone, None))
    await kit.clock.advance(2)
    assert "event: station" in await waiting
    await stream.aclose()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
