"""Places get another name, and those that were made by mistake are removed: by the API, on pages, and by commands."""

from __future__ import annotations

import html
from typing import Any

import httpx
import pytest

from region.people.tokens import TokenService
from region.registry.records import Station
from tests.kits.region.app import Kit
from tests.kits.region.asking import ask
from tests.kits.region.log import changed


async def log(kit: Kit) -> list[tuple[str, dict[str, Any]]]:
    """What was done with places, the latest first."""
    async with kit.region.registry.read() as t:
        rows = await t.audit.recent(100)
    return [(one.action, one.detail) for one in rows if one.action.endswith((".rename", ".remove"))]


def _called(before: str, after: str) -> dict[str, Any]:
    return {"changes": [{"field": "name", "before": before, "after": after}]}


async def test_a_site_s_new_name_is_on_the_screen_of_each_of_its_stations_and_of_no_other(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    moon = await ask(ivan, "POST", "/sites", 201, name="Månelyst")
    other = await ask(ivan, "POST", "/stations", 201, name="Stue 1", site_id=moon["id"])
    path = f"/places/site/{station.site_id}"
    assert await ask(ivan, "PATCH", path, name=" Solgården  Syd") == {"stations": [station.id]}
    assert await ask(ivan, "PATCH", path, name="Solgården Syd") == {"stations": []}, "it is called that already"
    async with kit.region.registry.read() as t:
        documents = await t.layers.desired(await t.stations.all())
    assert {one: document["site"] for one, document in documents.items()} == {
        station.id: "Solgården Syd", other["id"]: "Månelyst",
    }  # fmt: skip
    told = await ask(ivan, "GET", f"/stations/{station.id}")
    assert told["desired_version"] == station.desired_version + 1, "so that it is published"
    assert (await ask(ivan, "GET", f"/stations/{other['id']}"))["desired_version"] == other["desired_version"]
    assert await log(kit) == [("site.rename", {"stations": 1, **_called("Solgården", "Solgården Syd")})]
    taken = await ask(ivan, "PATCH", path, 409, name="Månelyst")
    assert taken["detail"] == "there is a site called Månelyst already"
    assert (await ask(ivan, "PATCH", path, 422, name=" "))["detail"] == "site: may not be empty"
    await ask(ivan, "PATCH", "/places/site/99", 404, name="x")


async def test_a_room_s_new_name_is_on_the_screen_of_the_station_that_bore_the_old_one_and_of_no_other(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    said = {"name": "Vinduet", "site_id": station.site_id, "room": station.room}
    own = await ask(ivan, "POST", "/stations", 201, **said)
    path = f"/rooms/{station.room_id}"
    assert await ask(ivan, "PATCH", path, name=" Stue  14 ") == {"stations": [station.id]}
    assert await ask(ivan, "PATCH", path, name="Stue 14") == {"stations": []}, "it is called that already"
    async with kit.region.registry.read() as t:
        documents = await t.layers.desired(await t.stations.all())
        row = next(one for one in await t.audit.recent(station_id=station.id) if one.action == "station.change")
    assert {one: document["station"] for one, document in documents.items()} == {
        station.id: "Stue 14", own["id"]: "Vinduet",
    }  # fmt: skip
    told = await ask(ivan, "GET", f"/stations/{station.id}")
    assert (told["room"], told["name"]) == ("Stue 14", "Stue 14")
    assert told["desired_version"] == station.desired_version + 1, "so that it is published"
    assert (await ask(ivan, "GET", f"/stations/{own['id']}"))["desired_version"] == own["desired_version"]
    renamed = {**_called(station.room, "Stue 14"), "stations": 1, "site": "Solgården"}
    assert await log(kit) == [("room.rename", renamed)]
    assert (row.actor, changed(row.detail)) == ("ivan", {"name": (station.room, "Stue 14")})
    async with kit.region.registry.begin() as t:
        await t.rooms.add(station.site_id, "Stue 15", kit.clock.wall())
        moon = await t.sites.add("Månelyst", kit.clock.wall())
        await t.rooms.add(moon.id, "Stue 16", kit.clock.wall())
    taken = await ask(ivan, "PATCH", path, 409, name="Stue 15")
    assert taken["detail"] == "there is a room called Stue 15 already"
    await ask(ivan, "PATCH", path, name="Stue 16")  # another site's is no hindrance
    assert (await ask(ivan, "PATCH", path, 422, name=""))["detail"] == "room: may not be empty"
    await ask(ivan, "PATCH", "/rooms/99", 404, name="x")


async def test_what_refers_to_a_room_finds_it_under_its_new_name(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    """A table that was downloaded before means the same stations by their ids; a station with its serial is claimed."""
    await ask(ivan, "PATCH", f"/stations/{station.id}", serial="77aa")
    await ask(ivan, "PATCH", f"/rooms/{station.room_id}", name="Stue 14")
    table = (await ivan.get("/api/tables/stations")).content
    assert "Stue 14" in table.decode()
    taken = await ivan.post("/api/tables/stations", content=table, headers={"content-type": "text/csv"})
    assert (taken.json()["added"], taken.json()["changed"]) == (0, 0)
    async with kit.region.registry.read() as t:
        known = await t.stations.with_serial("77AA")
    assert known is not None
    assert (known.id, known.room) == (station.id, "Stue 14")
    (found,) = await ask(ivan, "GET", "/fleet?room=Stue%2014")
    assert found["station"]["id"] == station.id


async def test_municipalities_and_clusters_too_and_what_they_say_goes_with_them(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    cluster = await ask(ivan, "POST", "/clusters", 201, name="Est")
    town = await ask(ivan, "POST", "/municipalities", 201, name="Skvie", cluster="Est")
    await ask(ivan, "PATCH", "/profiles/municipality", place="Skvie", set={"volume": 44})
    await ask(ivan, "PATCH", f"/places/cluster/{cluster['id']}", name="East")
    await ask(ivan, "PATCH", f"/places/municipality/{town['id']}", name="Skive")
    (found,) = await ask(ivan, "GET", "/municipalities")
    assert (found["name"], found["cluster"]) == ("Skive", "East")
    await ask(ivan, "POST", "/sites/move", name="Solgården", municipality="Skive")
    assert (await ask(ivan, "GET", f"/stations/{station.id}"))["volume"] == 44
    assert [action for action, _ in await log(kit)] == ["municipality.rename", "cluster.rename"]


async def test_a_place_is_removed_once_nothing_hangs_on_it_and_what_does_is_told(
    kit: Kit, ivan: httpx.AsyncClient
) -> None:
    cluster = await ask(ivan, "POST", "/clusters", 201, name="East")
    town = await ask(ivan, "POST", "/municipalities", 201, name="Skive", cluster="East")
    site = await ask(ivan, "POST", "/sites", 201, name="Solgarden")
    await ask(ivan, "POST", "/sites", 201, name="Solgården")
    await ask(ivan, "POST", "/sites/move", name="Solgarden", municipality="Skive")
    station = await ask(ivan, "POST", "/stations", 201, name="Stue 1", site_id=site["id"])
    await ask(ivan, "PATCH", "/profiles/site", place="Solgarden", set={"volume": 20})
    sara = await kit.person("sara", "site_staff", sites=[site["id"]])
    token = await kit.token("ivan", "site_staff", sites=(site["id"],))
    here = f"/places/site/{site['id']}"

    async def refused(path: str) -> str:
        told = (await ask(ivan, "DELETE", path, 409))["detail"]
        return str(told).partition(" is not empty: ")[2]

    assert await refused(f"/places/cluster/{cluster['id']}") == "move its municipalities first (1)"
    assert await refused(f"/places/municipality/{town['id']}") == "move its sites first (1)"
    assert await refused(here) == "move its stations first, or remove those that are shut out (1)"
    (room,) = await ask(ivan, "GET", f"/rooms?site={site['id']}")
    assert "move its stations first" in await refused(f"/rooms/{room['id']}")
    await ask(ivan, "POST", f"/stations/{station['id']}/move", room="Stue 1", site="Solgården")
    assert await refused(here) == "remove its rooms first (1)"
    await ask(ivan, "DELETE", f"/rooms/{room['id']}", 204)
    assert await refused(here) == "bind its people elsewhere first (1)"
    async with kit.region.registry.begin() as t:
        await t.people.change(
            sara.id, role="evaluator", clinic_id=None, display_name="Sara", title="", language=None, sites=[]
        )
    assert await refused(here) == "revoke the API tokens that are bound to it first (1)"
    await TokenService(kit.region.registry, kit.clock).revoke("ivan", token.token.id)
    assert await refused(here) == "leave its settings to the layers above first"
    await ask(ivan, "PATCH", "/profiles/site", place="Solgarden", unset=["volume"])
    for path in (here, f"/places/municipality/{town['id']}", f"/places/cluster/{cluster['id']}"):
        await ask(ivan, "DELETE", path, 204)
        await ask(ivan, "DELETE", path, 404)
    assert [one["name"] for one in await ask(ivan, "GET", "/sites")] == ["Solgården"]
    assert await log(kit) == [
        ("cluster.remove", {"name": "East"}), ("municipality.remove", {"name": "Skive"}),
        ("site.remove", {"name": "Solgarden"}), ("room.remove", {"name": "Stue 1", "site": "Solgarden"}),
    ]  # fmt: skip


async def test_a_place_that_comes_after_one_that_was_removed_begins_with_nothing(
    ivan: httpx.AsyncClient, station: Station
) -> None:
    """SQLite gives the number of the last row again once that is gone."""
    wrong = await ask(ivan, "POST", "/sites", 201, name="Manelyst")
    for change in ({"set": {"volume": 5}}, {"unset": ["volume"]}):
        await ask(ivan, "PATCH", "/profiles/site", place="Manelyst", **change)
    await ask(ivan, "DELETE", f"/places/site/{wrong['id']}", 204)
    await ask(ivan, "POST", "/sites", 201, name="Månelyst")
    assert (await ask(ivan, "GET", "/profiles/site?place=Månelyst"))["version"] == 0


async def test_it_renames_and_removes_on_a_page_and_is_told_there_what_cannot_be(
    kit: Kit, ivan: httpx.AsyncClient, station: Station
) -> None:
    here = f"/places/site/{station.site_id}"
    assert f'href="{here}"' in (await ivan.get("/sites")).text
    assert f'href="{here}"' in (await ivan.get(f"/profiles/site/{station.site_id}")).text
    done = await ivan.post(here, data={"name": "Solgården Syd"})
    page = (await ivan.get(done.headers["location"])).text
    assert "<h1>Solgården Syd</h1>" in page
    assert 'role="status"' in page
    async with kit.region.registry.begin() as t:
        await t.sites.add("Månelyst", kit.clock.wall())
        await t.rooms.add(station.site_id, "Stue 99", kit.clock.wall())
        await t.people.set_language(next(one.id for one in await t.people.all() if one.name == "ivan"), "da")
    taken = await ivan.post(here, data={"name": "Månelyst"})
    page = html.unescape(taken.text)
    assert (taken.status_code, "stedet Månelyst findes allerede" in page) == (409, True)
    assert '<input name="name" maxlength="80" value="Månelyst"' in page, "what was typed is there"
    assert (await ivan.post(here, data={"name": ""})).status_code == 422
    kept = await ivan.post(f"{here}/remove")
    assert (kept.status_code, "Flyt først stationerne der" in kept.text) == (409, True)
    rooms = await ask(ivan, "GET", f"/rooms?site={station.site_id}")
    empty = next(one["id"] for one in rooms if one["name"] == "Stue 99")
    assert "Stue 99" in page
    assert f"/rooms/{station.room_id}/remove" not in page, "a station stands there"
    taken = await ivan.post(f"{here}/rooms/{empty}", data={"name": station.room})
    page = html.unescape(taken.text)
    assert (taken.status_code, f"stuen {station.room} findes allerede" in page) == (409, True)
    assert f'<input name="name" maxlength="80" value="{station.room}"' in page, "what was typed is there"
    done = await ivan.post(f"{here}/rooms/{station.room_id}", data={"name": "Stue 14"})
    assert "<summary>Stue 14</summary>" in (await ivan.get(done.headers["location"])).text
    assert (await ivan.post(f"{here}/rooms/{empty}/remove")).headers["location"] == here
    assert "Stue 99" not in (await ivan.get(here)).text
    gone = await ivan.post("/places/site/2/remove")
    assert "Månelyst" not in (await ivan.get(gone.headers["location"])).text


@pytest.mark.parametrize("path", ["/places/site/99", "/places/cluster/1", "/places/municipality/1"])
async def test_a_place_that_is_not_there_has_no_page(ivan: httpx.AsyncClient, path: str) -> None:
    assert (await ivan.get(path)).status_code == 404
