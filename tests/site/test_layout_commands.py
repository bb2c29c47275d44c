"""The commands on places, profiles, tables and backups, as somebody types them, on both databases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from region.alone import alone_with, of_database
from region.cli import main


class Shell:
    """`region` with its data and database."""

    def __init__(self, data: Path, database: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._where = ["--data", str(data), "--database", database]
        self._capsys = capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run a command that ends with that code; gives what it printed, on either stream."""
        assert main([*words, *self._where]) == code, self._capsys.readouterr()
        printed = self._capsys.readouterr()
        return printed.err if code else printed.out

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@pytest.fixture
def region(tmp_path: Path, empty_database: str, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(tmp_path, empty_database, capsys)
    shell("cluster", "add", "East")
    shell("municipality", "add", "Skive", "--cluster", "East")
    for name, content in (
        ("sites", "name;municipality\nSun;Skive\nMoon;\n"), ("clinics", "name\nNear\n"),
        ("stations", "site;room;serial\nSun;Room 1;1000a\nMoon;Room 1;1000b\n"),
    ):  # fmt: skip
        (tmp_path / f"{name}.csv").write_text(content)
        assert "Added" in shell("import", str(tmp_path / f"{name}.csv"))
    return shell


def test_what_is_set_above_is_shown_below_with_where_it_comes_from(region: Shell, tmp_path: Path) -> None:
    (tmp_path / "psk").write_text("hunter2hunter2\n")
    region("profile", "set", "--municipality", "Skive", "clinic=Near", "night.on=true")
    said = region.json(
        "profile", "set", "--site", "Sun", "volume=50", 'network.wifi={"Home": {}}',
        f"network.wifi.Home.psk=@{tmp_path / 'psk'}",
    )  # fmt: skip
    (station,) = said["stations"]
    shown = region("profile", "show", "--station", station)
    assert "hunter2" not in shown
    lines = [line.split() for line in shown.splitlines()]
    assert ["volume", "50", "site"] in lines
    assert ["night.on", "true", "municipality"] in lines
    assert ["network.wifi.Home.psk", "(set)", "site"] in lines
    assert "hunter2" not in region("audit", "list")
    region("profile", "unset", "--site", "Sun", "volume")
    assert "volume" not in region("profile", "show", "--station", station)


def test_a_profile_is_copied_once_somebody_has_seen_what_changes(region: Shell) -> None:
    region("profile", "set", "--site", "Sun", "volume=50", "log_level=debug")
    copy = ("profile", "copy", "--from", "Sun", "--to", "Moon")
    assert "nothing was changed" in region(*copy, code=2)
    assert len(region.json(*copy, "--dry-run")["changes"]) == 2
    assert region("profile", "show", "--site", "Moon").startswith("Every value is the default")
    assert len(region.json(*copy, "--only", "volume", "--yes")["stations"]) == 1
    assert region.json("profile", "show", "--site", "Moon")["document"] == {"volume": 50}
    assert "log_level" in region(*copy, "--yes")
    assert "already" in region(*copy, "--yes")
    told = region("audit", "list")
    assert "profile.copy" in told
    assert "volume: - -> 50" in told
    assert "log_level: - -> debug" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("profile", "set", "--region", "volum=3"), "is volume meant?"),
        (("profile", "set", "--region", "volume"), "expected FIELD=VALUE"),
        (("profile", "set", "--region", "volume=null"), "region profile unset"),
        (("profile", "set", "--site", "Mars", "volume=3"), "no site Mars"),
        (("profile", "show", "--station", "st-00000000"), "no station st-00000000"),
        (("municipality", "move", "Skive", "--cluster", "West"), "no cluster West"),
        (("import", "absent.csv"), "Say --kind"),
        (("import", "absent.csv", "--kind", "sites"), "is not there"),
        (("restore",), "name the backup's file"),
    ],
)
def test_what_cannot_be_is_told_with_what_to_do(region: Shell, words: tuple[str, ...], told: str) -> None:
    code = 1 if "no " in told[:3] or "is " in told[:3] else 2
    assert told in region(*words, code=code)


def test_a_code_file_is_nobody_else_s_whatever_lay_in_its_place(region: Shell, tmp_path: Path) -> None:
    station = region.json("station", "list")[0]["station"]["id"]
    file, elsewhere = tmp_path / "code.toml", tmp_path / "elsewhere"
    elsewhere.write_text("somebody's")
    for before in (lambda: file.write_text("open to all"), lambda: (file.unlink(), file.symlink_to(elsewhere))):
        before()
        file.chmod(0o644)
        assert "It is a secret" in region("station", "code", station, "--out", str(file))
        assert (file.is_symlink(), file.stat().st_mode & 0o777) == (False, 0o600)
        assert f'station = "{station}"' in file.read_text()
    assert elsewhere.read_text() == "somebody's"
    assert not list(tmp_path.glob(".code*")), "no part of it stays behind"


def test_who_moves_is_told_and_a_table_written_out_is_taken_in_again(region: Shell, tmp_path: Path) -> None:
    station = region.json("station", "list")[0]["station"]["id"]
    assert "stands in Room 9, Sun" in region("station", "move", station, "--site", "Sun", "--room", "Room 9")
    assert "station.move" in region("audit", "list", "--station", station)
    region("site", "move", "Moon", "--municipality", "Skive")
    for kind in ("sites", "stations", "rooms"):
        region("export", kind, "--out", str(tmp_path / f"{kind}.csv"))
        taken = region.json("import", str(tmp_path / f"{kind}.csv"), "--dry-run")
        assert (taken["added"], taken["changed"]) == (0, 0)


@pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)
def test_a_backup_comes_back(region: Shell, tmp_path: Path) -> None:
    file = str(tmp_path / "kept.sqlite")
    region("backup", file)
    region("cluster", "add", "West")
    with alone_with(of_database(tmp_path / "region.sqlite")):  # as a region that is served
        assert "stop that one first" in region("restore", file, code=2)
    assert "West" in region("cluster", "list")
    assert "2 stations" in region("restore", file)
    assert "West" not in region("cluster", "list")


def test_a_value_is_set_at_each_station_that_a_filter_finds_once_somebody_agrees(region: Shell) -> None:
    words = ("profile", "set", "--where", "text=room", "volume=12", "night.on=true")
    assert "nothing was done" in region(*words, code=2)
    changed = region.json(*words, "--yes")["stations"]
    assert len(changed) == 2
    assert region.json("profile", "show", "--station", changed[0], "--own") == {"volume": 12, "night": {"on": True}}
    assert region("profile", "set", "--where", "site=Sun", "volume=12").startswith("Changed 0 of 1")
    taken = region.json("profile", "unset", "--where", "state=never_seen", "night", "--yes")
    assert sorted(taken["stations"]) == sorted(changed)
    assert region.json("profile", "show", "--station", changed[1], "--own") == {"volume": 12}
    assert "no station is like that" in region("profile", "set", "--where", "state=ready", "volume=1", code=1)
    assert "no such filter" in region("profile", "set", "--where", "colour=red", "volume=1", code=1)
    assert "between 0 and 100" in region("profile", "set", "--where", "site=Sun", "volume=300", code=1)


def test_a_place_gets_another_name_and_is_removed_once_it_is_empty(region: Shell) -> None:
    assert "Stations whose config changes: 1" in region("site", "rename", "Sun", "Sunrise")
    assert "No station's config changes" in region("cluster", "rename", "East", "Far East")
    region("municipality", "rename", "Skive", "Skive Kommune")
    assert "move its sites first (1)" in region("municipality", "remove", "Skive Kommune", code=1)
    assert "there is a site called Moon already" in region("site", "rename", "Sunrise", "Moon", code=1)
    (station,) = [one["station"]["id"] for one in region.json("station", "list", "--site", "Moon")]
    region("station", "move", station, "--site", "Sunrise", "--room", "Room 2")
    assert "remove its rooms first (1)" in region("site", "remove", "Moon", code=1)
    assert [one["name"] for one in region.json("room", "list", "--site", "Moon")] == ["Room 1"]
    assert "No station's config changes" in region("room", "rename", "Room 1", "Room one", "--site", "Moon")
    region("room", "rename", "Room 2", "Room two", "--site", "Sunrise")  # where a station called Room 1 stands
    assert region.json("station", "show", station)["station"]["room"] == "Room two"
    region("room", "rename", "Room one", "Room 1", "--site", "Moon")
    assert "Removed the room Room 1 of Moon" in region("room", "remove", "Room 1", "--site", "Moon")
    assert "no room Room 1" in region("room", "remove", "Room 1", "--site", "Moon", code=1)
    assert "Removed the site Moon" in region("site", "remove", "Moon")
    assert "Moon" not in region("site", "list")
    assert "site.remove" in region("audit", "list")
