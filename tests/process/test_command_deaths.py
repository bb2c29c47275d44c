"""A station killed with SIGKILL at every step of a command: it comes back, the command is done once, and all is told.

The steps are not chosen: a first run counts them (`tests.process.dying_command`), and then there is one death for each.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from messaging.codec import encode
from messaging.command import Order, Reboot, Restart, Volume, Wipe, kind_of
from messaging.envelope import Sealer
from messaging.signed import Word, carry
from tests.kits.clock import ManualClock
from tests.kits.station.agent import STATION, Station
from tests.kits.station.commands import CID
from tests.kits.trust.signing import SigningKit
from tests.process.dying_command import BEGAN

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]
_MOST_LIVES = 6


@dataclass
class Story:
    """All lives of one station: what was said of the command, and how each life went."""

    said: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    steps: int = 0
    reboots: int = 0


class Lives:
    """The process that forks one for each life."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def story(self, folder: Path, order: Order, death: int) -> Story:
        """From the order until nothing is left to do; with a `death`, killed at that step, wherever in its lives."""
        story, left = Story(), death
        for life in range(_MOST_LIVES):
            code, words = await self._live([str(folder), [kind_of(order), CID], life, max(left, 0)])
            story.said += [word for word in words if word in ("init", "scheduled", "executing", "successful", "failed")]
            story.reboots += words.count("rebooted")
            if code == -signal.SIGKILL:
                story.ends.append("killed")
                left = 0
                continue
            assert code == 0, "a life ended badly: its log says why"
            taken = int(words[-2].partition("-")[2])
            story.steps += taken
            left = left - taken if left else 0
            story.ends.append(words[-1])
            if words[-1] != "ended":
                return story
        raise AssertionError(f"it never came to rest: {story}")

    async def _live(self, life: list[object]) -> tuple[int, list[str]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(life).encode() + b"\n")
        code, words = json.loads(await self._process.stdout.readline())
        return code, words


@pytest.fixture
async def lives() -> AsyncIterator[Lives]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.process.dying_command",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    yield Lives(process)
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()


def _furnish(folder: Path, order: Order) -> None:
    """A station with an identity, and an order that the region has signed for it."""
    clock = ManualClock(wall=BEGAN)
    kit = SigningKit(clock)
    station = Station(folder, clock)
    station.enrol(kit.authority)
    (station.state / "ca.pem").write_bytes(kit.roots_pem)
    (station.state / "key.pem").write_bytes(b"a key")
    word = Word("command", STATION, BEGAN + 1, encode(order), BEGAN + 3600, cid=CID, type=kind_of(order))
    (folder / "order").write_bytes(Sealer(clock.monotonic, clock.wall).seal(carry(kit.jws(word))))


def _is_done_once(folder: Path, order: Order, story: Story) -> None:
    state, runs = folder / "state", int((folder / "call-runs").read_text())
    assert runs == 2 if order == Restart("call") else runs <= 1 + isinstance(order, Reboot)
    assert story.reboots == isinstance(order, Reboot)
    assert story.ends.count("ended") <= isinstance(order, Reboot | Wipe) + (order == Restart("agent"))
    if isinstance(order, Volume):
        assert json.loads((state / "volume.json").read_text())["percent"] == order.percent
    assert (story.ends[-1] == "nobody") is isinstance(order, Wipe)
    if isinstance(order, Wipe):
        assert not list(state.glob("*.pem"))
        assert not (state / "wiping").exists()


def _is_told_whole(order: Order, story: Story) -> None:
    """Each state, in its order; one that is told twice was told just before a death or asked for once more."""
    firsts = [word for word in dict.fromkeys(story.said) if word != "scheduled"]
    whole = ["init", "executing", "successful"]
    assert firsts == whole or (isinstance(order, Wipe) and "killed" in story.ends and firsts == whole[: len(firsts)])


@pytest.mark.parametrize(
    "order", [Volume(35), Restart("agent"), Restart("call"), Reboot(), Wipe(STATION)], ids=lambda order: str(order)
)
async def test_killed_at_every_step_of_a_command(tmp_path: Path, lives: Lives, order: Order) -> None:
    original = tmp_path / "original"
    _furnish(original, order)
    first = tmp_path / "first"
    shutil.copytree(original, first)
    whole = await lives.story(first, order, 0)
    _is_done_once(first, order, whole)
    _is_told_whole(order, whole)
    assert whole.steps >= 15
    for death in range(1, whole.steps + 1):
        folder = tmp_path / f"d{death}"
        shutil.copytree(original, folder)
        story = await lives.story(folder, order, death)
        _is_done_once(folder, order, story)
        _is_told_whole(order, story)
        shutil.rmtree(folder)
