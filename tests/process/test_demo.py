"""The whole demo as a newcomer starts it: real broker, real processes, and nothing left when it ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from region.demo import DemoError
from region.demo.plan import Ports
from tests.kits.servers.broker import free_port

ROOT = Path(__file__).parents[2]
PROCESSES = {"region", "agent", "call", "screen", "panel"}
LOOK_S = 0.05

pytestmark = pytest.mark.system


@dataclass
class Demo:
    """A running demo: its process, what it wrote for scripts, and what it printed."""

    process: subprocess.Popen[bytes]
    json_file: Path
    output: Path

    def read(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.json_file.read_text())
        return document

    def printed(self) -> str:
        return self.output.read_text()

    def everything(self) -> list[psutil.Process]:
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def until(self, what: Callable[[], Any], within_s: float) -> None:
        """Return as soon as `what` holds; the demo must live on."""
        ends = time.monotonic() + within_s
        while not what():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(LOOK_S)
            assert self.process.poll() is None, self.printed()
            assert time.monotonic() < ends, f"it did not happen in time: {self.printed()}"

    def await_end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


def free_ports() -> Ports:
    """Four in a row."""
    while True:
        with contextlib.suppress(DemoError):
            ports = Ports(free_port())
            ports.check_free()
            return ports


def start(folder: Path, ports: Ports, *arguments: str) -> Demo:
    json_file, output = folder / "demo.json", folder / "output"
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "region.cli", "demo", "--port", str(ports.web), *arguments]
    with output.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=file, stderr=file, stdin=subprocess.DEVNULL, start_new_session=True,
            env={**environment, "DEMO_JSON": str(json_file), "XDG_RUNTIME_DIR": str(folder)},
        )  # fmt: skip
    return Demo(process, json_file, output)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all that does not end it; the last tests do."""
    yield from started(tmp_path_factory)


@pytest.fixture
def own_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo of the test's own, to be killed."""
    yield from started(tmp_path_factory)


def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = start(Path(tmp_path_factory.mktemp("d")), free_ports())
    try:
        running.until(lambda: "Ready in" in running.printed(), within_s=100)
        yield running
    finally:
        if running.process.poll() is None:
            running.await_end(signal.SIGTERM)


def test_it_says_where_to_go_and_what_to_do(demo: Demo) -> None:
    document = demo.read()
    printed = demo.printed()
    for name in ("clinic", "panel", "fleet"):
        assert document["links"][name] in printed
        assert document["tokens"][name] in document["links"][name]
    assert "press the station's button, and answer in the clinic" in printed
    assert set(document["pids"]) == {"demo", "display", *PROCESSES}
    assert document["pids"]["demo"] == demo.process.pid
    assert stat.S_IMODE(demo.json_file.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["screen", "agent", "call", "panel"])
def test_what_dies_is_started_again(demo: Demo, name: str) -> None:
    first = demo.read()["pids"][name]
    os.kill(first, signal.SIGKILL)
    demo.until(lambda: demo.read()["pids"].get(name) not in (None, first), within_s=30)


def test_a_second_demo_on_the_same_ports_says_so_and_harms_nothing(demo: Demo, tmp_path: Path) -> None:
    ports = Ports(int(demo.read()["addresses"]["region"].rpartition(":")[2]))
    second = start(tmp_path, ports)
    assert second.process.wait(timeout=60) == 2
    said = second.printed()
    assert f"ports {ports.web}, {ports.panel}, {ports.enrolment}, {ports.broker} are taken" in said
    assert said.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"output"}
    assert demo.process.poll() is None


def test_ctrl_c_leaves_nothing(demo: Demo) -> None:
    document = demo.read()
    everything = demo.everything()
    assert {document["pids"][name] for name in PROCESSES} <= {process.pid for process in everything}
    assert len(everything) > 1 + len(PROCESSES), "the broker and the display are among them"
    root = Path(document["runtime_dir"]).parent
    assert root.is_dir()
    assert demo.await_end(signal.SIGINT) == 0
    _, alive = psutil.wait_procs(everything, timeout=15)
    assert alive == []
    assert not root.exists()
    assert not demo.json_file.exists()
    Ports(int(document["addresses"]["region"].rpartition(":")[2])).check_free()


def test_a_demo_that_is_killed_takes_its_processes_with_it(own_demo: Demo) -> None:
    root = Path(own_demo.read()["runtime_dir"]).parent
    everything = own_demo.everything()
    own_demo.process.kill()
    own_demo.process.wait()
    try:
        _, alive = psutil.wait_procs(everything, timeout=15)
        assert alive == []
    finally:
        shutil.rmtree(root)
