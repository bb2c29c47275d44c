"""Backup and restore: whole or not at all, while others write; and stations take the config of a restored registry."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from region.registry import Conflict, Invalid, Registry, Unavailable
from region.registry.backup import back_up, restore
from tests.kits.servers.postgres import Postgres

NOW = 1_800_000_000.0
SQLITE_ALONE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def stand(registry: Registry) -> str:
    async with registry.begin() as t:
        site = await t.sites.add("Solgården", NOW)
        return (await t.stations.add("Stue 4", site.id, None, NOW)).id


@SQLITE_ALONE
async def test_a_backup_is_the_registry_of_its_moment_and_is_nobody_else_s(registry: Registry, tmp_path: Path) -> None:
    station, file = await stand(registry), tmp_path / "kept.sqlite"
    async with registry.begin() as t:  # somebody is writing meanwhile: that is not in it
        await t.sites.add("Månelyst", NOW)
        assert back_up(registry.file, file) == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert _kept(tmp_path) == ["kept.sqlite"]
    async with registry.begin() as t:
        await t.layers.put("station", station, {"volume": 1}, "ivan", NOW)
    restore(registry.file, file)
    async with registry.begin() as t:
        await t.after_restore.settle(NOW)
    async with registry.read() as t:
        restored = await t.stations.get(station)
        assert [one.name for one in await t.sites.all()] == ["Solgården"]
    assert (restored.volume, restored.desired_version, restored.published_version) == (70, int(NOW), 0)


@SQLITE_ALONE
async def test_what_is_no_backup_changes_nothing(registry: Registry, tmp_path: Path) -> None:
    await stand(registry)
    (tmp_path / "noise").write_bytes(b"no database at all" * 1000)
    (tmp_path / "empty").write_bytes(b"")
    for name, error in (("absent", Invalid), ("noise", Unavailable), ("empty", Unavailable)):
        with pytest.raises(error):
            restore(registry.file, tmp_path / name)
    with pytest.raises(Conflict):
        back_up(registry.file, tmp_path / "noise")
    async with registry.read() as t:
        assert await t.stations.count() == 1


async def test_versions_of_a_restored_registry_are_newer_than_any_a_station_has_seen(registry: Registry) -> None:
    station = await stand(registry)
    async with registry.begin() as t:
        await t.after_restore.settle(NOW)
        await t.after_restore.settle(NOW)  # twice within one second
        assert (await t.stations.get(station)).desired_version == int(NOW) + 1


async def test_nobody_is_signed_in_by_a_backup_who_has_been_signed_out_since(registry: Registry) -> None:
    async with registry.begin() as t:
        ivan = await t.people.add("ivan", "it_admin", NOW)
        await t.sessions.start("a browser", ivan.id, "csrf", NOW)
        await t.sessions.add_link("a link", ivan.id, NOW, NOW + 900)
        await t.after_restore.settle(NOW)
    async with registry.begin() as t:
        assert await t.sessions.find("a browser", NOW, 60.0, 60.0) is None
        assert await t.sessions.use_link("a link", NOW) is None
        assert (await t.people.get(ivan.id)).active


@pytest.mark.system
async def test_pg_dump_and_pg_restore_bring_a_registry_back(server: Postgres, template: str, tmp_path: Path) -> None:
    url, again = server.database(template), server.database()
    registry = Registry(url)
    station = await stand(registry)
    with pytest.raises(Invalid, match="pg_dump"):
        _ = registry.file
    await registry.close()
    dump = tmp_path / "region.dump"
    server.tool("pg_dump", "-Fc", "-f", str(dump), "-d", _name(url))
    server.tool("pg_restore", "--no-owner", "-d", _name(again), str(dump))
    restored = Registry(again)
    await restored.migrate()
    async with restored.begin() as t:
        await t.after_restore.settle(NOW)
        assert (await t.stations.get(station)).name == "Stue 4"
        assert (await t.sites.add("Månelyst", NOW)).name == "Månelyst"  # its numbers go on from where they were
    await restored.close()


def _kept(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir() if "kept" in one.name]


def _name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]
