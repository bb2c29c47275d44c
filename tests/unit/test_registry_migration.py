"""From the released schema, with data in it, on both databases: nothing is lost and nothing changes for a station."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from messaging.codec import decode
from messaging.twin import Config
from region.registry import Registry
from region.registry.migrate import differences, upgrade

NOW = 1_800_000_000.0
_RELEASED = (
    "INSERT INTO clinic VALUES (1, 'Bakken', '11 11', 1.0)",
    "INSERT INTO site VALUES (1, 'Solgården', 1.0), (2, 'Månelyst', 1.0)",
    "INSERT INTO person VALUES (1, 'anna', 'Anna', 'GP', 'clinician', 1, 'da', NULL, TRUE, 1.0)",
    "INSERT INTO station VALUES ('st-00000001', 'Stue 1', 1, 1, 'en', 30, 7, 7, 1.0), "
    "('st-00000002', 'Stue 1', 1, NULL, 'da', 70, 3, 3, 2.0), ('st-00000003', 'Stue 1', 2, 1, 'da', 70, 1, 0, 3.0)",
    "INSERT INTO invitation VALUES ('st-00000001', 'aa', 9.0, NULL, NULL, NULL)",
    "INSERT INTO process_state VALUES ('st-00000001', 'call', 'online', 'b1', 1, NULL, '{}', 1.0)",
    "INSERT INTO station_report VALUES ('st-00000001', 'reported', '{\"n\": 1}', 'b1', 1, 1.0)",
    "INSERT INTO call VALUES ('c0ffee00', 'st-00000001', 1, 'resident', 'ended', 1, 'b1', NULL, 1.0, 2.0, 3.0, 4.0, "
    "'resident_left', NULL, NULL)",
    "INSERT INTO audit VALUES (1, 1.0, 'ivan', 'station.add', 'st-00000001', NULL, 'done', '{}')",
)


@pytest.fixture
async def released(empty_database: str) -> AsyncIterator[Registry]:
    registry = Registry(empty_database)
    async with registry._engine.begin() as connection:
        await connection.run_sync(upgrade, "0001")
        for statement in _RELEASED:
            await connection.execute(text(statement.replace(":", r"\:")))
    yield registry
    await registry.close()


async def test_stations_work_by_what_they_worked_by(released: Registry) -> None:
    await released.migrate()
    async with released.read() as t:
        stations = await t.stations.all()
        documents = await t.layers.desired(stations)
        configs = {one: decode(Config, document) for one, document in documents.items()}
        own = await t.layers.of_stations()
    assert configs == {
        "st-00000001": Config("Bakken", "11 11", "Solgården", "Stue 1", "en", 30),
        "st-00000002": Config("", "", "Solgården", "Stue 1"),
        "st-00000003": Config("Bakken", "11 11", "Månelyst", "Stue 1"),
    }
    assert own == {"st-00000001": {"language": "en", "volume": 30, "clinic": "Bakken"},
                   "st-00000003": {"clinic": "Bakken"}}  # fmt: skip
    assert {one.id: one.desired_version for one in stations} == {
        "st-00000001": 8, "st-00000002": 4, "st-00000003": 2
    }  # fmt: skip
    rooms = {one.id: one.room_id for one in stations}
    assert rooms["st-00000001"] == rooms["st-00000002"] != rooms["st-00000003"]


async def test_nothing_that_refers_to_a_station_is_lost_and_references_hold_after(released: Registry) -> None:
    await released.migrate()
    async with released._engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    async with released.begin() as t:
        assert (await t.calls.get("c0ffee00")).person == "Anna"
        assert await t.enrolments.get("st-00000001") is not None
        assert [one.data for one in await t.reports.all_reports()] == [{"n": 1}]
        assert await t.reports.presence("st-00000001", "call") is not None
        assert [row.actor for row in await t.audit.recent()] == ["ivan"]
    for statement in (
        "DELETE FROM station WHERE id = 'st-00000001'", "UPDATE station SET room_id = 99",
        "UPDATE station SET site_id = 99", "INSERT INTO layer VALUES ('galaxy', '', '{}', 1, 1.0, 'x')",
    ):  # fmt: skip
        with pytest.raises(Exception, match="constraint"):
            async with released._engine.begin() as connection:
                await connection.execute(text(statement))


async def test_two_processes_that_migrate_at_once_migrate_once(released: Registry) -> None:

    other = Registry(str(released._engine.url.render_as_string(hide_password=False)))
    try:
        assert len(set(await asyncio.gather(released.migrate(), other.migrate()))) == 1
    finally:
        await other.close()
