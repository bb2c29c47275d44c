"""Tables taken into the registry: all of it or nothing, the same on both databases."""

from __future__ import annotations

import unicodedata

import pytest
import sqlalchemy

from region.registry import Registry
from region.registry.actors import COMMAND_LINE
from region.stations.exporting import give_table
from region.stations.importing import COLUMNS, KINDS, Kind, Taken, take_table
from region.stations.tables import BadTable
from tests.kits.clock import ManualClock
from tests.kits.region.log import changed

CLOCK = ManualClock()
TABLES: dict[Kind, str] = {
    "clusters": "name\nEast\n",
    "municipalities": "name;cluster\nAarhus;East\nSkive;\n",
    "sites": "name;municipality\nSolgården;Aarhus\nMånelyst;\n",
    "rooms": "site;room\nSolgården;Dagligstuen\n",
    "clinics": "name;phone\nBakken;'+45 12 34 56 78\n",
    "stations": "site;room;name;serial;clinic;language;volume\nSolgården;Stue 1;;1000a;Bakken;;\n"
    "Solgården;Stue 1;Ved vinduet;;;en;40\nMånelyst;Stue 1;;1000B;(none);;\n",
    "people": "name;role;clinic;display_name;title\nanna;clinician;Bakken;Anna Berg;GP\nivan;it_admin;;;\n",
}


async def take(registry: Registry, kind: Kind, content: str, *, dry_run: bool = False) -> Taken:
    return await take_table(registry, CLOCK, "ivan", kind, content.encode(), dry_run=dry_run)


async def everything(registry: Registry) -> None:
    for kind in KINDS:
        await take(registry, kind, TABLES[kind])


async def snapshot(registry: Registry) -> list[bytes]:
    return [await give_table(registry, kind) for kind in KINDS]


async def test_a_registry_written_out_and_taken_in_again_is_as_it_was(registry: Registry) -> None:
    await everything(registry)
    before = await snapshot(registry)
    for kind, content in zip(KINDS, before, strict=True):
        taken = await take_table(registry, CLOCK, "ivan", kind, content)
        assert (taken.added, taken.changed) == (0, 0)
        assert taken.same == len(content.decode().splitlines()) - 1
    assert await snapshot(registry) == before
    async with registry.read() as t:
        stations = {one.name: one for one in await t.stations.all() if one.site == "Solgården"}
    first, second = stations["Stue 1"], stations["Ved vinduet"]
    assert (first.serial, first.clinic, first.phone, first.volume) == ("1000a", "Bakken", "+45 12 34 56 78", 70)
    assert (second.room_id, second.language, second.volume, second.clinic) == (first.room_id, "en", 40, "")


async def test_one_fault_and_nothing_was_changed(registry: Registry) -> None:
    await everything(registry)
    before = await snapshot(registry)
    wrong = (
        "site;room;serial;clinic;language;volume;id\n"
        "Solgården;Stue 8;77aa;;;;\n"
        "Solgarden;Stue 9;;;;;\n"
        "Solgården;Stue 9;!!;;;;\n"
        "Solgården;Stue 9;;Bakke;;;\n"
        "Solgården;Stue 9;;;se;;\n"
        "Solgården;Stue 9;;;;101;\n"
        "Solgården;Stue 9;;;;;st-00000000\n"
        "Solgården;Stue 9;77 AA;;;;\n"
        "Solgården;Stue 1;9999;;;;\n"
    )
    with pytest.raises(BadTable) as bad:
        await take(registry, "stations", wrong)
    assert [(one.line, one.column) for one in bad.value.faults] == [
        (3, "site"), (4, "serial"), (5, "clinic"), (6, "language"), (7, "volume"), (8, "id"), (9, "serial"),
    ]  # fmt: skip
    assert await snapshot(registry) == before


@pytest.mark.parametrize(
    ("kind", "content", "where"),
    [
        ("municipalities", "name;cluster\nViborg;West\n", (2, "cluster")),
        ("sites", "name;municipality\nNy;Nowhere\n", (2, "municipality")),
        ("rooms", "site;room\nSolgården;A\nNowhere;B\n", (3, "site")),
        ("clinics", "name;phone\nNy;call me\n", (2, "phone")),
        ("clusters", "name\nWest\nWest\n", (3, "name")),
        ("rooms", "site;room\nSolgården;A  1\nSolgården;A 1\n", (3, "room")),
        ("people", "name;role\nOlga;it_admin\nolga;it_admin\n", (3, "name")),
        ("people", "name;role\nolga;site_staff\n", (2, "sites")),
        ("people", "name;role;sites\nolga;site_staff;Solgården|Nowhere\n", (2, "sites")),
        ("clusters", f"name\n{'e' * 81}\n", (2, "name")),
        ("clusters", "name\nEast\u200b\n", (2, "name")),
        ("clusters", f"name\n{'e' * 2**20}\n", (2, "")),
        ("people", "name;role\nolga;queen\n", (2, "role")),
        ("people", "name;role;clinic\nolga;clinician;\n", (2, "clinic")),
        ("people", "name;role\nO L G A;it_admin\n", (2, "name")),
        ("people", "name;role\nolga;it_admin\n IVAN ;evaluator\n", (3, "role")),
    ],
)
async def test_every_kind_of_table_tells_where_it_is_wrong(
    registry: Registry, kind: Kind, content: str, where: tuple[int, str]
) -> None:
    await everything(registry)
    with pytest.raises(BadTable) as bad:
        await take(registry, kind, content)
    assert [(one.line, one.column) for one in bad.value.faults] == [where]


async def test_a_dry_run_tells_and_changes_nothing(registry: Registry) -> None:
    await everything(registry)
    before = await snapshot(registry)
    taken = await take(registry, "stations", "site;room\nSolgården;Stue 5\nSolgården;Stue 1\n", dry_run=True)
    assert (taken.added, taken.changed, taken.same) == (1, 0, 1)
    assert await snapshot(registry) == before


async def test_a_station_known_by_its_serial_moves_and_that_is_told(registry: Registry) -> None:
    await everything(registry)
    taken = await take(registry, "stations", "site;room;serial\nMånelyst;Stue 7;1000A\n")
    assert (taken.added, taken.changed) == (0, 1)
    async with registry.read() as t:
        station = await t.stations.with_serial("1000a")
        assert station is not None
        (told,) = [row for row in await t.audit.recent(station_id=station.id) if row.action == "station.move"]
    assert (station.site, station.room, station.clinic, station.desired_version) == ("Månelyst", "Stue 7", "Bakken", 2)
    assert changed(told.detail) == {"site": ("Solgården", "Månelyst"), "room": ("Stue 1", "Stue 7")}


async def test_two_computers_may_change_places(registry: Registry) -> None:
    await everything(registry)
    content = (await give_table(registry, "stations")).decode("utf-8-sig")
    swapped = content.replace("1000a", "x").replace("1000b", "1000a").replace(";x;", ";1000b;")
    assert (await take(registry, "stations", swapped)).changed == 2
    async with registry.read() as t:
        station = await t.stations.with_serial("1000a")
    assert station is not None
    assert station.site == "Månelyst"


async def test_an_empty_cell_leaves_it_to_the_layers_above(registry: Registry) -> None:
    await everything(registry)
    async with registry.begin() as t:
        site = await t.sites.named("Solgården")
        await t.layers.put("site", str(site.id), {"volume": 20, "clinic": "Bakken"}, "ivan", 1.0)
    await take(registry, "stations", "site;room;name;volume;clinic\nSolgården;Stue 1;Ved vinduet;;\n")
    async with registry.read() as t:
        (station,) = [one for one in await t.stations.all() if one.name == "Ved vinduet"]
    assert (station.volume, station.clinic, station.language) == (20, "Bakken", "en")


async def test_a_thousand_stations_come_in_at_once(registry: Registry) -> None:
    await everything(registry)
    lines = "".join(f"Solgården;Rum {n};c0ffee{n:04}\n" for n in range(1000))
    assert (await take(registry, "stations", f"site;room;serial\n{lines}")).added == 1000
    assert (await take(registry, "stations", f"site;room;serial\n{lines}")).same == 1000
    async with registry.read() as t:
        assert await t.stations.count() == 1003
        assert {one.desired_version for one in await t.stations.all()} == {1}


async def test_as_danish_excel_writes_it(registry: Registry) -> None:
    await everything(registry)
    content = (
        '\ufeffSite;Room;Name;Serial;Clinic\r\n\r\nSolgården;"Stue 8; ""Havestuen""";;1700A;Bakken\r\n'
        ";;;;\r\n  Månelyst ;Værelse 3;Ved døren;;\r\n"
    )
    assert (await take(registry, "stations", content)).added == 2
    async with registry.read() as t:
        there = {(one.site, one.room, one.name, one.serial, one.clinic) for one in await t.stations.all()}
    assert {
        ("Solgården", 'Stue 8; "Havestuen"', 'Stue 8; "Havestuen"', "1700a", "Bakken"),
        ("Månelyst", "Værelse 3", "Ved døren", None, ""),
    } <= there


async def test_a_mac_writes_the_same_letters_otherwise(registry: Registry) -> None:
    await everything(registry)
    decomposed = unicodedata.normalize("NFD", TABLES["stations"])
    assert decomposed != TABLES["stations"]
    taken = await take(registry, "stations", decomposed)
    assert (taken.added, taken.changed, taken.same) == (0, 0, 3)
    assert (await take(registry, "rooms", "site;room\nSolga\u030arden;Bla\u030a stue\n")).added == 1
    async with registry.read() as t:
        assert "Blå stue" in {room.name for room in await t.rooms.all()}


async def test_each_row_that_changes_something_is_a_row_of_the_log(registry: Registry) -> None:
    await everything(registry)
    await take(registry, "sites", "name;municipality\nSolgården;Skive\nMånelyst;\nNyhjem;Aarhus\n")
    await take(registry, "clinics", "name;phone\nBakken;12345678\nNy;\n")
    await take(registry, "people", "name;role;sites\nanna;site_staff;Månelyst\n")
    async with registry.read() as t:
        rows = await t.audit.recent(8)
        assert (await t.audit.verify()).broken is None
    told = [(row.action, changed(row.detail) or row.detail) for row in rows]
    assert told[::-1] == [
        ("site.add", {"site": "Nyhjem"}),
        ("site.move", {"municipality": ("Aarhus", "Skive")}),
        ("import", {"kind": "sites", "added": 1, "changed": 1}),
        ("clinic.add", {"clinic": "Ny"}),
        ("clinic.change", {"phone": ("+45 12 34 56 78", "12345678")}),
        ("import", {"kind": "clinics", "added": 1, "changed": 1}),
        ("person.change", {"role": ("clinician", "site_staff"), "sites": ([], ["Månelyst"])}),
        ("import", {"kind": "people", "added": 0, "changed": 1}),
    ]


async def test_stations_hear_of_a_clinics_new_number_and_of_a_move(registry: Registry) -> None:
    await everything(registry)
    async with registry.begin() as t:
        skive = next(one for one in await t.municipalities.all() if one.name == "Skive")
        await t.layers.put("municipality", str(skive.id), {"volume": 20}, "ivan", 1.0)
        before = {one.name: one.desired_version for one in await t.stations.all() if one.site == "Solgården"}
    await take(registry, "clinics", "name;phone\nBakken;12345678\n")
    await take(registry, "sites", "name;municipality\nSolgården;Skive\n")
    async with registry.read() as t:
        after = {one.name: one for one in await t.stations.all() if one.site == "Solgården"}
    assert (after["Stue 1"].phone, after["Stue 1"].volume) == ("12345678", 20)
    grown = {name: one.desired_version - before[name] for name, one in after.items()}
    assert grown == {"Stue 1": 2, "Ved vinduet": 0}  # the second calls nobody, and says its volume itself


async def test_settings_that_do_not_go_together_are_told_at_the_line_that_brings_them_together(
    registry: Registry,
) -> None:
    await everything(registry)
    async with registry.begin() as t:
        skive = next(one for one in await t.municipalities.all() if one.name == "Skive")
        site = await t.sites.named("Solgården")
        await t.layers.put("municipality", str(skive.id), {"night": {"on": True, "ends": "06:00"}}, "ivan", 1.0)
        await t.layers.put("site", str(site.id), {"night": {"begins": "06:00"}}, "ivan", 1.0)
    before = await snapshot(registry)
    with pytest.raises(BadTable) as bad:
        await take(registry, "sites", "name;municipality\nMånelyst;Skive\nSolgården;Skive\n")
    assert {one.line for one in bad.value.faults} == {3}
    assert "night: the night begins when it ends" in bad.value.faults[0].text
    assert await snapshot(registry) == before


async def test_who_has_another_role_by_a_table_is_signed_out(registry: Registry) -> None:
    await everything(registry)
    async with registry.begin() as t:
        for name in ("anna", "ivan"):
            person = await t.people.find(name)
            assert person is not None
            await t.sessions.start(name, person.id, "csrf", 1.0)
    taken = await take(registry, "people", "name;role;sites\nanna;site_staff;Solgården|Månelyst\nivan;it_admin;\n")
    assert (taken.changed, taken.same) == (1, 1)
    async with registry.read() as t:
        assert await t.sessions.find("anna", 2.0, 60.0, 60.0) is None
        assert await t.sessions.find("ivan", 2.0, 60.0, 60.0) is not None
        anna = await t.people.find("anna")
    assert anna is not None
    assert (anna.role, anna.clinic, anna.display_name, anna.title) == ("site_staff", "Bakken", "Anna Berg", "GP")
    assert [site.name for site in anna.sites] == ["Månelyst", "Solgården"]


async def test_no_table_takes_the_last_administrator_away_whoever_brings_it(registry: Registry) -> None:
    await everything(registry)
    await take(registry, "people", "name;role\nolga;it_admin\nfred;it_admin\n")
    async with registry.begin() as t:
        fred = await t.people.find("fred")
        assert fred is not None
        await t.people.set_active(fred.id, False)
    before = await snapshot(registry)
    nobody = "name;role;clinic\nolga;evaluator;\nanna;clinician;Bakken\nivan;evaluator;\n"
    for dry_run in (True, False):
        with pytest.raises(BadTable) as bad:
            await take_table(registry, CLOCK, COMMAND_LINE, "people", nobody.encode(), dry_run=dry_run)
        assert [(one.line, one.column) for one in bad.value.faults] == [(2, "role"), (4, "role")]
        assert "no administrator would be left" in str(bad.value)
    assert await snapshot(registry) == before, "who is shut out is no administrator who is left"
    taken = await take_table(
        registry, CLOCK, COMMAND_LINE, "people", (nobody + "eva;it_admin;\n").encode()
    )  # fmt: skip
    assert (taken.added, taken.changed) == (1, 2)
    taken = await take_table(registry, CLOCK, "eva", "people", b"name;role\neva;it_admin\nivan;it_admin\n")
    assert (taken.changed, taken.same) == (1, 1), "one's own row may stand there as it is"


async def test_a_table_of_thousands_asks_the_database_a_handful_of_times(registry: Registry) -> None:
    await everything(registry)
    asked: list[int] = []
    sqlalchemy.event.listen(registry._engine.sync_engine, "before_cursor_execute", lambda *_: asked.append(1))
    for kind, row in (("rooms", "Solgården;Rum {n}\n"), ("people", "p{n};it_admin\n"), ("sites", "Hjem {n};Aarhus\n")):
        for count in (2, 2000):
            asked.clear()
            content = ";".join(COLUMNS[kind].all[:2]) + "\n" + "".join(row.format(n=n) for n in range(count))
            await take(registry, kind, content)
            assert len(asked) <= 40, (kind, count)
