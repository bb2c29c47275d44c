"""The hook that sets the clock: it does what it is asked by this boot and in time, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.agent.region_clock import WANTED as WANTED_BY_AGENT
from device.agent.region_clock import ClockSetting
from device.health.clock import RELEASED
from firmware_hooks.__main__ import run
from firmware_hooks.machine import Machine
from firmware_hooks.set_clock import EARLIEST, LATEST, OLDEST_S, WANTED, check
from provisioning.station.region_time import Told

BOOT = "8f0c2a52-53c1-4c3e-9a3d-5a0a4a1f0c11"
NOW = 1_800_000_000.0


@dataclass(frozen=True)
class Here(Machine):
    """A machine up for 1000 s whose clock can be set, or not."""

    up: float = 1000.0
    may: bool = True
    set_to: list[float] = field(default_factory=list)

    def boot_id(self) -> str:
        return BOOT

    def monotonic(self) -> float:
        return self.up

    def set_wall(self, wall: float) -> None:
        if not self.may:
            raise PermissionError(1, "Operation not permitted")
        self.set_to.append(wall)


def here(folder: Path, **how: object) -> Here:
    return Here(folder, folder, folder / "code.toml", folder, **how)  # type: ignore[arg-type]


def said(machine: Machine) -> tuple[str, str]:
    (finding,) = check(machine)
    assert not (machine.runtime_dir / WANTED).exists(), "the request would be acted on for ever"
    return finding.state, finding.detail


def test_it_sets_what_the_agent_asks_and_the_time_since_is_no_loss(tmp_path: Path) -> None:
    ClockSetting(tmp_path, BOOT).ask(Told(NOW, 970.0, 0.1))
    machine = here(tmp_path)
    assert said(machine) == ("ok", "set")
    assert machine.set_to == [NOW + 30.0]
    assert said(machine) == ("ok", "none")


def test_agent_and_hook_mean_the_same_file_and_the_same_first_day() -> None:
    assert (WANTED, EARLIEST) == (WANTED_BY_AGENT, RELEASED)


@pytest.mark.parametrize(
    ("boot", "monotonic"), [("8f0c2a52-53c1", 990.0), (BOOT, 1000.0 - OLDEST_S - 1), (BOOT, 1001.0), ("", 990.0)]
)
def test_what_was_asked_in_another_boot_or_long_ago_counts_no_more(tmp_path: Path, boot: str, monotonic: float) -> None:
    ClockSetting(tmp_path, boot).ask(Told(NOW, monotonic, 0.1))
    machine = here(tmp_path)
    assert (said(machine), machine.set_to) == (("degraded", "stale"), [])


@pytest.mark.parametrize("at", [0.0, EARLIEST - 100, LATEST, 10.0**11])
def test_no_time_that_cannot_be_is_set(tmp_path: Path, at: float) -> None:
    ClockSetting(tmp_path, BOOT).ask(Told(at, 999.0, 0.1))
    machine = here(tmp_path)
    assert (said(machine), machine.set_to) == (("degraded", "impossible"), [])


def test_without_the_right_it_fails_and_says_so(tmp_path: Path) -> None:
    ClockSetting(tmp_path, BOOT).ask(Told(NOW, 999.0, 0.1))
    assert run("set-clock", here(tmp_path, may=False)) == 20


def test_a_link_or_a_folder_in_its_place_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{BOOT} {NOW:.3f} 999.000\n")
    (tmp_path / WANTED).symlink_to(secret)
    machine = here(tmp_path)
    assert (said(machine), machine.set_to) == (("degraded", "unreadable"), [])
    assert secret.exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_garbage_sets_nothing(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / WANTED).write_bytes(garbage)
    machine = here(tmp_path)
    check(machine)
    assert machine.set_to == []
