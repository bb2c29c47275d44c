"""Layers in the database: what comes of them for each station, and which stations a change touches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy import event, insert, select

from messaging.codec import decode
from messaging.twin import Config
from region.registry import Conflict, NotFound, Refused, Registry, schema
from region.registry.records import Clinic, Site, Station

NOW = 1_800_000_000.0


@dataclass(frozen=True)
class County:
    """Two municipalities of a cluster, a site in each, and a site in none; two clinics."""

    near: Clinic
    far: Clinic
    sun: Site
    moon: Site
    lone: Site
    in_sun: Station
    in_moon: Station
    in_lone: Station


async def county(registry: Registry) -> County:
    async with registry.begin() as t:
        near, far = await t.clinics.add("Near", "11 11", NOW), await t.clinics.add("Far", "22 22", NOW)
        cluster = await t.clusters.add("East", NOW)
        a, b = [await t.municipalities.add(name, cluster.id, NOW) for name in ("A", "B")]
        sun, moon = await t.sites.add("Sun", NOW, a.id), await t.sites.add("Moon", NOW, b.id)
        lone = await t.sites.add("Lone", NOW)
        stations = [await t.stations.add("Room 1", site.id, None, NOW) for site in (sun, moon, lone)]
        await t.stations.published({one.id: 1 for one in stations})
    return County(near, far, sun, moon, lone, *stations)


async def waiting(registry: Registry) -> set[str]:
    async with registry.read() as t:
        return {one.id for one in await t.stations.unpublished()}


async def test_the_nearest_layer_wins_and_each_value_is_told_with_where_it_came_from(registry: Registry) -> None:
    c = await county(registry)
    async with registry.begin() as t:
        cluster, a = await t.clusters.named("East"), await t.municipalities.named("A")
        await t.layers.put("region", "", {"volume": 10, "log_level": "debug", "night": {"on": True}}, "ivan", NOW)
        await t.layers.put("cluster", str(cluster.id), {"volume": 20, "clinic": "Near"}, "ivan", NOW)
        await t.layers.put("municipality", str(a.id), {"volume": 30, "night": {"begins": "21:00"}}, "ivan", NOW)
        await t.layers.put("site", str(c.sun.id), {"language": "en"}, "ivan", NOW)
        await t.layers.put("station", c.in_sun.id, {"volume": 50}, "ivan", NOW)
        merged = await t.layers.merged("station", c.in_sun.id)
        stations = {one.id: one for one in await t.stations.all()}
        documents = await t.layers.desired(stations.values())
    assert merged.sources == {
        ("volume",): "station", ("log_level",): "region", ("night", "on"): "region", ("clinic",): "cluster",
        ("night", "begins"): "municipality", ("language",): "site",
    }  # fmt: skip
    config = decode(Config, documents[c.in_sun.id])
    assert (config.volume, config.night.begins, config.clinic, config.phone) == (50, "21:00", "Near", "11 11")
    assert (config.site, config.station) == ("Sun", "Room 1")
    seen = [(one.volume, one.language, one.clinic) for one in (stations[c.in_moon.id], stations[c.in_lone.id])]
    assert seen == [(20, "da", "Near"), (10, "da", "")]
    assert stations[c.in_sun.id].clinic_id == c.near.id


async def test_a_change_touches_exactly_the_stations_whose_config_is_not_the_same_after(registry: Registry) -> None:
    c = await county(registry)
    async with registry.begin() as t:
        cluster = str((await t.clusters.named("East")).id)
        touched = await t.layers.put("cluster", cluster, {"volume": 20}, "ivan", NOW)
        assert set(touched.stations) == {c.in_sun.id, c.in_moon.id}
        await t.stations.published(dict.fromkeys(touched.stations, 9))
    async with registry.begin() as t:
        await t.layers.put("site", str(c.sun.id), {"volume": 40}, "ivan", NOW)
    async with registry.begin() as t:
        touched = await t.layers.put("cluster", cluster, {"volume": 25}, "ivan", NOW)
        assert touched.stations == (c.in_moon.id,)  # the other's site says it louder
        again = await t.layers.put("cluster", cluster, {"volume": 25}, "ivan", NOW)
        assert (again.stations, again.layer.version) == ((), 2)


@pytest.mark.parametrize(
    ("level", "document", "fields"),
    [
        ("region", {"volume": 101}, {"volume"}),
        ("region", {"volum": 10}, {"volum"}),
        ("region", {"clinic": "Nobody's"}, {"clinic"}),
        ("region", {"fallback": "Nobody's"}, {"fallback"}),
        ("region", {"auto_answer": {"on": True}}, {"auto_answer"}),
        ("region", {"night": {"on": True, "begins": "22:00", "ends": "22:00"}}, {"night"}),
        ("region", {"site": "x", "volume": -1, "night": {"begins": "25:00"}}, {"site", "volume", "night.begins"}),
    ],
)
async def test_what_may_not_be_said_is_refused_by_field_and_nothing_is_stored(
    registry: Registry, level: str, document: dict, fields: set[str]
) -> None:
    await county(registry)
    with pytest.raises(Refused) as refused:
        async with registry.begin() as t:
            await t.layers.put(level, "", document, "ivan", NOW)
    assert set(refused.value.fields) == fields
    assert await waiting(registry) == set()


async def test_values_of_two_layers_that_do_not_go_together_are_refused_where_they_meet(registry: Registry) -> None:
    c = await county(registry)
    async with registry.begin() as t:
        await t.layers.put("site", str(c.sun.id), {"night": {"on": True}}, "ivan", NOW)
    with pytest.raises(Refused, match=c.in_sun.id):
        async with registry.begin() as t:
            await t.layers.put("region", "", {"night": {"begins": "07:00"}}, "ivan", NOW)


async def test_nobody_writes_over_what_another_has_changed_meanwhile(registry: Registry) -> None:
    await county(registry)
    async with registry.begin() as t:
        await t.layers.put("region", "", {"volume": 10}, "ivan", NOW, after=0)
    with pytest.raises(Conflict, match="ivan"):
        async with registry.begin() as t:
            await t.layers.put("region", "", {"volume": 20}, "olga", NOW, after=0)


@pytest.mark.parametrize("place", [("site", "99"), ("site", "x"), ("station", "st-00000000"), ("cluster", "")])
async def test_a_layer_is_of_a_place_that_is_there(registry: Registry, place: tuple) -> None:
    with pytest.raises(NotFound):
        async with registry.begin() as t:
            await t.layers.put(*place, {"volume": 1}, "ivan", NOW)


async def test_a_clinic_s_new_name_goes_through_every_layer_and_to_its_stations_alone(registry: Registry) -> None:
    c = await county(registry)
    async with registry.begin() as t:
        await t.layers.put("site", str(c.sun.id), {"clinic": "Near"}, "ivan", NOW)
        await t.layers.put("site", str(c.moon.id), {"clinic": "Far", "fallback": "Near"}, "ivan", NOW)
        await t.stations.published({one.id: 99 for one in await t.stations.all()})
        await t.clinics.change(c.near.id, "Nearer", "33 33")
        said = await t.layers.get("site", str(c.moon.id))
        stations = {one.id: one for one in await t.stations.all()}
        documents = await t.layers.desired(stations.values())
    assert said.document == {"clinic": "Far", "fallback": "Nearer"}
    assert documents[c.in_moon.id]["fallback_phone"] == "33 33"
    assert stations[c.in_sun.id].clinic == "Nearer"
    grown = {one: stations[one].desired_version for one in stations}
    assert grown == {c.in_sun.id: 3, c.in_moon.id: 3, c.in_lone.id: 1}


async def test_who_moves_takes_the_layers_of_where_it_stands_then(registry: Registry) -> None:
    c = await county(registry)
    async with registry.begin() as t:
        a, b = await t.municipalities.named("A"), await t.municipalities.named("B")
        await t.layers.put("municipality", str(a.id), {"volume": 30}, "ivan", NOW)
        assert await t.sites.move(c.lone.id, a.id) == (c.in_lone.id,)
        assert await t.sites.move(c.lone.id, a.id) == ()
        moved = await t.stations.move(c.in_moon.id, c.sun.id, "Room 7", NOW)
        assert (moved.volume, moved.site, moved.room, moved.desired_version) == (30, "Sun", "Room 7", 2)
        west = await t.clusters.add("West", NOW)
        await t.layers.put("cluster", str(west.id), {"language": "en"}, "ivan", NOW)
        assert await t.municipalities.move(b.id, west.id) == ()  # nobody is left there
        assert set(await t.municipalities.move(a.id, west.id)) == {c.in_sun.id, c.in_moon.id, c.in_lone.id}


async def test_a_station_says_itself_only_what_is_not_said_above(registry: Registry) -> None:
    c = await county(registry)
    async with registry.begin() as t:
        await t.layers.put("site", str(c.sun.id), {"volume": 30, "clinic": "Near"}, "ivan", NOW)
        same = {"name": "Room 1", "site_id": c.sun.id, "language": "da"}
        await t.stations.change(c.in_sun.id, clinic_id=c.near.id, volume=30, **same)
        assert (await t.layers.get("station", c.in_sun.id)).document == {}
        await t.stations.change(c.in_sun.id, clinic_id=None, volume=60, **same)
        assert (await t.layers.get("station", c.in_sun.id)).document == {"clinic": "", "volume": 60}
        changed = await t.stations.change(c.in_sun.id, clinic_id=c.near.id, volume=30, **same)
        assert (await t.layers.get("station", c.in_sun.id)).document == {}
    assert (changed.volume, changed.clinic_id) == (30, c.near.id)


async def test_what_a_newer_region_left_in_a_layer_reaches_the_station(registry: Registry) -> None:
    c = await county(registry)
    async with registry.begin() as t:
        await t.layers.say("region", "", {"teleport": {"to": "moon"}}, "a newer region", NOW)
        documents = await t.layers.desired([await t.stations.get(c.in_sun.id)])
    assert documents[c.in_sun.id]["teleport"] == {"to": "moon"}


async def test_a_change_above_and_a_move_at_the_same_moment_leave_nobody_behind(
    registry: Registry, beside: Registry
) -> None:
    """Whichever comes first, the station ends with a version that was grown after both."""
    c = await county(registry)
    async with registry.read() as t:
        a = await t.municipalities.named("A")

    async def say(volume: int) -> None:
        async with registry.begin() as t:
            await t.layers.put("municipality", str(a.id), {"volume": volume}, "ivan", NOW)

    async def move(to: int | None) -> None:
        async with beside.begin() as t:
            await t.sites.move(c.lone.id, to)

    for number in range(5):
        await asyncio.gather(say(10 + number), move(a.id))
        async with registry.read() as t:
            station = await t.stations.get(c.in_lone.id)
        assert station.volume == 10 + number
        await move(None)


@contextmanager
def statements(registry: Registry) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(registry._engine.sync_engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(registry._engine.sync_engine, "before_cursor_execute", note)


@pytest.mark.long
async def test_ten_thousand_stations_change_by_a_handful_of_statements(registry: Registry) -> None:
    async with registry.begin() as t:
        sites = [await t.sites.add(f"Site {number}", NOW) for number in range(20)]
        rooms = [await t.rooms.ensure(site.id, "Room", NOW) for site in sites]
        common = {"language": "da", "volume": 70, "desired_version": 1, "published_version": 1, "created_at": NOW}
        rows = [
            {"id": f"st-{n:08}", "name": "x", "site_id": sites[n % 20].id, "room_id": rooms[n % 20].id, **common}
            for n in range(10_000)
        ]
        await t._connection.execute(insert(schema.station), rows)
        await t.layers.say_each("station", {f"st-{n:08}": {"volume": 33} for n in range(100)}, "x", NOW)
    with statements(registry) as asked:
        async with registry.begin() as t:
            touched = await t.layers.put("region", "", {"volume": 20}, "ivan", NOW)
    assert len(touched.stations) == 9_900
    assert len(asked) < 40
    async with registry.read() as t:
        asked_for = select(schema.station.c.volume, schema.station.c.desired_version)
        seen = [tuple(row) for row in await t._connection.execute(asked_for)]
    assert sorted(set(seen)) == [(20, 2), (70, 1)]
    with statements(registry) as asked:
        async with registry.read() as t:
            some = await t.stations.unpublished(500)
            documents = await t.layers.desired(some)
        async with registry.begin() as t:
            await t.stations.published({one.id: one.desired_version for one in some})
    assert (len(documents), {one["volume"] for one in documents.values()}) == (500, {20})
    assert len(asked) < 20


async def test_what_stations_of_a_site_say_alike_is_laid_together_and_judged_once(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = await county(registry)
    async with registry.begin() as t:
        for number in range(20):
            station = await t.stations.add(f"Room {number + 2}", places.sun.id, places.near.id, NOW)
        await t.layers.put("station", station.id, {"clinic": "Near", "volume": 11}, "ivan", NOW)
    judged = []
    monkeypatch.setattr("provisioning.authority.profiles.objected", lambda document: judged.append(document) or {})
    async with registry.begin() as t:
        touched = await t.layers.put("region", "", {"language": "en"}, "ivan", NOW)
    assert len(touched.stations) == 23
    assert len(judged) == 5, "three sites where nothing is said, one clinic's rooms, and the one that is louder"
