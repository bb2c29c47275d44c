"""The figures as people get them: the page, the API, the downloads, the command; each on a real registry."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from messaging.call import EndReason
from region import cli
from region.cli.evaluation import HEAD, as_lines
from region.evaluation.gather import places, rows
from region.evaluation.publishing import Row
from region.evaluation.weeks import parse_week
from region.registry.records import CallFacts, Clinic, Site, Station
from tests.kits.region.app import HTML, Kit, every_subject, region_kit

W03 = parse_week("2027-W03")  # the last week that is over: the region's clock says Tuesday noon of the next
NAMES = ("Anna Berg", "anna", "ivan")


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Copenhagen")).timestamp()


class Pilot:
    """A region with a clinic, a site and a station, whose calls a test makes."""

    def __init__(self, kit: Kit, clinic: Clinic, site: Site, station: Station) -> None:
        self.kit, self.clinic, self.site, self.station = kit, clinic, site, station
        self.made = 0

    async def call(
        self, began: float, reason: EndReason | None = "resident_left", *, waited: float | None = 20.0,
        talked: float = 300.0, station: Station | None = None,
    ) -> None:  # fmt: skip
        """A resident's call; `reason` None: it has not ended. `waited` None: nobody answered."""
        self.made += 1
        call, end = f"call{self.made:06}", began + (180.0 if waited is None else waited + 2 + talked)
        at = station or self.station
        async with self.kit.region.registry.begin() as t:
            anna = await t.people.find("anna")
            assert anna is not None
            await t.calls.add(call, at.id, self.clinic.id, "resident", "waiting", began)
            if waited is not None:
                assert await t.calls.claim(call, anna.id, began + waited)
                await t.calls.connected(call, began + waited + 2)
            if reason is not None:
                await t.calls.end(call, reason, end)

    async def calls(self, count: int, began: float = W03.since + 3600) -> None:
        for number in range(count):
            await self.call(began + 600 * number)

    async def rows(self, first: str, last: str) -> list[Row]:
        registry = self.kit.region.registry
        weeks = [parse_week(first)]
        while weeks[-1] < parse_week(last):
            weeks.append(weeks[-1].later(1))
        return await rows(registry, weeks, (await places(registry))[:1])


@pytest.fixture
async def pilot(tmp_path: Path) -> AsyncIterator[Pilot]:
    async with region_kit(tmp_path, every_subject(tmp_path)) as kit:
        kit.clock.set_wall(W03.before + 36 * 3600)
        async with kit.region.registry.begin() as t:
            clinic = await t.clinics.add("Bakkens Klinik", "", _at("2025-01-01"))
            site = await t.sites.add("Solgården", _at("2025-01-01"))
            station = await t.stations.add("Stue 4", site.id, clinic.id, _at("2025-01-01"))
        await kit.person("anna", "clinician", clinic, display_name="Anna Berg")
        await kit.person("ivan", "it_admin")
        yield Pilot(kit, clinic, site, station)


async def _of(pilot: Pilot, name: str, path: str, **headers: str) -> httpx.Response:
    async with pilot.kit.region.registry.read() as t:
        person = await t.people.find(name)
    assert person is not None
    async with pilot.kit.signed_in(person, **headers) as browser:
        return await browser.get(path)


async def _get(pilot: Pilot, path: str) -> httpx.Response:
    return await _of(pilot, "ivan", path, **HTML)


async def _json(pilot: Pilot, query: str = "") -> list[dict]:
    answer = await _of(pilot, "ivan", f"/api/evaluation{query}", accept="application/json")
    assert answer.status_code == 200, answer.text
    found: list[dict] = answer.json()
    return found


# From the registry


async def test_a_call_over_midnight_between_two_weeks_belongs_to_the_one_it_began_in(pilot: Pilot) -> None:
    for number in range(5):
        await pilot.call(W03.before - 60 + number, talked=600)  # begun on Sunday at 23:59, over on Monday
    for number in range(8):
        await pilot.call(W03.since + number)  # Monday 00:00:00 is of the new week
    before, after = await pilot.rows("2027-W03", "2027-W04")
    assert (before.calls, after.calls) == (15, "<5")
    assert before.completed == 15


async def test_in_the_week_summer_time_ends_its_last_hour_is_still_of_it(pilot: Pilot) -> None:
    for minute in range(5):
        await pilot.call(_at(f"2026-10-25T23:1{minute}:00"))  # 22:1x by UTC; a week of 168 hours ended at 23:00
    week, following = await pilot.rows("2026-W43", "2026-W44")
    assert (week.calls, following.calls) == (5, "<5")


async def test_in_the_week_summer_time_begins_the_next_one_begins_by_the_clock_on_the_wall(pilot: Pilot) -> None:
    for minute in range(5):
        await pilot.call(_at(f"2026-03-30T00:1{minute}:00"))
    week, following = await pilot.rows("2026-W13", "2026-W14")
    assert (week.calls, following.calls) == ("<5", 5)


async def test_a_call_that_runs_is_counted_when_it_has_ended(pilot: Pilot) -> None:
    await pilot.calls(7)
    await pilot.call(W03.before - 60, None)
    (row,) = await pilot.rows("2027-W03", "2027-W03")
    assert row.calls == 5  # seven
    async with pilot.kit.region.registry.begin() as t:
        await t.calls.end(f"call{pilot.made:06}", "resident_left", W03.before + 900)
    (row,) = await pilot.rows("2027-W03", "2027-W03")
    assert row.calls == 10  # eight


async def test_what_the_registry_gives_to_be_counted_has_no_id_and_no_name_in_it(pilot: Pilot) -> None:
    await pilot.call(W03.since)
    async with pilot.kit.region.registry.read() as t:
        (facts,) = await t.calls.ended_between(W03.since, W03.before)
        assert await t.calls.ended_between(W03.since - 100, W03.since) == []
    assert facts == CallFacts(
        pilot.station.id, pilot.site.id, pilot.clinic.id, "resident", W03.since, W03.since + 20, W03.since + 22,
        W03.since + 322, "resident_left",
    )  # fmt: skip


async def test_a_station_counts_from_the_week_it_was_registered_in(pilot: Pilot) -> None:
    async with pilot.kit.region.registry.begin() as t:
        await t.stations.add("Stue 5", pilot.site.id, None, W03.before - 1)
        await t.stations.add("Stue 6", pilot.site.id, None, W03.before)
    assert [row.stations for row in await pilot.rows("2027-W02", "2027-W04")] == [1, 2, 3]


async def test_a_place_has_no_row_before_it_had_a_station(pilot: Pilot) -> None:
    assert await pilot.rows("2024-W50", "2024-W52") == []


async def test_sites_and_clinics_have_rows_of_their_own(pilot: Pilot) -> None:
    async with pilot.kit.region.registry.begin() as t:
        other = await t.sites.add("Åhjemmet", W03.since)
        near = await t.stations.add("Stue 1", other.id, None, W03.since)
    await pilot.calls(10)
    for number in range(3):
        await pilot.call(W03.since + number, station=near)
    told = {(row["scope"], row["name"]): row for row in await _json(pilot, "?from=2027-W03")}
    assert {key: (row["calls"], row["stations"]) for key, row in told.items()} == {
        ("region", ""): (15, 2), ("site", "Solgården"): (10, 1), ("site", "Åhjemmet"): ("<5", 1),
        ("clinic", "Bakkens Klinik"): (15, 1),
    }  # fmt: skip
    (one,) = await _json(pilot, f"?from=2027-W03&place=site-{pilot.site.id}")
    assert one["name"] == "Solgården"


# The page and the API


async def test_the_page_shows_the_weeks_newest_first_and_offers_them_as_files(pilot: Pilot) -> None:
    await pilot.calls(20)
    page = (await _get(pilot, "/evaluation")).text
    assert page.index("2027-W03") < page.index("2027-W02")
    assert "2027-W04" not in page
    assert "The figures of this week come on 2027-02-01." in page
    assert "at least 81%" in page
    assert "wait: median 20 s, 90% within 20 s" in page
    assert "5 min 0 s" in page
    assert "/api/evaluation.csv?from=2026-W45&amp;to=2027-W03&amp;place=region" in page
    assert not [name for name in NAMES if name in page.split('<main id="main"')[1]]


async def test_the_page_speaks_danish(pilot: Pilot) -> None:
    await pilot.calls(20)
    page = (await _of(pilot, "ivan", "/evaluation", **HTML, **{"accept-language": "da"})).text
    assert "Piloten i tal" in page
    assert "besvaret: mindst 81 %" in page


async def test_the_page_shows_one_site_when_asked(pilot: Pilot) -> None:
    await pilot.calls(20)
    page = (await _get(pilot, f"/evaluation?from=2027-01-20&to=2027-W03&place=site-{pilot.site.id}")).text
    assert "<caption>Solgården</caption>" in page
    assert f'<option value="site-{pilot.site.id}" selected>' in page
    assert page.count('<th scope="row">') == 1


async def test_a_period_without_a_finished_week_is_said_to_be_empty(pilot: Pilot) -> None:
    page = await _get(pilot, "/evaluation?from=2027-W04")
    assert page.status_code == 200
    assert "There is no finished week" in page.text
    assert await _json(pilot, "?from=2027-W04") == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=soon", "Write a week as 2026-W47"),
        ("from=2027-W03&to=2027-W02", "The first week is after the last"),
        ("from=2001-W01", "more than two years"),
    ],
)
async def test_a_bad_period_is_told_on_the_page_and_to_scripts(pilot: Pilot, query: str, said: str) -> None:
    page = await _get(pilot, f"/evaluation?{query}")
    assert page.status_code == 422
    assert said in page.text
    for path in ("/api/evaluation", "/api/evaluation.csv"):
        problem = await _of(pilot, "ivan", f"{path}?{query}", accept="application/json")
        assert (problem.status_code, problem.json()["code"]) == (422, "invalid")
        assert problem.json()["detail"]


@pytest.mark.parametrize("path", ["/evaluation", "/api/evaluation", "/api/evaluation.csv"])
async def test_a_place_that_is_not_there_is_not_found(pilot: Pilot, path: str) -> None:
    assert (await _get(pilot, f"{path}?place=site-99")).status_code == 404


@pytest.mark.parametrize("path", ["/evaluation", "/api/evaluation", "/api/evaluation.csv"])
async def test_the_figures_are_for_it_and_nobody_else(pilot: Pilot, path: str) -> None:
    assert (await _of(pilot, "ivan", path)).status_code == 200
    assert (await _of(pilot, "anna", path)).status_code == 403
    async with pilot.kit.browser(accept="application/json") as stranger:
        assert (await stranger.get(path)).status_code == 401
    assert 'href="/evaluation"' in (await _get(pilot, "/account")).text
    assert 'href="/evaluation"' not in (await _of(pilot, "anna", "/account")).text


async def test_the_csv_holds_the_rows_of_the_api(pilot: Pilot) -> None:
    await pilot.calls(20)
    answer = await _get(pilot, "/api/evaluation.csv?from=2027-W02")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="evaluation.csv"' in answer.headers["content-disposition"]
    lines = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert lines == [{key: str(value) for key, value in row.items()} for row in await _json(pilot, "?from=2027-W02")]
    assert not [name for name in (*NAMES, "call0", pilot.station.id, "Stue") if name in answer.text]


# The command


async def test_the_command_gives_the_same_rows(pilot: Pilot) -> None:
    await pilot.calls(20)
    (row,) = await pilot.rows("2027-W03", "2027-W03")
    (line,) = as_lines([row])
    assert dict(zip(HEAD, line, strict=True)) == {
        "WEEK": "2027-W03", "PLACE": "(region)", "STATIONS": "1", "CALLS": "20", "RESIDENTS": "20",
        "ANSWERED": ">=0.81", "WAIT s": "20", "TALK s": "300", "COMPLETED": "20", "NOBODY": "<5", "FAULT": "<5",
        "CANCELLED": "<5",
    }  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A region's data with a site and no station, made by the command line."""
    assert cli.main(["site", "add", "Solgården", "--data", str(tmp_path)]) == 0
    capsys.readouterr()
    return tmp_path


def _run(data: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = cli.main(["evaluation", *words, "--data", str(data)])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_prints_a_table_json_or_csv(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(data, capsys)[:2] == (0, "  ".join(HEAD) + "\n")
    code, out, _ = _run(data, capsys, "--json", "--site", "Solgården")
    assert (code, json.loads(out)) == (0, [])
    code, out, _ = _run(data, capsys, "--csv", "--from", "2026-W01", "--to", "2026-W02")
    assert code == 0
    assert out.startswith("\ufeffweek,first_day,")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--from", "soon"), 2, "a week is written as 2026-W47"),
        (("--from", "2026-W02", "--to", "2026-W01"), 2, "the first week is after the last"),
        (("--csv", "--json"), 2, "not both"),
        (("--site", "Åhjemmet"), 1, "no site Åhjemmet: see region site list"),
        (("--clinic", "Solgården"), 1, "no clinic Solgården: see region clinic list"),
    ],
)
def test_the_command_says_what_is_wrong(
    data: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    got, out, err = _run(data, capsys, *words)
    assert (got, out) == (code, "")
    assert said in err
