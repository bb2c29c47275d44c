"""A station erased for good from its page: told first, and meant by name. And every command has a door there."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.command import ORDERS, Progress
from region.registry.records import Command, Station
from region.stations.wipe_pages import is_meant
from tests.kits.region.app import Kit

MEANT = {"named": "Room 4"}
STATION = Station("st-00000001", "Stue 4", 1, "Solgården", None, "", "", "da", 70, 1, 1, 0.0)


@pytest.fixture
async def page(station: Station, ivan: httpx.AsyncClient) -> str:
    """The address of the page that asks, as the station's page has it."""
    found = re.search(r'href="([^"]+/wipe)"', (await ivan.get(f"/stations/{station.id}")).text)
    assert found
    return found[1]


async def _given(kit: Kit) -> list[Command]:
    async with kit.region.registry.read() as t:
        return await t.commands.recent()


async def test_who_means_it_has_it_erased_and_the_log_says_who_and_why(
    kit: Kit, station: Station, ivan: httpx.AsyncClient, page: str
) -> None:
    asked = html.unescape((await ivan.get(page)).text)
    assert "the station erases its key" in asked
    assert "new code file" in asked
    answer = await ivan.post(page, data={"named": " room  4 ", "why": "sent in for repair", "good_for": "week"})
    assert answer.headers["location"] == f"/stations/{station.id}?given=true#commands"
    (given,) = await _given(kit)
    assert (given.type, given.fields, given.station_id, given.actor) == (
        "wipe", {"station": station.id}, station.id, "ivan"
    )  # fmt: skip
    assert given.expires_at - given.not_before == 7 * 86_400
    async with kit.region.registry.read() as t:
        row = next(row for row in await t.audit.recent() if row.action == "command.give")
    assert (row.actor, row.station_id, row.detail["command"], row.detail["why"]) == (
        "ivan", station.id, "wipe", "sent in for repair"
    )  # fmt: skip
    async with kit.region.registry.begin() as t:
        await t.commands.note(given.id, station.id, "wipe", Progress("executing"), kit.clock.wall())
    assert "Erase for good" in (await ivan.get(f"/stations/{station.id}/commands")).text


@pytest.mark.parametrize("named", ["Room 5", "Solgården", "", " ", "wipe"])
async def test_who_types_anything_else_has_erased_nothing_and_is_told_so(
    kit: Kit, ivan: httpx.AsyncClient, page: str, named: str
) -> None:
    answer = await ivan.post(page, data={"named": named, "why": "sent in for repair"})
    assert answer.status_code == 422
    told = html.unescape(answer.text)
    assert "Nothing has happened" in told
    assert 'aria-invalid="true"' in told
    assert 'value="sent in for repair"' in told, "what was written is not lost"
    assert await _given(kit) == []


async def test_a_time_that_cannot_be_erases_nothing(kit: Kit, ivan: httpx.AsyncClient, page: str) -> None:
    for when in (
        {"when": "at", "at": "yesterday"},
        {"when": "at", "at": "2020-01-01T03:00"},
        {"at": "2027-01-01T03:00"},
    ):
        answer = await ivan.post(page, data={**MEANT, **when})
        assert answer.status_code == 422, when
        assert "That time cannot be" in answer.text
    assert await _given(kit) == []


async def test_a_station_that_is_shut_out_takes_no_command_and_its_page_offers_none(
    kit: Kit, station: Station, ivan: httpx.AsyncClient, page: str
) -> None:
    async with kit.region.registry.begin() as t:
        await t.stations.set_admission(station.id, "quarantined")
    assert page not in (await ivan.get(f"/stations/{station.id}")).text
    shown = (await ivan.get(page)).text
    assert "takes no commands" in shown
    assert 'name="named"' not in shown
    assert (await ivan.post(page, data=MEANT)).status_code == 409
    assert (await ivan.post("/stations/st-00000000/wipe", data=MEANT)).status_code == 404
    assert await _given(kit) == []


async def test_nobody_but_it_erases_a_station(kit: Kit, station: Station) -> None:
    for person in (
        await kit.person("siv", "site_staff", sites=[station.site_id]),
        await kit.person("eva", "evaluator"),
    ):
        async with kit.signed_in(person) as browser:
            form = {"csrf": await kit.csrf(browser), **MEANT}
            assert (await browser.get(f"/stations/{station.id}/wipe")).status_code == 403
            assert (await browser.post(f"/stations/{station.id}/wipe", data=form)).status_code == 403
    assert await _given(kit) == []


async def test_every_command_that_a_script_can_give_has_a_door_in_the_console(
    kit: Kit, station: Station, ivan: httpx.AsyncClient, page: str
) -> None:
    """Each type of ORDERS is offered by a page of the station's, by that for many, or by the one that asks first."""
    said = {"message": {"text": "Hej"}, "volume": {"percent": "40"}, "restart": {"process": "call"}}
    here = f"/stations/{station.id}"
    many = await ivan.post("/bulk", data={"whom": "chosen", "station": station.id})
    for kind in set(re.findall(r'name="type" value="(\w+)"', (await ivan.get(here)).text)):
        answer = await ivan.post(f"{here}/commands", data={"type": kind, **said.get(kind, {})})
        assert answer.status_code == 303, kind
    for kind in ("reboot", "lock", "unlock"):
        assert f'name="type" value="{kind}"' in many.text
        answer = await ivan.post("/bulk/commands", data={"type": kind, "stations": station.id})
        assert answer.status_code == 303, kind
    assert (await ivan.post(page, data=MEANT)).status_code == 303
    assert {one.type for one in await _given(kit)} == set(ORDERS), "a command that only a script can give"
    assert 'value="wipe"' not in many.text, "one at a time"


@given(st.text("aA1 å", min_size=1).filter(str.strip), st.text("aA1 å"))
def test_only_its_own_name_means_a_station_however_it_is_typed(name: str, typed: str) -> None:
    assert is_meant(replace(STATION, name=name), typed) == (typed.lower().split() == name.lower().split())


def test_a_serial_number_is_known_as_it_is_printed_and_none_is_never_meant() -> None:
    known = replace(STATION, serial="10000000abcd7777")
    assert is_meant(known, " 1000 0000 ABCD 7777\n")
    assert not is_meant(known, "10000000abcd7778")
    assert is_meant(replace(STATION, name="Stue Å"), "STUE A\N{COMBINING RING ABOVE}")
    assert not any(is_meant(STATION, typed) for typed in ("", " ", "None", STATION.id, STATION.site))
