"""What stations handed in, as somebody reads it at the command line, on both databases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from messaging.diagnostics import pack
from region.cli import main
from region.cli.typist import typist
from region.registry import Registry
from region.registry.records import HandedIn
from tests.kits.region.stations import NOW, order, stand
from tests.unit.test_diagnostics_bundle import BUNDLE

Shell = Callable[..., Any]


@pytest.fixture
def region(tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]) -> Shell:
    where = ["--data", str(tmp_path), "--database", database]

    def run(*words: str, code: int = 0, told: bool = False) -> Any:
        """What it printed: JSON unless `told` or it fails, then text."""
        capsys.readouterr()
        assert main([*words, *where, *([] if told or code else ["--json"])]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out if told else json.loads(printed.out)

    return run


@pytest.fixture
def kept(database: str) -> list[tuple[str, str]]:
    """Two stations have handed in one each: the ids of station and command, the latest first."""

    async def hand_in() -> list[tuple[str, str]]:
        registry = Registry(database)
        try:
            stations = await stand(registry, 2)
            cids = await order(registry, stations, "diagnostics")
            async with registry.begin() as t:
                for minutes, (station, cid) in enumerate(zip(stations, cids, strict=True)):
                    content = pack(replace(BUNDLE, station=station))
                    await t.diagnostics.put(HandedIn(cid, station, NOW + 60 * minutes, len(content)), content)
        finally:
            await registry.close()
        return [*zip(stations, cids, strict=True)][::-1]

    return asyncio.run(hand_in())


def test_what_is_kept_is_listed_of_all_or_of_one(region: Shell, kept: list[tuple[str, str]]) -> None:
    assert [(one["station_id"], one["cid"]) for one in region("diagnostics", "list")] == kept
    (station, cid), (other, _) = kept
    told = region("diagnostics", "list", "--station", station, told=True)
    assert cid in told
    assert other not in told
    assert region("diagnostics", "list", "--station", "st-00000000") == []


def test_one_is_saved_as_json_once_and_the_log_says_so(
    region: Shell, kept: list[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (station, cid), (_, other) = kept
    saved = region("diagnostics", "save", cid)
    assert saved == {"file": f"diagnostics-{station}-{cid}.json", "station": station, "command": cid}
    assert json.loads(Path(saved["file"]).read_text())["station"] == station
    assert "there already: nothing is overwritten" in region("diagnostics", "save", cid, code=1)
    assert "Wrote mine.json." in region("diagnostics", "save", other, "--out", "mine.json", told=True)
    read = [row for row in region("audit", "list") if row["action"] == "diagnostics.read"]
    assert {row["detail"]["cid"] for row in read} == {cid, other}
    assert {row["actor"] for row in read} == {typist().actor}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_nobody_handed_in_is_said_not_to_be_kept(region: Shell, tmp_path: Path) -> None:
    assert "no diagnostics of command 0000000000000000 are kept" in region(
        "diagnostics", "save", "0" * 16, "--out", str(tmp_path / "none.json"), code=1
    )
    assert not (tmp_path / "none.json").exists()
