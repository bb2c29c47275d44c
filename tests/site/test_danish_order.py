"""Lists, pages and exports in Danish order, the same on both databases."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import insert

from region.danish import order_key
from region.registry import Registry, Unavailable, schema
from region.registry.filters import Filter, read_words
from region.stations.exporting import give_table
from tests.kits.region.stations import NOW
from tests.kits.servers.postgres import Postgres

SITES = ("Birkely", "Vejle 2", "vejle 10", "Ærø", "Østerbo", "Aabenraa", "Ålund")
MIXED = ("Ærø", "vejle 10", "Aabenraa", "Østerbo", "Birkely", "Ålund", "Vejle 2")
ROOMS = ("Bolig 2", "Bolig 2B", "bolig 10", "Ø1")
KEYBOARD = "abzABZ0129 _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$æøåÆØÅäöüéÉèñßóðÐdeostyu"


async def _furnish(registry: Registry) -> None:
    async with registry.begin() as t:
        for name in MIXED:
            site = await t.sites.add(name, NOW)
            await t.clusters.add(name, NOW)
            await t.municipalities.add(name, None, NOW)
            await t.clinics.add(name, "", NOW)
            for room in reversed(ROOMS):
                await t.stations.add(room, site.id, None, NOW)
        sites = [one.id for one in await t.sites.all()]
        for person in ("zoe", "anna10", "anna2", "aase"):
            await t.people.add(person, "site_staff", NOW, sites=sites)


async def test_every_list_is_in_danish_order(registry: Registry) -> None:
    await _furnish(registry)
    everywhere = [(site, room) for site in SITES for room in ROOMS]
    async with registry.read() as t:
        lists = (await t.sites.all(), await t.clusters.all(), await t.municipalities.all(), await t.clinics.all())
        names = [[one.name for one in found] for found in lists]
        assert names == [[*SITES]] * 4
        assert [(one.site, one.name) for one in await t.rooms.all()] == everywhere
        assert [(one.site, one.name) for one in await t.stations.all()] == everywhere
        people = await t.people.all()
    assert [one.name for one in people] == ["anna2", "anna10", "zoe", "aase"]
    assert [site.name for site in people[0].sites] == [*SITES]


async def test_a_page_is_cut_in_that_order(registry: Registry) -> None:
    await _furnish(registry)
    found: list[tuple[str, str]] = []
    async with registry.read() as t:
        for skip in range(0, len(SITES) * len(ROOMS), 3):
            page = await t.finding.find(Filter(), NOW, most=3, skip=skip, worst_first=True)
            found += [(one.site, one.name) for one in page]
    assert found == [(site, room) for site in SITES for room in ROOMS]


async def test_exports_are_in_that_order(registry: Registry) -> None:
    await _furnish(registry)
    written = (await give_table(registry, "rooms", plain=True)).decode().splitlines()
    assert written[1:] == [f"{site},{room}" for site in SITES for room in ROOMS]


async def test_words_are_found_in_capitals_too(registry: Registry) -> None:
    await _furnish(registry)
    async with registry.read() as t:
        found = await t.finding.find(read_words(["text=ÆRØ"]), NOW)
    assert {one.site for one in found} == {"Ærø"}


async def test_it_is_the_same_order_on_both_for_whatever_is_typed(registry: Registry) -> None:
    """Of all that is on a Danish keyboard, and of the accents of its neighbours."""
    some = random.Random(4)
    texts = {"".join(some.choices(KEYBOARD, k=some.randint(1, 8))) for _ in range(5000)}
    async with registry.begin() as t:
        rows = [{"name": one, "created_at": NOW} for one in some.sample(sorted(texts), len(texts))]
        await t.clusters._connection.execute(insert(schema.cluster), rows)
    async with registry.read() as t:
        found = [one.name for one in await t.clusters.all()]
    assert found == sorted(texts, key=order_key)


@pytest.mark.system
async def test_a_postgresql_that_cannot_is_told_what_it_lacks(server: Postgres) -> None:
    url = server.database()
    server.sql(url.partition("@/")[2].partition("?")[0], "DELETE FROM pg_collation WHERE collprovider = 'i'")
    registry = Registry(url)
    try:
        with pytest.raises(Unavailable, match="ICU"):
            await registry.migrate()
    finally:
        await registry.close()
