"""The command line makes an authority for a new region only: stations of one that was served believe no other."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from region import addresses
from region.cli import main
from region.registry import Registry
from region.serving.outside import ears_id


def test_a_region_that_was_never_served_gets_its_authority_by_the_first_code_file(
    tmp_path: Path, empty_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--data", str(tmp_path), "--database", empty_database)
    assert main(["site", "add", "Solgården", *where]) == 0
    assert not (tmp_path / "ca").exists(), "the ceremony may still be held"
    station = _added("Stue 1", where, capsys)
    assert main(["station", "code", station, *where]) == 0
    assert (tmp_path / "ca" / "root.pem").exists()
    made = capsys.readouterr()
    assert "https://127.0.0.1:8402" in made.out
    assert "start `region serve` once, with its addresses, and make another" in made.err
    addresses.save(tmp_path, addresses.Addresses(enrol_url="https://region.example:8402"))
    assert main(["station", "code", station, *where]) == 0
    made = capsys.readouterr()
    assert ("https://region.example:8402" in made.out, made.err) == (True, "")


def test_one_that_was_served_is_given_no_second_authority(
    tmp_path: Path, empty_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--data", str(tmp_path), "--database", empty_database)
    assert main(["site", "add", "Solgården", *where]) == 0
    station = _added("Stue 1", where, capsys)
    assert main(["station", "code", station, *where]) == 0

    asyncio.run(_served(empty_database))
    assert main(["station", "code", station, *where]) == 0
    shutil.move(tmp_path / "ca", tmp_path / "elsewhere")
    capsys.readouterr()
    assert main(["station", "code", station, *where]) == 2
    assert "REGION_DATA" in capsys.readouterr().err
    assert not (tmp_path / "ca").exists()


def test_what_needs_no_authority_is_done_without_one(
    tmp_path: Path, empty_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--data", str(tmp_path), "--database", empty_database)
    asyncio.run(_served(empty_database))
    for typed in (
        ["cluster", "add", "Øst"], ["municipality", "add", "Ærø"], ["site", "add", "Solgården"],
        ["clinic", "add", "Bakken"], ["clinic", "set", "Bakken", "--phone", "11 11 11 11"],
    ):  # fmt: skip
        assert main([*typed, *where]) == 0, typed
    station = _added("Stue 1", where, capsys)
    assert main(["station", "set", station, "--volume", "40", *where]) == 0
    assert main(["station", "move", station, "--room", "Stue 2", *where]) == 0
    capsys.readouterr()
    assert main(["station", "code", station, *where]) == 2
    assert "REGION_DATA" in capsys.readouterr().err
    assert not (tmp_path / "ca").exists()


def _added(room: str, where: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    """A station of Solgården."""
    capsys.readouterr()
    assert main(["station", "add", room, "--site", "Solgården", "--json", *where]) == 0
    return str(json.loads(capsys.readouterr().out)["id"])


async def _served(database: str) -> None:
    """A process of the region has been there, with data of its own."""
    registry = Registry(database)
    await registry.migrate()
    await ears_id(registry)
    await registry.close()
