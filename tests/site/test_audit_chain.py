"""The audit's chain in both databases: written with what it tells of, by several at once; and `region audit verify`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from region.cli import main
from region.registry import Registry, Unavailable, database_url
from region.registry.migrate import upgrade
from region.registry.seals import Broken, Head, read_head

NOW = 1_800_000_000.5


async def _tell(registry: Registry, count: int = 5) -> None:
    for number in range(count):
        async with registry.begin() as t:
            await t.audit.add(f"anna {number}", "sign_in", "done", NOW + number, how="linkedín 🙂", seconds=number / 3)


async def _verify(registry: Registry, kept: Head | None = None):
    async with registry.read() as t:
        return await t.audit.verify(kept)


async def _tamper(registry: Registry, *statements: str) -> None:
    async with registry._engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def test_what_is_told_holds_and_the_head_is_the_last_row(registry: Registry) -> None:
    assert (await _verify(registry)).broken is None, "also while there is nothing yet"
    await _tell(registry)
    async with registry.begin() as t:
        await t.audit.add_event("st-00000001", "process_gone", 12, "screen", 3)
        await t.audit.add("region", "backup", "done", NOW, bytes=None)
    verdict = await _verify(registry)
    assert (verdict.rows, verdict.head.row, verdict.broken) == (7, 7, None)
    assert (await _verify(registry, verdict.head)).broken is None
    async with registry.read() as t:
        assert [row.id for row in await t.audit.recent()] == [7, 6, 5, 4, 3, 2, 1]


async def test_what_is_undone_is_not_told_and_leaves_no_gap(registry: Registry) -> None:
    await _tell(registry, 2)
    with pytest.raises(ZeroDivisionError):
        async with registry.begin() as t:
            await t.audit.add("anna", "sign_in", "done", NOW)
            raise ZeroDivisionError
    await _tell(registry, 1)
    verdict = await _verify(registry)
    assert (verdict.rows, verdict.broken) == (3, None)


async def test_several_who_write_at_once_make_one_chain(registry: Registry, beside: Registry) -> None:
    """Each also changes a row that the others change, before and after it tells: nobody waits for one who waits."""
    async with registry.begin() as t:
        clinic = await t.clinics.add("Bakken", "", NOW)
        people = [await t.people.add(f"anna{n}", "clinician", NOW, clinic_id=clinic.id) for n in range(2)]

    async def work(one: Registry, order: list) -> None:
        for _ in range(6):
            async with one.begin() as t:
                await t.people.set_language(order[0].id, "da")
                await t.audit.add(order[0].name, "sign_in", "done", NOW)
                await t.people.set_language(order[0].id, "en")

    await asyncio.gather(*(work(one, order) for one in (registry, beside) for order in (people, people[::-1])))
    verdict = await _verify(registry)
    assert (verdict.rows, verdict.broken) == (24, None)


@pytest.mark.parametrize(
    ("done", "broken"),
    [
        (["UPDATE audit SET actor = 'nobody' WHERE id = 3"], Broken(3, "changed")),
        (["UPDATE audit SET at = at + 1 WHERE id = 1"], Broken(1, "changed")),
        (["UPDATE audit SET detail = '{}' WHERE id = 5"], Broken(5, "changed")),
        (["DELETE FROM audit WHERE id = 2"], Broken(2, "missing")),
        (["DELETE FROM audit WHERE id = 1"], Broken(1, "missing")),
        (["DELETE FROM audit WHERE id = 5"], Broken(5, "cut_off")),
        (["DELETE FROM audit"], Broken(1, "cut_off")),
        (
            ["INSERT INTO audit SELECT 6, at, actor, action, station_id, call_id, outcome, detail, seal, seal "
             "FROM audit WHERE id = 5"],
            Broken(6, "inserted"),
        ),
        (
            ["UPDATE audit SET id = 99 WHERE id = 2", "UPDATE audit SET id = 2 WHERE id = 4",
             "UPDATE audit SET id = 4 WHERE id = 99"],
            Broken(2, "reordered"),
        ),
        (
            ["UPDATE audit SET id = id + 100 WHERE id >= 3", "UPDATE audit SET id = id - 99 WHERE id >= 103",
             "INSERT INTO audit SELECT 3, at, 'mallory', action, station_id, call_id, outcome, detail, previous, seal "
             "FROM audit WHERE id = 2"],
            Broken(3, "inserted"),
        ),
        (["DELETE FROM audit_head"], Broken(5, "rewritten")),
        (["UPDATE audit_head SET number = 4"], Broken(5, "inserted")),
    ],
)  # fmt: skip
async def test_each_kind_of_tampering_is_named_with_its_row(registry: Registry, done: list, broken: Broken) -> None:
    await _tell(registry)
    await _tamper(registry, *done)
    assert (await _verify(registry)).broken == broken


async def test_a_log_cut_together_with_its_head_is_told_by_a_head_that_was_kept(registry: Registry) -> None:
    await _tell(registry)
    kept = (await _verify(registry)).head
    await _tamper(
        registry, "DELETE FROM audit WHERE id > 3",
        "UPDATE audit_head SET number = 3, seal = (SELECT seal FROM audit WHERE id = 3)",
    )  # fmt: skip
    assert (await _verify(registry)).broken is None, "by itself it cannot know"
    assert (await _verify(registry, kept)).broken == Broken(4, "cut_off")
    await _tell(registry)
    assert (await _verify(registry, kept)).broken == Broken(5, "rewritten")


async def test_nothing_is_done_that_cannot_be_told(registry: Registry) -> None:
    await _tell(registry, 1)
    await _tamper(registry, "DELETE FROM audit_head")
    with pytest.raises(Unavailable, match="region audit verify"):
        async with registry.begin() as t:
            await t.clinics.add("Bakken", "", NOW)
            await t.audit.add("anna", "clinic.add", "done", NOW)
    async with registry.read() as t:
        assert await t.clinics.all() == []


async def test_rows_of_a_released_log_are_chained_as_they_stand(empty_database: str) -> None:
    registry = Registry(empty_database)
    try:
        async with registry._engine.begin() as connection:
            await connection.run_sync(upgrade, "0004")
            for number in (2, 3, 7, 1200):
                await connection.execute(
                    text("INSERT INTO audit VALUES (:id, 1.25, 'ivan', 'event', 'st-00000001', NULL, 'løst', :detail)"),
                    {"id": number, "detail": json.dumps({"seconds": number / 7, "detail": "🙂", "count": number})},
                )
        await registry.migrate()
        verdict = await _verify(registry)
        assert (verdict.rows, verdict.head.row, verdict.broken) == (4, 4, None)
        await _tell(registry, 2)
        assert (await _verify(registry, verdict.head)).broken is None
        async with registry.read() as t:
            assert [row.detail.get("count") for row in await t.audit.recent()] == [None, None, 1200, 7, 3, 2]
    finally:
        await registry.close()


def _commands(data: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main([*words, "--data", str(data)])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_says_that_the_log_holds_and_gives_a_head_to_keep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _commands(tmp_path, capsys, "site", "add", "Solgården")
    code, out, _ = _commands(tmp_path, capsys, "audit", "verify")
    assert (code, "as it was written" in out) == (0, True)
    head = out.split("Head: ")[1].strip()
    assert read_head(head) is not None
    assert _commands(tmp_path, capsys, "audit", "verify", "--head", head)[0] == 0
    told = json.loads(_commands(tmp_path, capsys, "audit", "verify", "--json")[1])
    assert told == {"intact": True, "rows": 1, "head": head, "broken": None}
    assert "site.add" in _commands(tmp_path, capsys, "audit", "list")[1]


def test_the_command_names_the_first_broken_row_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("Solgården", "Månelyst", "Bakkely"):
        _commands(tmp_path, capsys, "site", "add", name)
    asyncio.run(_tampered_file(tmp_path))
    code, out, err = _commands(tmp_path, capsys, "audit", "verify", "--json")
    assert (code, json.loads(out)["broken"]) == (1, {"row": 2, "fault": "changed"})
    assert "row 2 is not as it was written" in err
    assert "backup" in err
    with pytest.raises(SystemExit):
        main(["audit", "verify", "--head", "nonsense", "--data", str(tmp_path)])


async def _tampered_file(data: Path) -> None:
    registry = Registry(database_url(data))
    await _tamper(registry, "UPDATE audit SET actor = 'nobody' WHERE id = 2")
    await registry.close()
