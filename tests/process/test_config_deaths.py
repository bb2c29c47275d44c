"""A station killed with SIGKILL at every step of a config change: the good one is never lost, nothing is applied twice.

The steps are not chosen: a first run counts them as the interpreter reports them (`tests.process.dying`), and then
there is one death for each, and a second life that finds what the first has left.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.agent.config_store import ConfigStore
from device.agent.trial import TakenBack
from tests.process.dying_config import BAD, GOOD, NEXT

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


class Lives:
    """The process that forks one for each life."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def live(self, what: str, state: Path, step: int) -> tuple[int, list[int], int]:
        """One life: (exit code, the versions it worked by in their order, steps it took)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([what, str(state), step]).encode() + b"\n")
        code, said = json.loads(await self._process.stdout.readline())
        words = dict(enumerate(said))
        versions = [int(words[at + 1]) for at, word in words.items() if word in ("start", "applied")]
        return code, versions, int(said[-1]) if "steps" in said else 0


@pytest.fixture
async def lives() -> AsyncIterator[Lives]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.process.dying_config",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    yield Lives(process)
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()


async def _deaths(lives: Lives, tmp_path: Path, what: str, least: int) -> AsyncIterator[tuple[Path, list[int]]]:
    """The disk after each death in a life of this kind, and the versions that it worked by."""
    original = tmp_path / "original"
    original.mkdir()
    if what != "first":
        assert await lives.live("first", original, 0)
    shutil.copytree(original, tmp_path / "counted")
    code, _, steps = await lives.live(what, tmp_path / "counted", 0)
    assert code == 0
    assert steps >= least, "a change of config takes its steps on the disk"
    for step in range(1, steps + 1):
        state = tmp_path / f"s{step}"
        shutil.copytree(original, state)
        code, versions, _ = await lives.live(what, state, step)
        assert code == -signal.SIGKILL, f"it did not die at step {step}"
        yield state, versions


async def test_killed_at_every_step_of_the_first_config(tmp_path: Path, lives: Lives) -> None:
    async for state, _ in _deaths(lives, tmp_path, "first", 4):
        code, versions, _ = await lives.live("first", state, 0)
        assert code == 0
        assert versions in ([0, GOOD], [GOOD])
        journal = ConfigStore(state / "config.json").load()
        assert (journal.in_force.version, journal.good, journal.taken_back) == (GOOD, None, None)


async def test_killed_at_every_step_of_a_config_that_is_taken_back(tmp_path: Path, lives: Lives) -> None:
    taken_back_before = False
    async for state, before in _deaths(lives, tmp_path, "taken back", 7):
        journal = ConfigStore(state / "config.json").load()
        assert GOOD in (journal.in_force.version, journal.good and journal.good.version), "the good one was lost"
        assert before in ([], [GOOD], [GOOD, BAD], [GOOD, BAD, GOOD])
        code, versions, _ = await lives.live("taken back", state, 0)
        assert code == 0
        if journal.taken_back is not None:
            taken_back_before = True
            assert versions == [GOOD], "what was taken back has been applied again"
        else:
            assert versions in ([GOOD, BAD, GOOD], [BAD, GOOD])
        after = ConfigStore(state / "config.json").load()
        assert (after.in_force.version, after.good) == (GOOD, None)
        assert after.taken_back == TakenBack(BAD, "call failed")
        assert [path.name for path in state.iterdir()] == ["config.json"]
    assert taken_back_before, "no death came after the taking back"


async def test_killed_at_every_step_of_a_change_for_the_better(tmp_path: Path, lives: Lives) -> None:
    async for state, _ in _deaths(lives, tmp_path, "mended", 13):
        code, versions, _ = await lives.live("mended", state, 0)
        assert code == 0
        assert versions[-1] == NEXT
        assert versions.count(BAD) <= 1
        journal = ConfigStore(state / "config.json").load()
        assert (journal.in_force.version, journal.good, journal.taken_back) == (NEXT, None, None)
