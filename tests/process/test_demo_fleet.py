"""A small fleet as `make demo-fleet` starts it: real region, agents and broker; and nothing left, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.kits.eventually import soon
from tests.process.test_demo import ROOT

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


def _start(folder: Path, stations: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "region.cli", "demo-fleet", "-n", str(stations)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder)}, start_new_session=True,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short: a socket's name has little room."""
    return Path(tmp_path_factory.mktemp("f"))


def test_a_fleet_comes_in_by_both_doors_lives_through_it_all_and_is_told(folder: Path) -> None:
    fleet = _start(folder, 3)
    said, _ = fleet.communicate()
    assert fleet.returncode == 0, said
    rows = [line for line in said.splitlines() if line.startswith("st-")]
    assert [row.split()[3] for row in rows] == ["card", "card", "screen"]
    assert ["revoked" in row for row in rows] == [False, False, True]
    assert "3 of 3 stations are as they must be" in said
    assert list(folder.iterdir()) == []


def test_one_that_is_ended_half_way_leaves_nothing_and_says_so(folder: Path) -> None:
    fleet = _start(folder, 2)
    assert fleet.stdout is not None
    own = psutil.Process(fleet.pid)
    soon(lambda: sum("agent" in one.cmdline() for one in own.children(recursive=True)) == 2, 60, every_s=0.1)
    everything = own.children(recursive=True)
    fleet.send_signal(signal.SIGINT)
    said, _ = fleet.communicate(timeout=60)
    assert (fleet.returncode, "Ended before it was through" in said) == (1, True), said
    _, alive = psutil.wait_procs(everything, timeout=15)
    assert alive == []
    assert list(folder.iterdir()) == []
