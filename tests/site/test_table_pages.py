"""Tables at a browser: taken in whole or not at all, tried first, and each fault told in the reader's language."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

from region.web.guard import MOST_TABLE
from tests.kits.region.app import HTML, Kit

SITES = "name;municipality\nMånelyst;\nSolgården;\n"
WRONG = (
    "site;room;serial;clinic;language;volume;id\n"
    "Mars;Stue 9;;;;;\n"
    "Solgården;Stue 8;!!;;;;\n"
    "Solgården;Stue 9;;Bakke;;;\n"
    "Solgården;Stue 9;;;se;;\n"
    "Solgården;Stue 9;;;;101;\n"
    "Solgården;Stue 9;;;;;st-00000000\n"
    "Solgården;Stue 9;77aa;;;;\n"
    "Solgården;Stue 7;77 AA;;;;\n"
)


async def _take(browser: httpx.AsyncClient, kind: str, content: str | bytes, **more: str) -> httpx.Response:
    data = {"csrf": await _csrf(browser), "kind": kind, **more}
    return await browser.post("/tables", data=data, files={"file": (f"{kind}.csv", content)})


async def _csrf(browser: httpx.AsyncClient) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', (await browser.get("/tables", headers=HTML)).text)
    assert found
    return found[1]


async def _sites(kit: Kit) -> list[str]:
    async with kit.region.registry.read() as t:
        return [one.name for one in await t.sites.all()]


@pytest.fixture
async def per(kit: Kit, station: object) -> Any:
    """A browser without scripts, of somebody of IT who reads Danish."""
    async with kit.signed_in(await kit.person("per", "it_admin", language="da")) as browser:
        yield browser


async def test_it_is_tried_then_taken_in_and_the_log_says_who(kit: Kit, per: httpx.AsyncClient) -> None:
    assert 'href="/tables"' in (await per.get("/sites")).text
    tried = await _take(per, "sites", SITES, dry_run="yes")
    assert "Intet er ændret endnu. Der ville blive 1 tilføjet, 0 ændret og 1 som før." in html.unescape(tried.text)
    assert await _sites(kit) == ["Solgården"]
    taken = await _take(per, "sites", SITES)
    assert "Læst ind: 1 tilføjet, 0 ændret, 1 som før." in html.unescape(taken.text)
    assert await _sites(kit) == ["Månelyst", "Solgården"]
    async with kit.region.registry.read() as t:
        row = next(row for row in await t.audit.recent() if row.action == "import")
    assert (row.actor, row.detail["kind"], row.detail["added"]) == ("per", "sites", 1)


async def test_what_is_downloaded_there_can_be_taken_in_again(kit: Kit, per: httpx.AsyncClient) -> None:
    page = (await per.get("/tables")).text
    for kind in re.findall(r'href="/api/tables/(\w+)" download', page):
        if kind == "people":
            continue  # who takes in their own account changes nothing else of it: tests/unit/test_importing.py
        content = (await per.get(f"/api/tables/{kind}")).content
        assert "0 tilføjet, 0 ændret" in html.unescape((await _take(per, kind, content)).text), kind


async def test_each_fault_is_told_by_line_and_column_in_the_readers_language(kit: Kit, per: httpx.AsyncClient) -> None:
    answer = await _take(per, "stations", WRONG)
    assert answer.status_code == 422
    told = html.unescape(answer.text)
    assert "Intet blev ændret" in told
    cells = re.findall(r'<td data-label="(?:Linje|Kolonne|Hvorfor)">([^<]*)</td>', told)
    rows = [tuple(cells[at : at + 3]) for at in range(0, len(cells), 3)]
    assert rows == [
        ("2", "site", "stedet findes ikke: Læs stederne ind først"),
        ("3", "serial", "skal være 4 til 64 bogstaver, cifre, bindestreger, punktummer og koloner"),
        ("4", "clinic", "klinikken findes ikke: Læs klinikkerne ind først, eller skriv (none) for ingen"),
        ("5", "language", "skal være en af da, en"),
        ("6", "volume", "skal være et helt tal fra 0 til 100"),
        ("7", "id", "stationen findes ikke; lad cellen være tom for en ny"),
        ("9", "serial", "som i linje 8: Tag en af de to væk"),
    ]
    async with kit.region.registry.read() as t:
        assert [one.name for one in await t.stations.all()] == ["Room 4"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "der står ikke noget; der skulle stå overskrifterne name, municipality"),
        (b"PK\x03\x04", "Excel (.xlsx), ikke CSV: Gem tabellen som CSV UTF-8"),
        ("S\u00f8".encode("latin-1"), "et bogstav, der ikke er UTF-8: Gem tabellen som CSV UTF-8"),
        ("a\0b", "et tegn, der ikke er tekst"), ("name;colour\nA;red\n", "den kolonne findes ikke; der findes name, m"),
        ("name;name\n", "står der to gange"), ("municipality\n", "mangler"),
        ('name\nA\n"B\nC\n', "et anførselstegn begynder en celle her, og intet slutter den"),
        ('name\n"A"B\n', "der står noget efter det anførselstegn, som slutter en celle"),
        (f"name\n{'A' * 140_000}\n", "en celle er længere end 131072 tegn"),
        ("name;municipality\nA;;;b\n", "4 celler under 2 overskrifter"), ("name;municipality\n;Skive\n", "må ikke"),
        ("name;municipality\nA;Skive\n", "kommunen findes ikke: Læs kommunerne ind først"),
    ],
)  # fmt: skip
async def test_whatever_is_no_such_table_is_told_in_danish_and_changes_nothing(
    kit: Kit, per: httpx.AsyncClient, content: str | bytes, told: str
) -> None:
    answer = await _take(per, "sites", content)
    assert answer.status_code == 422
    assert told in html.unescape(answer.text)
    assert await _sites(kit) == ["Solgården"]


async def test_what_a_stations_settings_object_to_is_told_at_its_row(kit: Kit, per: httpx.AsyncClient) -> None:
    async with kit.region.registry.begin() as t:
        (station,) = await t.stations.all()
        skive = await t.municipalities.add("Skive", None, kit.clock.wall())
        await t.layers.put("municipality", str(skive.id), {"night": {"ends": "06:00"}}, "ivan", kit.clock.wall())
        await t.layers.put("station", station.id, {"night": {"begins": "06:00", "on": True}}, "ivan", kit.clock.wall())
    answer = await _take(per, "sites", "name;municipality\nSolgården;Skive\n")
    assert answer.status_code == 422
    assert f"natten begynder, når den slutter (på stationen {station.id})" in html.unescape(answer.text)


async def test_a_hundred_faults_are_told_and_how_many_more_there_are(per: httpx.AsyncClient) -> None:
    answer = await _take(per, "sites", "name;municipality\n" + "".join(f"A{one};Skive\n" for one in range(130)))
    assert answer.text.count("kommunen findes ikke") == 100
    assert "og 30 til" in answer.text


async def test_no_file_a_strange_kind_or_another_site_takes_nothing_in(kit: Kit, per: httpx.AsyncClient) -> None:
    csrf = {"csrf": await _csrf(per)}
    assert (await per.post("/tables", data={**csrf, "kind": "sites"})).status_code == 422
    assert (await _take(per, "sheep", SITES)).status_code == 422
    assert (await per.post("/tables", data={"kind": "sites"}, files={"file": SITES})).status_code == 403
    assert await _sites(kit) == ["Solgården"]


async def test_a_large_table_is_read_of_those_who_are_signed_in_only_and_up_to_its_limit(
    kit: Kit, per: httpx.AsyncClient
) -> None:
    large = "name;municipality\n" + " ;\n" * 100_000
    assert "0 tilføjet" in html.unescape((await _take(per, "sites", large)).text)
    assert (await _take(per, "sites", "x" * MOST_TABLE)).status_code == 413
    read = 0

    async def body() -> Any:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b"x" * 10_000

    async with kit.browser() as stranger:
        await stranger.get("/sign-in")
        kind = {"content-type": "multipart/form-data; boundary=b"}
        assert (await stranger.post("/tables", content=body(), headers=kind)).status_code == 403
    assert read <= 1, "what a stranger sends is not waited for"
