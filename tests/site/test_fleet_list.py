"""The list of stations: found by an address, page by page, chosen, commanded together, and followed one by one."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.status import Connection
from region.fleet.listing import ON_A_PAGE, Asked, read_asked
from region.registry import Invalid
from region.registry.filters import Filter
from region.registry.records import Station
from tests.kits.region.app import Kit

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
NAME = re.compile(r'<th scope="row"><a href="/stations/[^"]+">([^<]+)</a>')


@pytest.fixture
async def stations(kit: Kit) -> list[Station]:
    """Sixty at Solgården, three at Månelyst, of which one is shut out; the first of Månelyst is connected."""
    now = kit.clock.wall()
    async with kit.region.registry.begin() as t:
        clinic = await t.clinics.add("Bakkens Klinik", "", now)
        sun, moon = await t.sites.add("Solgården", now), await t.sites.add("Månelyst", now)
        made = [await t.stations.add(f"Hjørne {n}", moon.id, clinic.id, now) for n in range(3)]
        for process in ("agent", "call"):
            await t.reports.set_presence(made[0].id, Connection(process, "online", "b1", 1), now)
        await t.stations.set_admission(made[2].id, "revoked")
        return made + [await t.stations.add(f"Stue {n:02}", sun.id, clinic.id, now) for n in range(60)]


async def _names(browser: httpx.AsyncClient, query: str) -> list[str]:
    answer = await browser.get(f"/fleet?{query}")
    assert answer.status_code == 200, answer.text
    return NAME.findall(answer.text)


async def test_what_is_looked_for_stands_in_the_address(ivan: httpx.AsyncClient, stations: list[Station]) -> None:
    assert await _names(ivan, "site=Månelyst") == ["Hjørne 1", "Hjørne 0", "Hjørne 2"], "the worst first"
    assert await _names(ivan, "site=Månelyst&sort=place") == ["Hjørne 0", "Hjørne 1", "Hjørne 2"]
    assert await _names(ivan, "site=Månelyst&state=ready") == ["Hjørne 0"]
    assert await _names(ivan, "state=revoked") == ["Hjørne 2"]
    assert await _names(ivan, f"text={stations[5].id}&cluster=&state=") == [stations[5].name]
    page = (await ivan.get("/fleet?site=Månelyst&state=ready")).text
    assert "1 found, 1 of them can make a call now" in page
    assert "<option selected>Månelyst</option>" in page
    assert '<option value="ready" selected>' in page
    assert "No station is like that." in (await ivan.get("/fleet?state=quarantined")).text
    assert (await ivan.get("/fleet?colour=red")).status_code == 422


async def test_the_numbers_above_the_list_tell_what_is_wrong_and_lead_there(
    ivan: httpx.AsyncClient, stations: list[Station]
) -> None:
    def numbers(page: str) -> dict[str, tuple[str, str]]:
        """How many, and where the number leads, by its words."""
        found = re.findall(r'<a class="count[^"]*" href="([^"]+)"[^>]*><strong>(\d+)</strong> ([^<]+)</a>', page)
        return {words: (many, html.unescape(address)) for address, many, words in found}

    told = numbers((await ivan.get("/fleet?site=Månelyst&sort=place&page=1")).text)
    assert {words: many for words, (many, _) in told.items()} == {
        "cannot call now": "1", "can call, but something is wrong": "1", "all well": "0", "never connected": "1",
        "reports are late": "1", "settings not taken up yet": "2", "shut out for good": "1",
    }  # fmt: skip
    there = (await ivan.get(told["never connected"][1])).text
    assert NAME.findall(there) == ["Hjørne 1"], "of the same site"
    assert '<option value="place" selected>' in there, "in the same order"
    assert numbers(there).keys() == told.keys(), "the other numbers stay, to go on to"
    assert '<option value="never_seen" selected>' in there
    assert (await ivan.get("/fleet?sort=colour")).status_code == 422


async def test_pages_hold_fifty_and_lead_to_each_other(ivan: httpx.AsyncClient, stations: list[Station]) -> None:
    first = (await ivan.get("/fleet?site=Solgården")).text
    assert "1 to 50 of 60" in first
    assert 'rel="prev"' not in first
    following = html.unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])
    second = (await ivan.get(following)).text
    assert NAME.findall(first) + NAME.findall(second) == [f"Stue {n:02}" for n in range(60)]
    assert 'rel="next"' not in second
    assert await _names(ivan, "site=Solgården&page=99") == NAME.findall(second), "the last page there is"
    fragment = (await ivan.get("/fleet/stations?site=Solgården&page=2")).text
    assert NAME.findall(fragment) == NAME.findall(second)
    assert "<html" not in fragment
    for wrong in ("0", "-1", "one", "99999999999999999999", "0" * 9 + "9" * 9, "1" + "0" * 5000):
        assert (await ivan.get(f"/fleet?page={wrong}")).status_code == 422, wrong


async def test_the_api_takes_the_same_words(ivan: httpx.AsyncClient, stations: list[Station]) -> None:
    async def ids(query: str) -> list[str]:
        return [one["station"]["id"] for one in (await ivan.get(f"/api/fleet?{query}")).json()]

    assert await ids("where=site=Månelyst&where=state=ready") == [stations[0].id]
    assert await ids("most=2&skip=1") == [one.id for one in stations[1:3]]
    assert len(await ids("")) == len(stations)
    headers = {"accept": "application/json"}
    assert (await ivan.get("/api/fleet?where=site=Mars", headers=headers)).status_code == 404
    assert (await ivan.get("/api/fleet?where=offline", headers=headers)).status_code == 422


def _held(page: str) -> list[str]:
    """The stations that the page would do it with."""
    found = re.search(r'<textarea name="stations" hidden>([^<]*)</textarea>', page)
    return found[1].split() if found else []


async def test_whom_it_would_reach_is_shown_and_it_reaches_them_and_nobody_else(
    kit: Kit, ivan: httpx.AsyncClient, stations: list[Station]
) -> None:
    csrf = {"csrf": await kit.csrf(ivan)}
    where = "site=M%C3%A5nelyst"
    page = (await ivan.post("/bulk", data={**csrf, "whom": "found", "where": where})).text
    assert "With 3 stations" in page
    assert "1 of them are shut out" in page
    assert "Show which one it is: 3 stations" in page
    assert _held(page) == [one.id for one in stations[:3]]
    done = await ivan.post("/bulk/commands", data={
        **csrf, "stations": " ".join(_held(page)), "type": "message", "text": "Vi kommer kl. 10", "why": "visit",
        "where": where, "good_for": "day",
    })  # fmt: skip
    assert done.status_code == 200
    assert "Show a message: 2 stations" in done.text
    assert re.search(r"Hjørne 2, Månelyst</a>: shut out for good", done.text), "left out, and said so"
    async with kit.region.registry.read() as t:
        given = await t.commands.recent()
        told = [row.station_id for row in await t.audit.recent() if row.action == "command.give"]
    assert {one.station_id for one in given} == {stations[0].id, stations[1].id} == set(told)
    assert {(one.fields["text"], one.why, one.actor) for one in given} == {("Vi kommer kl. 10", "visit", "ivan")}
    assert given[0].expires_at - given[0].created_at == 86_400


async def test_what_takes_a_station_from_its_residents_is_one_step_from_its_page(
    kit: Kit, ivan: httpx.AsyncClient, stations: list[Station]
) -> None:
    page = (await ivan.get(f"/stations/{stations[0].id}")).text
    form = re.search(r'<form class="after" method="post" action="/bulk">(.*?)</form>', page, re.DOTALL)[1]
    said = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
    shown = (await ivan.post("/bulk", data=said)).text
    assert "With one station" in shown
    assert _held(shown) == [stations[0].id]
    for command in ("Restart the machine", "Take out of use", "Put in use again"):
        assert f"<summary>{command}</summary>" in shown


async def test_those_chosen_are_followed_one_by_one_and_called_back(
    kit: Kit, ivan: httpx.AsyncClient, stations: list[Station]
) -> None:
    csrf = {"csrf": await kit.csrf(ivan)}
    chosen = [stations[10].id, stations[1].id]
    page = (await ivan.post("/bulk", data={**csrf, "whom": "chosen", "station": chosen, "where": ""})).text
    assert sorted(_held(page)) == sorted(chosen)
    given = await ivan.post("/bulk/commands", data={**csrf, "stations": " ".join(chosen), "type": "reboot"})
    batch = given.headers["location"]
    assert re.fullmatch(r"/batches/[a-z0-9]{16}", batch)
    page = (await ivan.get(batch)).text
    assert "Restart the machine: 2 stations" in page
    assert "Waits until the station is there: 2" in page
    assert sorted(NAME.findall(page)) == sorted([stations[10].name, stations[1].name])
    assert (await ivan.post(f"{batch}/cancel", data=csrf)).headers["location"] == batch
    fragment = (await ivan.get(f"{batch}/commands")).text
    assert "Not done: 2" in fragment
    assert "cancelled" in fragment
    assert "/cancel" not in fragment
    assert (await ivan.get("/batches/0000000000000000")).status_code == 404


async def test_many_are_told_for_a_time_and_the_page_says_when(
    kit: Kit, ivan: httpx.AsyncClient, stations: list[Station]
) -> None:
    csrf = {"csrf": await kit.csrf(ivan)}
    form = {"stations": " ".join(one.id for one in stations[:2]), "type": "reboot", "good_for": "day"}
    page = (await ivan.post("/bulk", data={**csrf, "whom": "found", "where": "site=M%C3%A5nelyst"})).text
    assert "Now, or when the call is over" in page
    day = datetime.fromtimestamp(kit.clock.wall(), COPENHAGEN) + timedelta(days=2)
    said = {"when": "at", "at": f"{day:%Y-%m-%d}T04:30"}
    given = await ivan.post("/bulk/commands", data={**csrf, **form, **said})
    async with kit.region.registry.read() as t:
        (one, other) = await t.commands.recent()
    begins = datetime.fromtimestamp(one.not_before, COPENHAGEN)
    assert f"{begins:%Y-%m-%dT%H:%M}" == said["at"]
    assert (one.expires_at - one.not_before, other.not_before) == (86_400, one.not_before)
    page = (await ivan.get(given.headers["location"])).text
    assert "Waits for its time: 2" in page
    assert f"{begins.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" in page
    await ivan.post(f"{given.headers['location']}/cancel", data=csrf)
    assert "Not done: 2" in (await ivan.get(given.headers["location"])).text
    for wrong in ({"when": "at"}, {"at": said["at"]}, {"when": "tonight", "at": said["at"]},
                  {"when": "at", "at": "2020-01-01T03:00"}, {"when": "at", "at": "2027-03-28T02:30"}):  # fmt: skip
        refused = await ivan.post("/bulk/commands", data={**csrf, **form, **wrong})
        assert refused.status_code == 422, wrong
        assert "That time cannot be" in refused.text


async def test_nothing_is_done_with_nobody_or_by_a_wrong_form(
    kit: Kit, ivan: httpx.AsyncClient, stations: list[Station]
) -> None:
    csrf = {"csrf": await kit.csrf(ivan)}
    page = (await ivan.post("/bulk", data={**csrf, "whom": "chosen", "where": "state=offline"})).text
    assert "No station was chosen" in page
    assert 'href="/fleet?state=offline"' in page
    assert _held(page) == []
    one = stations[0].id
    for status, form in (
        (422, {"stations": one, "type": "wipe"}), (422, {"stations": one, "type": "volume", "percent": "loud"}),
        (422, {"stations": one, "type": "message"}), (409, {"stations": stations[2].id, "type": "identify"}),
        (422, {"stations": "", "type": "identify"}), (422, {"stations": one, "type": "identify", "good_for": "ever"}),
    ):  # fmt: skip
        assert (await ivan.post("/bulk/commands", data={**csrf, **form})).status_code == status, form
    assert (await ivan.post("/bulk/commands", data={**csrf, "stations": "st-0", "type": "identify"})).status_code == 404
    async with kit.region.registry.read() as t:
        assert await t.commands.recent() == []


@given(st.lists(st.tuples(st.sampled_from(["page", "site", "text", "x"]), st.text(max_size=12)), max_size=4))
def test_any_address_is_understood_or_refused(pairs: list[tuple[str, str]]) -> None:
    try:
        asked = read_asked(pairs)
    except Invalid:
        return
    assert asked.page >= 1
    assert read_asked(asked.which.pairs()) == Asked(asked.which)


def test_a_page_is_named_only_where_it_is_not_the_first() -> None:
    assert Asked(Filter(site=("A",)), 3).query() == "site=A&page=3"
    assert Asked(Filter(site=("A",)), 3).query(1) == "site=A"
    assert Asked(Filter(), 2).skip == ON_A_PAGE
