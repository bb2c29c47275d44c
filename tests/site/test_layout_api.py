"""Places, profiles and tables by the API: what the commands do, done by a script."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.kits.region.app import Kit, every_subject, region_kit


class Script:
    """Signed in as IT."""

    def __init__(self, kit: Kit, http: httpx.AsyncClient, token: str) -> None:
        self.kit = kit
        self._http = http
        self._headers = {"x-csrf-token": token}

    async def __call__(self, method: str, path: str, said: Any = None, status: int = 200, **more: Any) -> Any:
        answer = await self._http.request(method, f"/api{path}", json=said, headers=self._headers, params=more)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def table(self, kind: str, content: bytes, status: int = 200, **more: Any) -> Any:
        headers = {**self._headers, "content-type": "text/csv"}
        answer = await self._http.post(f"/api/tables/{kind}", content=content, headers=headers, params=more)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def raw(self, path: str) -> httpx.Response:
        return await self._http.get(f"/api{path}")

    async def log(self, action: str) -> list[dict[str, Any]]:
        return [row for row in await self("GET", "/audit") if row["action"] == action]


@pytest.fixture
async def script(tmp_path: Path) -> AsyncIterator[Script]:
    async with region_kit(tmp_path, every_subject(tmp_path)) as kit:
        await kit.places()
        async with kit.signed_in(await kit.person("ivan", "it_admin"), accept="application/json") as http:
            made = Script(kit, http, await kit.csrf(http))
            await made("POST", "/clusters", {"name": "East"}, 201)
            await made("POST", "/municipalities", {"name": "Skive", "cluster": "East"}, 201)
            await made("POST", "/sites/move", {"name": "Solgården", "municipality": "Skive"})
            yield made


async def test_a_value_set_above_is_at_work_below_and_said_where_from(script: Script) -> None:
    (station,) = await script("GET", "/stations")
    said = await script("PATCH", "/profiles/municipality", {"place": "Skive", "set": {"night.on": True, "volume": 55}})
    assert said == {"version": 1, "stations": [station["id"]]}
    shown = await script("GET", "/profiles/station", place=station["id"])
    assert (shown["merged"]["volume"], shown["sources"]["volume"], shown["own"].get("volume")) == (
        55, "municipality", None,
    )  # fmt: skip
    await script("PATCH", "/profiles/municipality", {"place": "Skive", "unset": ["volume"]})
    assert "volume" not in (await script("GET", "/profiles/station", place=station["id"]))["merged"]
    assert [row["actor"] for row in await script.log("layer.change")][:2] == ["ivan", "ivan"]


async def test_a_whole_profile_is_put_only_onto_the_version_that_was_seen(script: Script) -> None:
    new = {"place": "Solgården", "document": {"language": "en"}, "after": 0}
    assert (await script("PUT", "/profiles/site", new))["version"] == 1
    assert (await script("PUT", "/profiles/site", new, 409))["code"] == "conflict"
    assert (await script("GET", "/profiles/site", place="Solgården"))["own"] == {"language": "en"}


async def test_what_no_station_could_work_by_is_refused_by_field(script: Script) -> None:
    for document, field in (({"volume": 900}, "volume"), ({"nigth": {"on": True}}, "nigth"), ({"site": "X"}, "site")):
        refused = await script("PUT", "/profiles/region", {"document": document}, 422)
        assert field in refused["detail"]
    unsaid = await script("PATCH", "/profiles/region", {"set": {"volume": None}}, 422)
    assert "unset" in unsaid["detail"]
    assert "night.on" in (await script("PATCH", "/profiles/region", {"unset": ["night..on"]}, 422))["detail"]
    assert await script.log("layer.change") == []


async def test_a_secret_is_taken_and_never_told(script: Script) -> None:
    document = {"network": {"wifi": {"Home": {"psk": "hunter2hunter2"}}}}
    await script("PUT", "/profiles/site", {"place": "Solgården", "document": document})
    for path in ("/profiles/site?place=Solgården", "/audit", "/tables/sites", "/stations"):
        assert "hunter2" not in (await script.raw(path)).text, path


async def test_what_works_in_one_home_works_in_the_next(script: Script) -> None:
    await script("POST", "/sites", {"name": "Månelyst"}, 201)
    await script("PUT", "/profiles/site", {"place": "Solgården", "document": {"volume": 40, "language": "en"}})
    asked = {"source": "Solgården", "target": "Månelyst", "but": ["language"], "dry_run": True}
    change = {"field": "volume", "before": None, "after": 40}
    assert (await script("POST", "/profiles/copy", asked))["changes"] == [change]
    assert (await script("GET", "/profiles/site", place="Månelyst"))["own"] == {}
    await script("POST", "/profiles/copy", {**asked, "dry_run": False})
    assert (await script("GET", "/profiles/site", place="Månelyst"))["own"] == {"volume": 40}
    assert (await script("POST", "/profiles/copy", asked))["changes"] == []


async def test_places_belong_to_others_and_stations_move(script: Script) -> None:
    await script("POST", "/clusters", {"name": "West"}, 201)
    await script("POST", "/municipalities/move", {"name": "Skive", "cluster": "West"})
    assert [one["cluster"] for one in await script("GET", "/municipalities")] == ["West"]
    assert [one["name"] for one in await script("GET", "/clusters")] == ["East", "West"]
    (station,) = await script("GET", "/stations")
    moved = await script("POST", f"/stations/{station['id']}/move", {"room": "Room 9"})
    assert (moved["room"], moved["site"]) == ("Room 9", "Solgården")
    await script("POST", f"/stations/{station['id']}/move", {"room": "1", "site": "Nowhere"}, 404)


async def test_a_table_is_taken_in_whole_or_each_fault_is_told(script: Script) -> None:
    good = "site;room;serial\nSolgården;Stue 7;10000000abcd7777\n".encode()
    rehearsed = await script.table("stations", good, dry_run=True)
    assert (rehearsed["added"], rehearsed["dry_run"], len(await script("GET", "/stations"))) == (1, True, 1)
    assert (await script.table("stations", good))["added"] == 1
    assert (await script.table("stations", good))["same"] == 1
    bad = await script.table("stations", "site;room\nSolgården;Stue 8\nNowhere;Stue 9\n".encode(), 422)
    assert "line 3, column site" in bad["detail"]
    assert len(await script("GET", "/stations")) == 2


async def test_a_table_written_is_a_table_read_and_the_log_says_who_has_it(script: Script) -> None:
    written = await script.raw("/tables/stations")
    assert written.headers["content-type"].startswith("text/csv")
    assert (await script.table("stations", written.content))["same"] == 1
    assert (await script.raw("/tables/sites?plain=true")).text.startswith("name,municipality")
    assert [row["detail"]["kind"] for row in await script.log("export")] == ["sites", "stations"]


async def test_a_table_may_be_larger_than_any_other_body_and_has_its_own_end(script: Script) -> None:
    headless = b"x;y\n" * 50_000
    assert "column site: missing" in (await script.table("rooms", headless, 422))["detail"]
    assert (await script.table("rooms", b"x" * (4 * 1024 * 1024 + 1), 413))["code"] == "too_large"


async def test_nobody_of_it_takes_the_role_from_oneself_by_a_table(script: Script) -> None:
    refused = await script.table("people", b"name;role\nivan;evaluator\n", 422)
    assert "line 2, column role: is your own" in refused["detail"]
    (ivan,) = await script("GET", "/people")
    assert ivan["role"] == "it_admin"
    assert await script.log("import") == []
