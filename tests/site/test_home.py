"""The site's own page, as a night nurse looks at it: would a press be answered now, and if not, what can she do?"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from messaging.call import Devices
from messaging.codec import encode
from messaging.health import Health
from messaging.settings import Opening, Span, Week
from messaging.status import Connection
from messaging.twin import Config, Language, Reported
from region.daytime import local_time
from region.fleet.home import AtHome, at_home
from region.fleet.home_words import WORDS
from region.fleet.standing import standing
from region.registry.records import ProcessPresence, Report, Station
from tests.kits.region.app import Kit

DENMARK = ZoneInfo("Europe/Copenhagen")
DAY = (Span("08:00", "16:00"),)
HOURS = Opening(Week(DAY, DAY, DAY, DAY, DAY, (), ()))
STATION = Station("st-00000001", "Stue 4", 1, "Solgården", 1, "Bakkens Klinik", "12345678", "da", 70, 3, 3, 0.0)
HEALTH = Health(60.0, "ntp", Devices(), {"agent": "running", "call": "running", "screen": "running"}, {})


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=DENMARK).timestamp()


NOON, NIGHT, FRIDAY_NIGHT = at("2026-11-23T12:00"), at("2026-11-24T03:00"), at("2026-11-27T23:00")


def seen(
    now: float, config: Config | None = None, health: Health = HEALTH, *, call: str = "online", agent: str = "online",
    station: Station = STATION, heard: bool = True,
) -> AtHome:  # fmt: skip
    """What the staff are told at that moment of a station that works by this config and has this health."""
    presence = [
        ProcessPresence(station.id, "agent", agent, "b1", 1, None, {}, now - 500),
        ProcessPresence(station.id, "call", call, "b1", 1, None, {}, now - 500),
    ]
    reports = [
        Report(station.id, "reported", encode(Reported(3, config or Config(), {})), "b1", 2, now - 400),
        Report(station.id, "m/health", encode(health), "b1", 3, now - 30),
    ]
    return at_home(station, standing(station, presence, reports, now), local_time(now), heard=heard)


@pytest.mark.parametrize(
    ("now", "closed", "opens"),
    [
        (NOON, False, None),
        (NIGHT, True, "2026-11-24T08:00"),
        (FRIDAY_NIGHT, True, "2026-11-30T08:00"),
        (at("2026-10-25T03:30"), True, "2026-10-26T08:00"),  # the night of the longer hour: a Sunday
        (at("2027-03-28T23:59"), True, "2027-03-29T08:00"),
    ],
)
def test_a_nurse_is_told_when_the_clinic_is_there_again(now: float, closed: bool, opens: str | None) -> None:
    told = seen(now, Config(opening=HOURS))
    assert (told.ready, told.closed) == (True, closed)
    assert told.opens == (None if opens is None else at(opens))


def test_without_hours_nothing_is_ever_closed() -> None:
    assert (seen(NIGHT).closed, seen(NIGHT).opens) == (False, None)


@pytest.mark.parametrize(
    ("health", "advice", "ready"),
    [
        (replace(HEALTH, locked=True), ("locked",), False),
        (replace(HEALTH, processes={**HEALTH.processes, "screen": "stopped"}), ("screen",), True),
        (replace(HEALTH, devices=Devices(camera="missing")), ("camera",), True),
        (replace(HEALTH, devices=Devices("missing", "missing", "missing")), ("devices",), False),
        (replace(HEALTH, temperature_c=85.0), (), True),
    ],
)
def test_why_a_call_would_not_work_is_told_as_far_as_it_is_known(
    health: Health, advice: tuple[str, ...], ready: bool
) -> None:
    assert (seen(NOON, health=health).advice, seen(NOON, health=health).ready) == (advice, ready)


def test_a_station_that_starts_asks_for_a_moment_and_one_without_a_clinic_for_it() -> None:
    assert (seen(NOON, call="offline").advice, seen(NOON, call="offline").ready) == (("wait",), False)
    assert (seen(NOON, call="unheard").advice, seen(NOON, call="unheard").ready) == (("wait",), False)
    nobody = seen(NOON, station=replace(STATION, clinic_id=None, clinic=""))
    assert (nobody.advice, nobody.ready) == (("no_clinic",), False)


def test_a_station_that_does_not_answer_is_not_ready_and_somebody_may_look_at_its_plug() -> None:
    told = seen(NOON, agent="unheard", call="unheard")
    assert (told.ready, told.advice) == (False, ("unheard",))


def test_while_the_region_hears_no_station_none_is_said_to_be_ready() -> None:
    told = seen(NOON, heard=False)
    assert (told.ready, told.advice) == (False, ("region",))


@pytest.mark.parametrize("language", ["en", "da"])
def test_every_advice_has_words_that_name_no_program(language: Language) -> None:
    for key, text in WORDS[language].items():
        assert not re.search(r"station-|agent|MQTT|broker|process", text), key


async def _page(kit: Kit, language: Language, config: Config) -> str:
    """The page of somebody at a site with one station that works by that config; its text."""
    kit.clock.set_wall(NIGHT)
    async with kit.region.registry.begin() as t:
        clinic, site = await t.clinics.add("Bakkens Klinik", "12345678", NIGHT), await t.sites.add("Solgården", NIGHT)
        station = await t.stations.add("Stue 4", site.id, clinic.id, NIGHT)
        for process in ("agent", "call"):
            await t.reports.set_presence(station.id, Connection(process, "online", "b1", 1), NIGHT)
        version = (await t.stations.get(station.id)).desired_version
        await t.reports.set_report(station.id, "reported", encode(Reported(version, config, {})), "b1", 1, NIGHT)
        await t.reports.set_report(station.id, "m/health", encode(HEALTH), "b1", 2, NIGHT)
    async with kit.signed_in(await kit.person("sara", "site_staff", language=language, sites=[site.id])) as browser:
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", (await browser.get("/home")).text))


async def test_at_night_the_page_says_that_nobody_may_answer(kit: Kit) -> None:
    page = await _page(kit, "da", Config(clinic="Bakkens Klinik", opening=HOURS))
    assert "Stue 4 Lukket nu" in page
    assert "Klinikken åbner igen 2026-11-24T07:00:00Z . Imens er det ikke sikkert, at nogen svarer." in page


async def test_a_region_without_its_broker_says_so_and_not_that_its_stations_are_ready(kit: Kit) -> None:
    kit.downlink.is_up = False
    page = await _page(kit, "da", Config(clinic="Bakkens Klinik"))
    assert "Stue 4 Ikke klar Regionen har ingen forbindelse til sine stationer lige nu" in page
    async with kit.signed_in(await kit.person("ivan", "it_admin", language="en")) as browser:
        (station,) = (await browser.get("/api/fleet")).json()
        for where in ("/fleet", f"/fleet/stations/{station['station']['id']}"):
            assert "What stands here is what it knew before." in (await browser.get(where)).text
            kit.downlink.is_up = True
            assert "What stands here" not in (await browser.get(where)).text
            kit.downlink.is_up = False


async def test_at_night_the_page_says_who_is_called_instead(kit: Kit) -> None:
    config = Config(clinic="Bakkens Klinik", opening=HOURS, fallback="Lægevagten", fallback_phone="70113131")
    page = await _page(kit, "en", config)
    assert "Stue 4 Ready" in page
    assert "Meanwhile the button calls Lægevagten. 70113131" in page


async def test_a_clinic_that_never_says_when_it_opens_is_just_closed(kit: Kit) -> None:
    page = await _page(kit, "da", Config(clinic="Bakkens Klinik", opening=Opening(Week(mon=()))))
    assert "Lukket nu" in page
    assert "Klinikken har lukket. Imens er det ikke sikkert, at nogen svarer." in page
