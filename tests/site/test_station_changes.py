"""What is not named when a station is made or changed stays as it is, and what was typed is there after a refusal."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

from region.registry import Invalid
from region.registry.filters import Filter
from region.registry.records import Station
from region.stations.commanding import Whom
from region.stations.whom_api import OfStations
from tests.kits.region.app import Kit
from tests.kits.region.asking import ask

EMOJI = "Lægen kommer kl. 14 🙂"


async def own(kit: Kit, station: str) -> dict[str, Any]:
    """What the station says itself."""
    async with kit.region.registry.read() as t:
        return (await t.layers.get("station", station)).document


async def say(kit: Kit, site: int, **document: Any) -> None:
    async with kit.region.registry.begin() as t:
        await t.layers.put("site", str(site), document, "ivan", kit.clock.wall())


async def test_a_rename_by_a_script_leaves_clinic_language_and_volume_as_they_are(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    await say(kit, station.site_id, clinic="Bakkens Klinik", volume=55, language="en")
    await ask(ivan, "PATCH", f"/stations/{station.id}", clinic_id=station.clinic_id, volume=55, language="en")
    assert await own(kit, station.id) == {}, "the site says all of it"
    renamed = await ask(ivan, "PATCH", f"/stations/{station.id}", name="Stue 4b", site_id=station.site_id)
    assert (renamed["name"], renamed["clinic_id"], renamed["volume"], renamed["language"]) == (
        "Stue 4b", station.clinic_id, 55, "en",
    )  # fmt: skip
    assert await own(kit, station.id) == {}
    await say(kit, station.site_id, clinic="Bakkens Klinik", volume=40)
    assert (await ask(ivan, "GET", f"/stations/{station.id}"))["volume"] == 40, "the site is still listened to"


async def test_each_thing_is_changed_alone_and_nobody_is_called_only_where_that_is_said(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    path = f"/stations/{station.id}"
    await ask(ivan, "PATCH", path, volume=30, room="Stue 9", serial="10000000ABCD1234")
    changed = await ask(ivan, "PATCH", path, language="en", clinic_id=None)
    assert (changed["volume"], changed["language"], changed["clinic_id"], changed["room"], changed["serial"]) == (
        30, "en", None, "Stue 9", "10000000abcd1234",
    )  # fmt: skip
    changed = await ask(ivan, "PATCH", path, clinic_id=station.clinic_id, serial="", volume=None)
    assert (changed["clinic_id"], changed["serial"], changed["volume"]) == (station.clinic_id, None, 30)
    assert await ask(ivan, "PATCH", path) == changed, "nothing was asked for, and nothing changed"
    refused = await ask(ivan, "PATCH", path, 422, room="")
    assert "room: may not be empty" in refused["detail"]


async def test_a_station_that_moves_works_as_its_new_site_says_in_what_it_did_not_say_itself(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    await ask(ivan, "PATCH", f"/stations/{station.id}", language="en")
    moon = await ask(ivan, "POST", "/sites", 201, name="Månelyst")
    await say(kit, moon["id"], volume=35, language="da")
    moved = await ask(ivan, "PATCH", f"/stations/{station.id}", site_id=moon["id"])
    assert (moved["volume"], moved["language"], moved["site"], moved["room"]) == (35, "en", "Månelyst", station.room)


async def test_a_new_station_works_as_its_site_says_by_api_and_by_page(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    async with kit.region.registry.begin() as t:
        await t.clinics.add("Aaby Klinik", "", kit.clock.wall())
    await say(kit, station.site_id, clinic="Bakkens Klinik", volume=55, language="en")
    scripted = await ask(ivan, "POST", "/stations", 201, name="Stue 5", site_id=station.site_id)
    page = (await ivan.get("/sites")).text
    form = re.search(r'action="/stations">.*?</form>', page, re.DOTALL)[0]
    offered = re.search(r'<select name="clinic">\s*<option value="">([^<]+)<', form)[1]
    assert offered == "As the site says", "chosen unless somebody chooses a clinic"
    assert 'name="language"' not in form
    made = await ivan.post("/stations", data={"name": "Stue 6", "site": station.site_id, "clinic": ""})
    by_hand = await ask(ivan, "GET", made.headers["location"])
    for one in (scripted, by_hand):
        assert (one["clinic_id"], one["volume"], one["language"]) == (station.clinic_id, 55, "en"), one["name"]
        assert await own(kit, one["id"]) == {}
    await say(kit, station.site_id, volume=20)
    assert (await ask(ivan, "GET", f"/stations/{by_hand['id']}"))["volume"] == 20


async def test_a_clinic_keeps_its_telephone_when_its_name_alone_is_changed(
    ivan: httpx.AsyncClient, station: Station
) -> None:
    path = f"/clinics/{station.clinic_id}"
    await ask(ivan, "PATCH", path, phone="87 65 43 21")
    renamed = await ask(ivan, "PATCH", path, name="Dalens Klinik")
    assert (renamed["name"], renamed["phone"]) == ("Dalens Klinik", "87 65 43 21")
    assert (await ask(ivan, "PATCH", path, phone=""))["phone"] == ""


def settings(station: Station, **other: Any) -> dict[str, Any]:
    """The form of the station's page, as it is sent."""
    return {
        "name": station.name, "room": station.room, "site": station.site_id, "clinic": station.clinic_id,
        "language": station.language, "volume": station.volume, **other,
    }  # fmt: skip


async def test_the_page_gives_a_station_its_name_and_its_room_each_by_its_own_field(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    page = html.unescape((await ivan.get(f"/stations/{station.id}")).text)
    assert re.search(r'Name, on the screen<input name="name"[^>]* value="Room 4"', page)
    assert re.search(r'Room or place<input name="room"[^>]* value="Room 4"', page)
    done = await ivan.post(f"/stations/{station.id}", data=settings(station, name="Room 4b", room="Room 4b"))
    assert done.status_code == 303
    changed = await ask(ivan, "GET", f"/stations/{station.id}")
    assert (changed["name"], changed["room"]) == ("Room 4b", "Room 4b")


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"name": ""}, 422),
        ({"room": " "}, 422),
        ({"volume": "loud"}, 422),
        ({"volume": ""}, 422),
        ({"site": "99"}, 404),
    ],
)
async def test_a_refused_form_of_a_station_keeps_what_was_typed(
    ivan: httpx.AsyncClient, station: Station, wrong: dict[str, str], status: int
) -> None:
    typed = settings(station, name="Room 5", room="By the window", volume="33", language="en") | wrong
    answer = await ivan.post(f"/stations/{station.id}", data=typed)
    page = html.unescape(answer.text)
    assert answer.status_code == status
    assert 'role="alert"' in page
    for name in ("name", "room", "volume"):
        assert re.search(rf'<input name="{name}"[^>]* value="{typed[name]}"', page), name
    assert '<option value="en" selected>' in page


async def test_a_refused_command_keeps_its_words_and_its_time(ivan: httpx.AsyncClient, station: Station) -> None:
    said = {"type": "message", "text": EMOJI, "seconds": "600", "when": "tonight"}
    answer = await ivan.post(f"/stations/{station.id}/commands", data=said)
    page = html.unescape(answer.text)
    assert (answer.status_code, f'value="{EMOJI}"' in page) == (422, True)
    assert '<option value="600" selected>' in page
    assert page.count('<option value="tonight" selected>') == 1, "in that form alone"
    said |= {"stations": station.id, "why": "the heating", "good_for": "day"}
    page = html.unescape((await ivan.post("/bulk/commands", data=said)).text)
    assert page.count(f'value="{EMOJI}"') == 1
    assert page.count("<details open>") == page.count('value="the heating"') == 1
    assert page.count('<option value="day" selected>') == 1


async def test_an_erasing_that_is_refused_keeps_the_night_that_was_chosen(
    ivan: httpx.AsyncClient, station: Station
) -> None:
    said = {"named": "another", "when": "tonight", "why": "given back"}
    page = (await ivan.post(f"/stations/{station.id}/wipe", data=said)).text
    assert '<option value="tonight" selected>' in page
    assert 'value="given back"' in page


async def test_a_new_station_that_is_refused_is_still_in_the_form(ivan: httpx.AsyncClient, station: Station) -> None:
    said = {"name": "x" * 81, "site": station.site_id, "clinic": station.clinic_id}
    page = (await ivan.post("/stations", data=said)).text
    assert f'value="{"x" * 81}"' in page
    assert f'<option value="{station.clinic_id}" selected>' in page


def test_whom_a_request_means_is_said_one_way() -> None:
    assert OfStations(stations=["st-k7m2qx4p"]).whom() == Whom(("st-k7m2qx4p",))
    assert OfStations(where=["state=offline"]).whom() == Whom(where=Filter(state=("offline",)))
    for neither_or_both in (OfStations(), OfStations(stations=["st-k7m2qx4p"], where=[])):
        with pytest.raises(Invalid, match="either stations or a filter"):
            neither_or_both.whom()
