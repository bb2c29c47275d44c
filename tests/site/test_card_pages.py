"""Cards made at a browser and by the API: files that let stations in, and nothing where something is wrong."""

from __future__ import annotations

import html
import io
import zipfile
from typing import Any

import httpx
import pytest

from messaging.claim import REGION_FILE, read_region_file
from messaging.enrolment import CODE_FILE, read_code_file
from region.stations.cards import MOST_CARDS, SHEET
from tests.kits.region.app import Kit

pytestmark = pytest.mark.usefixtures("station")


async def _stations(kit: Kit) -> list[str]:
    async with kit.region.registry.read() as t:
        return [one.name for one in await t.stations.all()]


async def test_the_page_gives_one_file_with_a_code_for_each_and_a_sheet(kit: Kit, ivan: httpx.AsyncClient) -> None:
    assert "Make and download" in (await ivan.get("/cards")).text
    form = {"site": "Solgården", "which": "count", "count": 3, "called": "Stue", "days": 10, "clinic": "Bakkens Klinik"}
    made = await ivan.post("/cards", data=form)
    assert made.headers["content-type"] == "application/zip"
    assert made.headers["content-disposition"] == 'attachment; filename="laegeknap-cards-3.zip"'
    assert made.headers["cache-control"] == "no-store", "it is full of secrets"
    with zipfile.ZipFile(io.BytesIO(made.content)) as packed:
        files = [name for name in packed.namelist() if name.endswith(CODE_FILE)]
        codes = [read_code_file(packed.read(name).decode()) for name in files]
        sheet = packed.read(SHEET).decode()
    assert [name.split("-")[0] for name in files] == ["001", "002", "003"]
    assert len({one.code for one in codes}) == 3
    assert "Stue 3" in sheet
    assert not any(one.code in sheet for one in codes)
    assert await _stations(kit) == ["Room 4", "Stue 1", "Stue 2", "Stue 3"]
    async with kit.region.registry.read() as t:
        invited = [await t.enrolments.get(one.station) for one in codes]
        log = [row.action for row in await t.audit.recent()]
    assert {round((one.expires - kit.clock.wall()) / 86_400) for one in invited if one} == {10}
    assert log.count("code.make") == 3
    assert "card.prepare" in log


async def test_rooms_by_name_and_those_that_lack_a_card(kit: Kit, ivan: httpx.AsyncClient) -> None:
    form = {"site": "Solgården", "which": "rooms", "rooms": "Køkken\n\n  Hall 2 \n", "count": 10}
    assert "cards-2.zip" in (await ivan.post("/cards", data=form)).headers["content-disposition"]
    assert await _stations(kit) == ["Hall 2", "Køkken", "Room 4"]
    missing = await ivan.post("/cards", data={"site": "Solgården", "which": "missing"})
    assert "cards-1.zip" in missing.headers["content-disposition"]
    again = await ivan.post("/cards", data={"site": "Solgården", "which": "missing"})
    assert again.status_code == 422
    assert "has a code that waits" in again.text


@pytest.mark.parametrize(
    ("status", "form"),
    [
        (404, {"site": "Mars"}), (404, {"clinic": "Nobody"}), (422, {"count": 0}), (422, {"count": MOST_CARDS + 1}),
        (422, {"days": 0}), (422, {"which": "all"}), (409, {"which": "rooms", "rooms": "Room 4"}),
    ],
)  # fmt: skip
async def test_where_something_is_wrong_nothing_is_made(
    kit: Kit, ivan: httpx.AsyncClient, status: int, form: dict[str, Any]
) -> None:
    answer = await ivan.post("/cards", data={"site": "Solgården", "which": "count", "count": 2, **form})
    assert answer.status_code == status
    assert await _stations(kit) == ["Room 4"]


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"site": "Mars"}, "stedet Mars findes ikke"), ({"clinic": "Nobody"}, "klinikken Nobody findes ikke"),
        ({"count": 0}, "der kan laves fra 1 til 500 kort ad gangen"), ({"called": "\x07"}, "kaldet: har et tegn"),
        ({"which": "rooms", "rooms": "Room 4"}, "Solgården har allerede Room 4. Til stationer, der er i registret"),
        ({"which": "rooms", "rooms": "A\nA"}, "den samme stue står der to gange"),
    ],
)  # fmt: skip
async def test_who_reads_danish_is_told_in_danish_why_nothing_was_made(
    kit: Kit, form: dict[str, Any], told: str
) -> None:
    async with kit.signed_in(await kit.person("per", "it_admin", language="da")) as per:
        asked = {"csrf": await kit.csrf(per), "site": "Solgården", "which": "count", "count": 2, **form}
        answer = await per.post("/cards", data=asked)
    assert f"Intet blev oprettet. ({told}" in html.unescape(answer.text)


async def test_the_file_that_is_the_same_on_every_card_holds_no_secret(ivan: httpx.AsyncClient) -> None:
    answer = await ivan.get("/cards/region")
    assert REGION_FILE in answer.headers["content-disposition"]
    assert read_region_file(answer.text).url == "https://127.0.0.1:8402"


async def test_the_api_makes_the_same_cards(kit: Kit, ivan: httpx.AsyncClient) -> None:
    headers = {"accept": "application/json"}
    made = await ivan.post("/api/cards", json={"site": "Solgården", "rooms": ["Stue 9"]}, headers=headers)
    assert made.status_code == 201, made.text
    (card,) = made.json()["cards"]
    assert read_code_file(card["toml"]).station == card["station"]
    assert (card["number"], card["room"]) == (1, "Stue 9")
    for wrong, status in (({"site": "Mars", "count": 1}, 404), ({"site": "Solgården"}, 422), ({"count": 1}, 422),
                          ({"site": "Solgården", "rooms": ["Stue 9"]}, 409)):  # fmt: skip
        assert (await ivan.post("/api/cards", json=wrong, headers=headers)).status_code == status, wrong
    assert await _stations(kit) == ["Room 4", "Stue 9"]
