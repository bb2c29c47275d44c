"""How tests judge whether something was quick: by the time in which the machine was there for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.kits import promptness
from tests.kits.promptness import Stopwatch, waited_s


class Machine:
    """A machine whose clock and whose waiting a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.waited = 0.0
        monkeypatch.setattr(promptness.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(promptness, "waited_s", lambda: self.waited)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.mark.parametrize(
    ("taken", "waited", "prompt"),
    [(4.9, 0.0, True), (5.0, 0.0, False), (9.0, 4.5, True), (9.0, 3.9, False), (60.0, 60.0, True)],
)
def test_what_others_took_is_not_counted(machine: Machine, taken: float, waited: float, prompt: bool) -> None:
    machine.now, machine.waited = 100.0, 70.0
    watch = Stopwatch()
    machine.now, machine.waited = 100.0 + taken, 70.0 + waited
    assert watch.within(5.0) is prompt


def test_a_process_that_was_busy_itself_is_late_however_much_was_waited_for(machine: Machine) -> None:
    watch, own = Stopwatch(), os.getpid()
    machine.now = machine.waited = 9.0
    assert watch.within(5.0, pid=own, work_s=1e6)
    assert not watch.within(5.0, pid=own, work_s=0.0)
    machine.now = 4.0
    assert watch.within(5.0, pid=own, work_s=0.0), "in time by the wall clock is in time"


def test_the_kernel_is_believed_and_without_its_word_the_load_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promptness.psutil, "cpu_times", lambda: None)
    pressure = tmp_path / "cpu"
    monkeypatch.setattr(promptness, "_PRESSURE", pressure)
    pressure.write_text("some avg10=1.00 avg60=0.10 avg300=0.00 total=2500000\nfull avg10=0.00 total=9\n")
    assert waited_s() == 2.5
    pressure.unlink()
    watch = Stopwatch()
    monkeypatch.setattr(promptness, "crowded", lambda: False)
    assert not watch.within(0.0)
    monkeypatch.setattr(promptness, "crowded", lambda: True)
    assert watch.within(1e-9)
