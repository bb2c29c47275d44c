"""The command line makes an authority for a new region only: stations of one that was served believe no other."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from region.cli import main
from region.registry import Registry, database_url
from region.serving.outside import ears_id


def test_a_region_that_was_never_served_gets_its_authority_by_the_first_command(
    tmp_path: Path, empty_database: str
) -> None:
    where = ("--data", str(tmp_path), "--database", empty_database)
    assert main(["site", "add", "Solgården", *where]) == 0
    assert (tmp_path / "ca" / "root.pem").exists()


def test_one_that_was_served_is_given_no_second_authority(
    tmp_path: Path, empty_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--data", str(tmp_path), "--database", empty_database)
    assert main(["site", "add", "Solgården", *where]) == 0

    async def serve() -> None:
        registry = Registry(database_url(tmp_path, empty_database))
        await ears_id(registry)
        await registry.close()

    asyncio.run(serve())
    assert main(["site", "add", "Månelyst", *where]) == 0
    shutil.move(tmp_path / "ca", tmp_path / "elsewhere")
    capsys.readouterr()
    assert main(["site", "add", "Skovgården", *where]) == 2
    assert "REGION_DATA" in capsys.readouterr().err
    assert not (tmp_path / "ca").exists()
    assert main(["site", "list", *where]) == 0
    assert "Skovgården" not in capsys.readouterr().out
