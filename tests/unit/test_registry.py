"""The registry: what it keeps, what it refuses, and who gets a call when two reach for it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from messaging.status import Connection
from messaging.topics import STATION_ID
from provisioning.authority.ports import Invitation
from region.registry import Conflict, Invalid, NotFound, Registry, Unavailable, database_url, migrations
from region.registry.migrate import differences
from region.registry.records import Call, Person, Station
from region.registry.stations import new_station_id

NOW = 1_800_000_000.0


async def _places(registry: Registry) -> tuple[Station, Person, Person]:
    async with registry.begin() as t:
        clinic = await t.clinics.add("Bakkens Klinik", "+45 12 34 56 78", NOW)
        site = await t.sites.add("Solgården", NOW)
        station = await t.stations.add("Room 4", site.id, clinic.id, NOW)
        anna = await t.people.add("anna", "clinician", NOW, clinic_id=clinic.id, display_name="Anna Berg", title="GP")
        bo = await t.people.add("bo", "clinician", NOW, clinic_id=clinic.id)
    return station, anna, bo


async def _waiting_call(registry: Registry, station: Station, call_id: str = "c0ffee00") -> Call:
    assert station.clinic_id is not None
    async with registry.begin() as t:
        return await t.calls.add(call_id, station.id, station.clinic_id, "resident", "waiting", NOW, boot="b1")


async def test_migrations_from_nothing_give_exactly_the_schema(empty_database: str) -> None:
    registry = Registry(empty_database)
    first, again = await registry.migrate(), await registry.migrate()
    async with registry._engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await registry.close()
    assert first == again == _newest()


def _newest() -> str:
    (head,) = ScriptDirectory(str(Path(migrations.__file__).parent)).get_heads()
    return head


async def test_of_two_clinicians_at_once_exactly_one_gets_the_call(registry: Registry, beside: Registry) -> None:
    """Two registries on one database, as two processes would be, and both reach at the same moment, many times."""
    one, other = registry, beside
    station, anna, bo = await _places(one)

    async def reach(registry: Registry, call_id: str, person: Person) -> bool:
        async with registry.begin() as t:
            return await t.calls.claim(call_id, person.id, NOW + 5)

    for number in range(10):
        call = await _waiting_call(one, station, f"call{number:04}")
        won = await asyncio.gather(reach(one, call.id, anna), reach(other, call.id, bo))
        assert sorted(won) == [False, True]
        async with one.read() as t:
            held = await t.calls.get(call.id)
        assert (held.state, held.person_id) == ("answered", anna.id if won[0] else bo.id)


async def test_a_call_forgets_its_offer_when_it_ends_and_ends_once(registry: Registry) -> None:
    station, anna, _ = await _places(registry)
    call = await _waiting_call(registry, station)
    async with registry.begin() as t:
        assert await t.calls.set_offer(call.id, 1, "v=0 one")
        assert await t.calls.set_offer(call.id, 2, "v=0 two")
        assert not await t.calls.set_offer(call.id, 1, "v=0 late")
        assert (await t.calls.get(call.id)).offer_sdp == "v=0 two"
        assert await t.calls.claim(call.id, anna.id, NOW + 1)
        assert await t.calls.end(call.id, "resident_left", NOW + 9)
        assert not await t.calls.end(call.id, "error", NOW + 10)
        ended = await t.calls.get(call.id)
    assert (ended.offer_sdp, ended.offer_generation) == (None, None)
    assert (ended.end_reason, ended.ended_at, ended.person) == ("resident_left", NOW + 9, "Anna Berg")


async def test_nobody_gets_a_call_that_has_ended(registry: Registry) -> None:
    station, anna, _ = await _places(registry)
    call = await _waiting_call(registry, station)
    async with registry.begin() as t:
        await t.calls.end(call.id, "cancelled", NOW)
        assert not await t.calls.claim(call.id, anna.id, NOW)
        assert not await t.calls.accepted(call.id, NOW)
        assert await t.calls.open(station_id=station.id) == []


async def test_a_call_id_is_used_once(registry: Registry) -> None:
    station, _, _ = await _places(registry)
    await _waiting_call(registry, station)
    with pytest.raises(Conflict):
        await _waiting_call(registry, station)


async def test_a_change_makes_the_desired_version_grow_and_nothing_else_does(registry: Registry) -> None:
    station, _, _ = await _places(registry)
    same = {"name": station.name, "site_id": station.site_id, "clinic_id": station.clinic_id, "language": "da"}
    async with registry.begin() as t:
        assert (await t.stations.change(station.id, volume=70, **same)).desired_version == 1
        louder = await t.stations.change(station.id, volume=90, **same)
        assert (louder.desired_version, louder.volume) == (2, 90)
        assert [s.id for s in await t.stations.unpublished()] == [station.id]
        await t.stations.published({station.id: 2})
        assert await t.stations.unpublished() == []
        await t.clinics.change(station.clinic_id, "Bakkens Klinik", "87 65 43 21")
        waiting = await t.stations.unpublished()
        assert [(s.phone, s.desired_version) for s in waiting] == [("87 65 43 21", 3)]


async def test_what_is_not_there_is_said_to_be_not_there(registry: Registry) -> None:
    station, _, _ = await _places(registry)
    for act in (
        lambda t: t.stations.get("st-00000000"), lambda t: t.clinics.get(99), lambda t: t.sites.get(99),
        lambda t: t.calls.get("nope0000"), lambda t: t.people.get(99), lambda t: t.people.set_active(99, False),
        lambda t: t.stations.add("x", 99, None, NOW), lambda t: t.stations.add("x", station.site_id, 99, NOW),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            async with registry.begin() as t:
                await act(t)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "bell\x07", "line\x00"])
async def test_bad_names_are_refused(registry: Registry, name: str) -> None:
    with pytest.raises(Invalid):
        async with registry.begin() as t:
            await t.sites.add(name, NOW)


@pytest.mark.parametrize("phone", ["call me", "1", "+45 12 34 56 78 90 12 34 56", "12;34"])
async def test_bad_telephone_numbers_are_refused(registry: Registry, phone: str) -> None:
    with pytest.raises(Invalid):
        async with registry.begin() as t:
            await t.clinics.add("A clinic", phone, NOW)


async def test_names_are_taken_once(registry: Registry) -> None:
    await _places(registry)
    for act in (
        lambda t: t.sites.add("Solgården", NOW), lambda t: t.clinics.add(" Bakkens  Klinik ", "", NOW),
        lambda t: t.people.add("ANNA", "it_admin", NOW),
    ):  # fmt: skip
        with pytest.raises(Conflict):
            async with registry.begin() as t:
                await act(t)


async def test_a_clinician_without_a_clinic_is_refused(registry: Registry) -> None:
    with pytest.raises(Invalid):
        async with registry.begin() as t:
            await t.people.add("anna", "clinician", NOW)


async def test_an_error_undoes_the_whole_transaction(registry: Registry) -> None:
    with pytest.raises(Invalid):
        async with registry.begin() as t:
            await t.sites.add("Solgården", NOW)
            await t.sites.add("", NOW)
    async with registry.read() as t:
        assert await t.sites.all() == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_secrets_are_not_in_the_file(registry: Registry, tmp_path: Path) -> None:
    _, anna, _ = await _places(registry)
    async with registry.begin() as t:
        await t.sessions.start("the-session-token", anna.id, "csrf-1", NOW)
        await t.sessions.add_link("the-link-token", anna.id, NOW, NOW + 60)
    await registry.close()
    content = await asyncio.to_thread(_everything_in, tmp_path)
    assert b"anna" in content
    assert b"the-session-token" not in content
    assert b"the-link-token" not in content


async def test_a_link_is_spent_by_one_of_two_at_once(registry: Registry) -> None:
    _, anna, _ = await _places(registry)
    async with registry.begin() as t:
        await t.sessions.add_link("token", anna.id, NOW, NOW + 60)

    async def use() -> bool:
        async with registry.begin() as t:
            return await t.sessions.use_link("token", NOW + 1) is not None

    assert sorted(await asyncio.gather(use(), use(), use())) == [False, False, True]


async def test_a_link_signs_nobody_in_who_has_been_shut_out_since(registry: Registry) -> None:
    _, anna, _ = await _places(registry)
    async with registry.begin() as t:
        await t.people.set_active(anna.id, False)
        await t.sessions.add_link("made at the command line", anna.id, NOW, NOW + 60)
        assert await t.sessions.use_link("made at the command line", NOW + 1) is None


async def test_old_sessions_and_links_are_swept(registry: Registry) -> None:
    _, anna, _ = await _places(registry)
    async with registry.begin() as t:
        await t.sessions.start("old", anna.id, "csrf", NOW)
        await t.sessions.start("fresh", anna.id, "csrf", NOW + 90)
        await t.sessions.add_link("late", anna.id, NOW, NOW + 60)
        assert await t.sessions.sweep(NOW + 100, 50, 1000) == 2
        assert await t.sessions.find("fresh", NOW + 100, 50, 1000) is not None


async def test_a_code_gives_one_key_its_certificate_and_no_other(registry: Registry) -> None:
    station, _, _ = await _places(registry)
    async with registry.begin() as t:
        await t.enrolments.put(Invitation(station.id, "a" * 64, NOW + 60))

    async def bind(key: str) -> Invitation | None:
        async with registry.begin() as t:
            return await t.enrolments.bind(station.id, "a" * 64, key, key.encode())

    first, second = await asyncio.gather(bind("1" * 64), bind("2" * 64))
    assert first is not None
    assert first == second
    assert first.certificate == (first.key_sha256 or "").encode()
    async with registry.begin() as t:
        assert await t.enrolments.burn(station.id, "a" * 64, NOW)
        assert not await t.enrolments.burn(station.id, "a" * 64, NOW)
        await t.enrolments.put(Invitation(station.id, "b" * 64, NOW + 60))
        assert await t.enrolments.bind(station.id, "a" * 64, "3" * 64, b"") is None


async def test_a_process_that_went_is_remembered_with_its_versions(registry: Registry) -> None:
    station, _, _ = await _places(registry)
    async with registry.begin() as t:
        await t.reports.set_presence(station.id, Connection("call", "online", "b1", 1, {"laegeknap": "1.0"}, "c1"), NOW)
        await t.reports.set_presence(station.id, Connection("call", "offline", "b1", 1), NOW + 5)
        known = await t.reports.presence(station.id, "call")
    assert known is not None
    assert (known.state, known.call, known.versions, known.since) == ("offline", None, {"laegeknap": "1.0"}, NOW + 5)


async def test_the_last_report_of_each_branch_is_kept(registry: Registry) -> None:
    station, _, _ = await _places(registry)
    async with registry.begin() as t:
        await t.reports.set_report(station.id, "m/health", {"n": 1}, "b1", 1, NOW)
        await t.reports.set_report(station.id, "m/health", {"n": 2}, "b1", 2, NOW + 1)
        assert [r.data for r in await t.reports.all_reports(station.id)] == [{"n": 2}]


async def test_audit_rows_come_newest_first_and_by_station(registry: Registry) -> None:
    async with registry.begin() as t:
        for number in range(5):
            await t.audit.add(
                "anna", "call", f"end{number}", NOW + number, station_id=f"st-0000000{number % 2}", seconds=3
            )
    async with registry.read() as t:
        rows = await t.audit.recent(2)
        assert [row.outcome for row in rows] == ["end4", "end3"]
        assert [row.outcome for row in await t.audit.recent(2, before=rows[-1].id)] == ["end2", "end1"]
        assert {row.station_id for row in await t.audit.recent(station_id="st-00000001")} == {"st-00000001"}


async def test_a_database_that_is_no_database_is_told_as_unavailable(tmp_path: Path) -> None:
    (tmp_path / "region.sqlite").write_bytes(b"this is no database at all" * 100)
    registry = Registry(database_url(tmp_path))
    with pytest.raises(Unavailable):
        await registry.migrate()
    await registry.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_file_is_safe_against_power_cuts_and_strays(registry: Registry, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "region.sqlite")) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    async with registry.read() as t:
        pragmas = [
            (await t._connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("foreign_keys", "busy_timeout")
        ]
    assert pragmas == [1, 10_000]


def test_station_ids_fit_a_topic_and_a_telephone() -> None:
    for station_id in {new_station_id() for _ in range(200)}:
        assert STATION_ID.fullmatch(station_id)
        assert not set(station_id.removeprefix("st-")) & set("ilou")


def _everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())
