"""The `region` command by itself: what it offers, and how little it loads for it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

import pytest

from region.cli import main
from region.cli.commands import COMMANDS, build_parser

_HEAVY = {"sqlalchemy", "alembic", "fastapi", "starlette", "uvicorn", "jinja2", "paho", "region.registry", "region.web"}


@pytest.mark.parametrize("words", [["--help"], ["authority", "--help"]])
def test_what_needs_neither_registry_nor_pages_loads_neither(words: list[str]) -> None:
    script = f"""
import json, sys
from region.cli import main
try:
    main({words!r})
except SystemExit:
    print("\\n" + json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "region.cli.entry" in loaded
    assert loaded & _HEAVY == set()


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out.split()
    assert [name for name in COMMANDS if name not in told] == []


@pytest.mark.parametrize("words", [[], ["no-such-command"], ["station"], ["station", "no-such-action"]])
def test_what_there_is_not_is_asked_wrongly(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: region" in capsys.readouterr().err


def leaves(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """The commands below, and itself if there are none."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [leaf for action in below for one in action.choices.values() for leaf in leaves(one)] or [parser]


def test_whatever_can_be_typed_is_carried_out_by_something() -> None:
    commands = leaves(build_parser())
    assert [one.prog for one in commands if not callable(one.get_default("run"))] == []
    assert {one.prog for one in commands} > {"region demo", "region demo-fleet", "region serve", "region card prepare"}
