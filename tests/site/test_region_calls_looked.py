"""What calls were like, from the station's message to IT's page and the week's figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.codec import encode
from messaging.envelope import Envelope
from messaging.errors import MalformedMessage
from messaging.quality import CallQuality, SoundQuality, WayQuality, WorstQuality
from messaging.topics import Topic
from region.fleet.intake import Intake
from region.fleet.looked import LookedTeller
from region.fleet.words import WORDS
from region.registry.records import CallLooked, Station
from tests.kits.region.app import Kit

OUT = WayQuality(31.2, 1460.4, 0.004, 0.02, 29.6, 1280, 720, 300.0, 8.0, 4.0)
INTO = WayQuality(28.0, 2100.0, 0.0123, 0.05, 24.0, 640, 360, 301.0, 11.0, 0.0, 2, 3.4)
WORST = WorstQuality(2.4, 100.0, 0.0, 0.02, 0.3, 800.0, 500.0, 15.0, 6.0, 3.4, 1200.0, 420.0)
TOLD = CallQuality(
    "c0ffee00", 1_800_000_400.0, 312.0, "good", 1, 7.0, OUT, INTO, SoundQuality(9, 7, 400.0, 100.0, 52.0),
    0.84, 43.2, 120.0, "relay", "H264", "x264", WORST,
)  # fmt: skip


async def _called(kit: Kit, *calls: str) -> Station:
    clinic, _, station = await kit.places()
    async with kit.region.registry.begin() as t:
        for number, call in enumerate(calls):
            await t.calls.add(call, station.id, clinic.id, "resident", "waiting", kit.clock.wall() + number)
    return station


async def _tell(kit: Kit, station: str, told: CallQuality, **more: object) -> None:
    envelope = Envelope(1, "id", "b1", 7, 1.0, kit.clock.wall(), "ntp", {**encode(told), **more})
    await Intake(kit.region.registry, kit.clock).handle(Topic(station, "up", "m", ("call",)), envelope)


async def _kept(kit: Kit, station: str) -> list[CallLooked]:
    async with kit.region.registry.read() as t:
        return await t.qualities.recent(station)


async def test_what_is_allowed_is_kept_and_nothing_that_rides_along(kit: Kit) -> None:
    station = await _called(kit, "c0ffee00")
    await _tell(kit, station.id, TOLD, patient="Karen Hansen", cpr="010203-1234", picture="data:image/jpeg;base64,AA")
    assert [call.data for call in await _kept(kit, station.id)] == [encode(TOLD)]


async def test_what_the_outbox_brings_twice_is_kept_once(kit: Kit) -> None:
    station = await _called(kit, "c0ffee00")
    await _tell(kit, station.id, TOLD)
    await _tell(kit, station.id, replace(TOLD, grade="poor"))
    (call,) = await _kept(kit, station.id)
    assert call.data["grade"] == "good"


async def test_a_station_tells_of_its_own_calls_only(kit: Kit) -> None:
    station = await _called(kit, "c0ffee00")
    async with kit.region.registry.begin() as t:
        other = await t.stations.add("Room 5", station.site_id, None, kit.clock.wall())
    for told, by in ((TOLD, other.id), (replace(TOLD, call="never000"), station.id)):
        with pytest.raises(MalformedMessage):
            await _tell(kit, by, told)
    assert await _kept(kit, station.id) == []


async def test_the_last_ten_newest_first(kit: Kit) -> None:
    calls = [f"call{number:04}" for number in range(12)]
    station = await _called(kit, *calls)
    for call in calls:
        await _tell(kit, station.id, replace(TOLD, call=call))
    assert [call.data["call"] for call in await _kept(kit, station.id)] == calls[:1:-1]


async def test_it_reads_on_the_stations_page_what_its_last_call_was_like(kit: Kit) -> None:
    station = await _called(kit, "c0ffee00")
    async with kit.signed_in(await kit.person("ivan", "it_admin")) as browser:
        before = (await browser.get(f"/fleet/stations/{station.id}")).text
        await _tell(kit, station.id, TOLD)
        page = (await browser.get(f"/fleet/stations/{station.id}")).text
    assert "The last calls" not in before
    for shown in (
        "Good", "5:12", "connected in 0.8 s", "1492 kbit/s, 0.4% lost", "1280×720, 30/s", "relay", "H264 · x264",
        "picture stood 2 times, 3.4 s", "0.5 s of sound missing", "30.0% lost, 420 ms, 6 pictures/s", "43 ms",
        "line lost 1 times, 7 s",
    ):  # fmt: skip
        assert shown in page
    assert "c0ffee00" not in page


async def test_only_it_reads_them(kit: Kit) -> None:
    station = await _called(kit, "c0ffee00")
    async with kit.region.registry.read() as t:
        clinic = await t.clinics.get(station.clinic_id or 0)
    async with kit.signed_in(await kit.person("anna", "clinician", clinic)) as browser:
        assert (await browser.get(f"/fleet/stations/{station.id}")).status_code == 403


async def test_the_weeks_figures_get_the_grade_and_how_long_connecting_took(kit: Kit) -> None:
    station = await _called(kit, "c0ffee00", "c0ffee01")
    await _tell(kit, station.id, TOLD)
    began = kit.clock.wall()
    async with kit.region.registry.begin() as t:
        for call in ("c0ffee00", "c0ffee01"):
            await t.calls.end(call, "resident_left", began + 400)
        facts = await t.calls.ended_between(began, began + 10)
    assert [(each.grade, each.connect_s) for each in facts] == [("good", 0.84), (None, None)]


def test_a_line_that_was_lost_is_said_first_and_danish_has_its_comma() -> None:
    def t(key: str, **values: object) -> str:
        return WORDS["da"][key].format(**values)

    lost = replace(TOLD, worst=replace(WORST, lost_s=7.0))
    line = LookedTeller(t).line(CallLooked(1.0, encode(lost)))
    assert line.worst == "ingen forbindelse i 7 s"
    assert line.sent == "1492 kbit/s, 0,4 % tabt"


@given(st.floats(0, 1e7), st.none() | st.floats(0, 1e5), st.integers(0, 2**53), st.floats(0, 1))
def test_whatever_a_station_may_send_can_be_shown(seconds: float, rtt: float | None, resumes: int, loss: float) -> None:
    told = replace(TOLD, seconds=seconds, rtt_ms=rtt, resumes=resumes, out=replace(OUT, loss=loss), worst=None)
    line = LookedTeller(lambda key, **values: WORDS["en"][key].format(**values)).line(CallLooked(1.0, encode(told)))
    assert "e+" not in line.length
    assert line.worst == "–"
