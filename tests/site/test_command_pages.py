"""Commands on the page of a station and by the API: what can be sent from there, and how far it has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.command import ORDERS, CommandState, Progress
from messaging.status import Connection
from messaging.twin import Language
from region.registry.records import Command, Station
from region.stations.command_pages import ON_THE_PAGE, How, how, line
from region.stations.command_words import WORDS
from region.web.actors import ActorTeller
from region.web.words import LANGUAGES, Catalogue
from tests.kits.region.app import Kit

GIVEN = Command(
    "a" * 16, "b" * 16, "st-00000001", "Stue 4", "Solgården", "identify", {}, "ivan", "", 0.0, 0.0, 60.0, "init", False,
    "", {}, None, None, None, None,
)  # fmt: skip


async def commands(kit: Kit) -> list[Command]:
    async with kit.region.registry.read() as t:
        return await t.commands.recent()


async def test_a_command_from_the_page_goes_out_when_the_station_is_there_and_comes_to_its_end(
    kit: Kit, station: Station, ivan: httpx.AsyncClient
) -> None:
    form = {"csrf": await kit.csrf(ivan)}
    said = {"type": "message", "text": "Vi kommer kl. 10", "percent": "70"}
    refused = await ivan.post(f"/stations/{station.id}/commands", data={**form, **said})
    assert refused.status_code == 422, "a message has no volume"
    answer = await ivan.post(f"/stations/{station.id}/commands", data={**form, "type": "message", "text": "Hej"})
    assert "follow how far it comes" in (await ivan.get(answer.headers["location"].partition("#")[0])).text
    shown = f"/stations/{station.id}/commands"
    assert "Waits until the station is there" in (await ivan.get(shown)).text
    async with kit.region.registry.begin() as t:
        await t.reports.set_presence(station.id, Connection("agent", "online", "b1", 1), kit.clock.wall())
    while not [sent for sent in kit.downlink.sent if "/cmd/" in sent.topic]:
        await kit.clock.advance(1)
    page = (await ivan.get(shown)).text
    assert "Sent" in page
    assert "Cancel:" not in page
    (given,) = await commands(kit)
    async with kit.region.registry.begin() as t:
        await t.commands.note(given.id, station.id, "message", Progress("failed", "unsupported"), kit.clock.wall())
    page = (await ivan.get(shown)).text
    assert "Not done" in page
    assert "this station cannot do it" in page


async def test_a_message_stands_as_long_as_was_chosen_and_an_emoji_is_refused_before_anybody_sees_a_box(
    kit: Kit, station: Station, ivan: httpx.AsyncClient
) -> None:
    page = (await ivan.get(f"/stations/{station.id}")).text
    assert '<option value="3600" selected>1 hour</option>' in page
    form = {"csrf": await kit.csrf(ivan), "type": "message", "seconds": "28800"}
    refused = await ivan.post(f"/stations/{station.id}/commands", data={**form, "text": "Tillykke 🎂"})
    assert refused.status_code == 422
    assert "without emoji" in refused.text
    await ivan.post(f"/stations/{station.id}/commands", data={**form, "text": "Vi kommer kl. 10. Hilsen IT"})
    (given,) = await commands(kit)
    assert given.fields == {"text": "Vi kommer kl. 10. Hilsen IT", "seconds": 28_800}


async def test_what_waits_is_called_back_from_the_page(kit: Kit, station: Station, ivan: httpx.AsyncClient) -> None:
    form = {"csrf": await kit.csrf(ivan)}
    await ivan.post(f"/stations/{station.id}/commands", data={**form, "type": "identify"})
    (given,) = await commands(kit)
    assert "Cancel: Show which one it is" in (await ivan.get(f"/stations/{station.id}/commands")).text
    cancel = f"/stations/{station.id}/commands/{given.id}/cancel"
    assert (await ivan.post(cancel, data=form)).status_code == 303
    again = await ivan.post(cancel, data=form)
    assert again.status_code == 409
    assert "cannot be done now" in again.text
    assert [one.reason for one in await commands(kit)] == ["cancelled"]


async def test_a_command_for_tonight_waits_for_its_time_and_can_be_called_back(
    kit: Kit, station: Station, ivan: httpx.AsyncClient
) -> None:
    page = f"/stations/{station.id}"
    form = {"csrf": await kit.csrf(ivan), "type": "restart", "process": "screen"}
    assert "Tonight at 03:00" in (await ivan.get(page)).text
    async with kit.region.registry.begin() as t:
        await t.reports.set_presence(station.id, Connection("agent", "online", "b1", 1), kit.clock.wall())
    answer = await ivan.post(f"{page}/commands", data={**form, "when": "tonight", "at": ""})
    assert answer.status_code == 303
    (given,) = await commands(kit)
    begins = datetime.fromtimestamp(given.not_before, ZoneInfo("Europe/Copenhagen"))
    assert (begins.hour, given.expires_at - given.not_before) == (3, 3600)
    await kit.clock.advance(5)
    assert not [sent for sent in kit.downlink.sent if "/cmd/" in sent.topic], "the station is there, its time has not"
    shown = (await ivan.get(f"{page}/commands")).text
    assert "Waits for its time" in shown
    assert f"{begins.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" in shown
    assert (await ivan.post(f"{page}/commands/{given.id}/cancel", data=form)).status_code == 303
    refused = await ivan.post(f"{page}/commands", data={**form, "at": "2027-03-28T03:00"})
    assert refused.status_code == 422, "said to be done now, and at a time"
    assert "That time cannot be" in refused.text


@pytest.mark.parametrize("kind", [*sorted(set(ORDERS) - set(ON_THE_PAGE)), "explode", ""])
async def test_what_takes_a_station_from_its_residents_is_not_sent_from_the_page(
    kit: Kit, station: Station, ivan: httpx.AsyncClient, kind: str
) -> None:
    form = {"csrf": await kit.csrf(ivan), "type": kind, "text": station.id}
    assert (await ivan.post(f"/stations/{station.id}/commands", data=form)).status_code == 422
    assert await commands(kit) == []


async def test_the_page_offers_nothing_for_a_station_that_is_shut_out(
    kit: Kit, station: Station, ivan: httpx.AsyncClient
) -> None:
    form = {"csrf": await kit.csrf(ivan), "type": "identify"}
    async with kit.region.registry.begin() as t:
        await t.stations.set_admission(station.id, "revoked")
    page = (await ivan.get(f"/stations/{station.id}")).text
    assert "takes no commands" in page
    assert f'action="/stations/{station.id}/commands"' not in page
    assert (await ivan.post(f"/stations/{station.id}/commands", data=form)).status_code == 409


async def test_nobody_but_it_commands(kit: Kit) -> None:
    clinic, _, station = await kit.places()
    async with kit.signed_in(await kit.person("anna", "clinician", clinic)) as anna:
        form = {"csrf": await kit.csrf(anna), "type": "identify"}
        assert (await anna.post(f"/stations/{station.id}/commands", data=form)).status_code == 403
        api = await anna.post(
            "/api/commands", json={"type": "identify", "stations": [station.id]}, headers={"x-csrf-token": form["csrf"]}
        )
        assert api.status_code == 403
        assert (await anna.get(f"/stations/{station.id}/commands")).status_code == 403
    assert await commands(kit) == []


async def test_the_api_does_what_the_command_line_does(kit: Kit, station: Station, ivan: httpx.AsyncClient) -> None:
    headers = {"x-csrf-token": await kit.csrf(ivan), "accept": "application/json"}

    async def post(path: str, body: dict[str, object], status: int = 201) -> dict:
        answer = await ivan.post(f"/api/{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    handed = await post("commands", {"type": "reboot", "where": ["site=Solgården"], "why": "new kernel"})
    (given,) = handed["commands"]
    assert (given["type"], given["station_id"], given["actor"], given["why"]) == (
        "reboot", station.id, "ivan", "new kernel"
    )  # fmt: skip
    assert (await ivan.get(f"/api/commands/{given['id']}")).json() == given
    listed = (await ivan.get(f"/api/commands?station={station.id}&only_open=true")).json()
    assert listed == [given]
    assert (await post(f"commands/{given['id']}/cancel", {}, 200))["reason"] == "cancelled"
    await post(f"commands/{given['id']}/cancel", {}, 409)
    await post("commands/0000000000000000/cancel", {}, 404)
    again = await post("commands", {"type": "volume", "fields": {"percent": 40}, "stations": [station.id]})
    assert len((await post(f"batches/{again['batch']}/cancel", {}, 200))["called_back"]) == 1
    for wrong in (
        {"type": "identify"}, {"type": "identify", "stations": [station.id], "where": []},
        {"type": "explode", "stations": [station.id]}, {"type": "volume", "stations": [station.id]},
        {"type": "identify", "stations": [station.id], "good_for_s": 1e9},
        {"type": "identify", "stations": [station.id], "colour": "red"},
    ):  # fmt: skip
        await post("commands", wrong, 422)
    assert (await ivan.get("/api/commands?most=0", headers=headers)).status_code == 422
    listed = (await ivan.get("/api/commands", headers=headers)).json()
    one_by_one = [(await ivan.get(f"/api/commands?most=1&skip={at}", headers=headers)).json() for at in (0, 1, 10**6)]
    assert one_by_one == [listed[:1], listed[1:2], []]


async def test_the_api_is_told_a_time_with_its_offset_and_tells_it_in_utc(
    kit: Kit, station: Station, ivan: httpx.AsyncClient
) -> None:
    night = datetime.fromtimestamp(kit.clock.wall() + 3600, ZoneInfo("Europe/Copenhagen")).replace(microsecond=0)
    body = {"type": "reboot", "stations": [station.id]}
    headers = {"accept": "application/json"}
    given = (await ivan.post("/api/commands", json=body | {"at": night.isoformat()}, headers=headers)).json()
    (told,) = given["commands"]
    assert told["not_before"] == f"{night.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
    assert datetime.fromisoformat(told["expires_at"]) - night == timedelta(hours=1)
    for wrong in (night.timestamp(), str(night.timestamp()), f"{night:%Y-%m-%dT%H:%M:%S}", "tonight"):
        refused = await ivan.post("/api/commands", json=body | {"at": wrong}, headers=headers)
        assert refused.status_code == 422, wrong
        assert "with its offset, as 2026-11-22T03:00:00+01:00" in refused.json()["detail"]
    assert len(await commands(kit)) == 1


@given(
    st.sampled_from(get_args(CommandState)), st.booleans(), st.floats(-100, 100), st.one_of(st.none(), st.floats(0, 9))
)
def test_whoever_waits_is_told_what_it_waits_for(
    state: CommandState, by_station: bool, not_before: float, sent_at: float | None
) -> None:
    far = how(replace(GIVEN, state=state, by_station=by_station, not_before=not_before, sent_at=sent_at), 0.0)
    if far in ("held", "waits", "sent"):
        assert not by_station
    if far == "held":
        assert not_before > 0
    assert (far == "waits") is (state in ("init", "scheduled") and not by_station and not_before <= 0
                                and sent_at is None)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_and_how_far_it_is_has_words_and_a_strange_reason_is_told_as_it_is(language: Language) -> None:
    catalogue = Catalogue()
    catalogue.add(WORDS)
    t, has = catalogue.translator(language), catalogue.has
    actors = ActorTeller(t, has)
    for kind in ORDERS:
        told = line(replace(GIVEN, type=kind, reason="odd"), 0.0, t, has, actors)
        assert told.what
        assert (told.reason, told.level) == ("odd", "plain")
    assert [one for one in get_args(How) if f"stations.command.is.{one}" not in WORDS[language]] == []
    assert line(replace(GIVEN, sent_at=1.0), 0.0, t, has, actors).can_cancel is False
