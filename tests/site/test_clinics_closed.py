"""A clinic is removed once nobody calls it or works for it: by the API, on the page, by a command."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from region.cli import main
from region.people.tokens import TokenService
from region.registry.records import Clinic, Station
from tests.kits.region.app import Kit, every_subject, region_kit, still
from tests.kits.region.asking import ask


@pytest.fixture
async def kit(tmp_path: Path, database: str) -> AsyncIterator[Kit]:
    subjects = [still(make) for make in every_subject(tmp_path)]
    async with region_kit(tmp_path, subjects, database=database) as kit:
        yield kit


@pytest.fixture
async def clinic(kit: Kit, station: Station) -> Clinic:
    async with kit.region.registry.read() as t:
        return await t.clinics.named("Bakkens Klinik")


async def test_whoever_is_in_the_way_is_told_one_after_the_other(
    kit: Kit, ivan: httpx.AsyncClient, station: Station, clinic: Clinic
) -> None:
    anna = await kit.person("anna", "clinician", clinic)
    token = await kit.token("ivan", "evaluator", clinic_id=clinic.id)
    async with kit.region.registry.begin() as t:
        await t.calls.add("c0ffee00", station.id, clinic.id, "resident", "waiting", kit.clock.wall())
    path = f"/clinics/{clinic.id}"

    async def refused() -> str:
        return str((await ask(ivan, "DELETE", path, 409))["detail"]).partition(": ")[2]

    assert await refused() == "have its stations call another clinic first (1)"
    await ask(ivan, "PATCH", f"/stations/{station.id}", clinic_id=None)
    await ask(ivan, "PATCH", "/profiles/site", place="Solgården", set={"fallback": "Bakkens Klinik"})
    assert await refused() == "the settings of site Solgården name it; name another clinic there first (1)"
    await ask(ivan, "PATCH", "/profiles/site", place="Solgården", unset=["fallback"])
    assert await refused() == "bind its people elsewhere first (1)"
    await ask(ivan, "POST", f"/people/{anna.id}/block")
    assert await refused() == "revoke the API tokens that are bound to it first (1)"
    await TokenService(kit.region.registry, kit.clock).revoke("ivan", token.token.id)
    assert await refused() == "wait until its calls have ended (1)"
    async with kit.region.registry.begin() as t:
        await t.calls.end("c0ffee00", "no_answer", kit.clock.wall())
    await ask(ivan, "DELETE", path, 204)
    await ask(ivan, "DELETE", path, 404)
    assert await ask(ivan, "GET", "/clinics") == []
    assert (await ask(ivan, "POST", f"/people/{anna.id}/unblock", 409))["detail"].startswith("Bakkens Klinik is closed")
    await ask(ivan, "PATCH", f"/stations/{station.id}", 404, clinic_id=clinic.id)
    named = await ask(ivan, "PATCH", "/profiles/region", 422, place="", set={"clinic": "Bakkens Klinik"})
    assert "no such clinic" in str(named) or "no clinic" in str(named)
    async with kit.region.registry.read() as t:
        assert (await t.calls.get("c0ffee00")).clinic == "Bakkens Klinik"
        row = next(one for one in await t.audit.recent() if one.action == "clinic.remove")
        assert [one.name for one in await t.clinics.ever()] == ["Bakkens Klinik"], "its figures can be asked for"
    assert (row.actor, row.detail) == ("ivan", {"clinic": "Bakkens Klinik"})
    again = await ask(ivan, "POST", "/clinics", 201, name="Bakkens Klinik", phone="87 65 43 21")
    assert (again["id"], again["phone"]) == (clinic.id, "87 65 43 21"), "it has opened again"


async def test_one_that_was_made_by_mistake_leaves_nothing_behind(kit: Kit, ivan: httpx.AsyncClient) -> None:
    wrong = await ask(ivan, "POST", "/clinics", 201, name="Bakens Klinik")
    await ask(ivan, "DELETE", f"/clinics/{wrong['id']}", 204)
    async with kit.region.registry.read() as t:
        assert await t.clinics.ever() == []


async def test_on_the_page_too_and_in_danish(
    kit: Kit, ivan: httpx.AsyncClient, station: Station, clinic: Clinic
) -> None:
    async with kit.region.registry.begin() as t:
        await t.people.set_language(next(one.id for one in await t.people.all() if one.name == "ivan"), "da")
    assert f'action="/clinics/{clinic.id}/remove"' in (await ivan.get("/sites")).text
    kept = await ivan.post(f"/clinics/{clinic.id}/remove")
    told = html.unescape(kept.text)
    assert (kept.status_code, "Lad først stationerne ringe til en anden klinik (1)" in told) == (409, True)
    await ask(ivan, "PATCH", f"/stations/{station.id}", clinic_id=None)
    gone = await ivan.post(f"/clinics/{clinic.id}/remove")
    assert "Bakkens Klinik" not in (await ivan.get(gone.headers["location"])).text


def test_by_commands_both_a_clinic_and_a_station_are_removed(
    tmp_path: Path, empty_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def region(*words: str, code: int = 0) -> str:
        assert main([*words, "--data", str(tmp_path), "--database", empty_database]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    region("clinic", "add", "Near")
    region("site", "add", "Sun")
    stations = [region("station", "add", name, "--site", "Sun", "--clinic", "Near").split()[3][:-1] for name in "ABC"]
    assert "have its stations call another clinic first (3)" in region("clinic", "remove", "Near", code=1)
    assert "which?" in region("station", "remove", code=2)
    assert "shut it out first (region station revoke)" in region("station", "remove", stations[0], code=1)
    for one in stations:
        region("station", "revoke", one, "--why", "retired")
    assert "nothing was done" in region("station", "remove", "--where", "state=revoked", code=2)
    assert f"Removed from the registry: {stations[0]}." in region("station", "remove", stations[0])
    assert "Removed from the registry" in region("station", "remove", "--where", "state=revoked", "--yes")
    assert region("station", "list", "--json").strip() == "[]"
    assert "Removed the clinic Near" in region("clinic", "remove", "Near")
    assert "station.remove" in region("audit", "list")
