"""What a command may have the machine do: a new start, asked for and never forced, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

from device.agent.commands.hands import RealHands, SimulatedHands, make_hands

ROOT = Path(__file__).parents[2]


def _told(code: int) -> tuple[str, ...]:
    return (sys.executable, "-c", f"raise SystemExit({code})")


async def test_a_real_machine_is_asked_and_may_refuse(tmp_path: Path) -> None:
    assert await RealHands(tmp_path, _told(0)).reboot() is None
    assert await RealHands(tmp_path, _told(1)).reboot() == "not_permitted"
    assert await RealHands(tmp_path, (str(tmp_path / "no-such-program"),)).reboot() == "not_possible"


def test_a_real_machine_s_run_is_the_kernel_s_and_none_where_that_is_silent(tmp_path: Path) -> None:
    hands = make_hands("rpi", tmp_path, tmp_path, lambda: None)
    assert (hands.machine(), hands.clock_is_kept) == ("", False)
    boot_id = tmp_path / "proc/sys/kernel/random/boot_id"
    boot_id.parent.mkdir(parents=True)
    boot_id.write_text("0b61e2d0-0000-4000-8000-000000000000\n")
    assert hands.machine() == "0b61e2d0-0000-4000-8000-000000000000"


async def test_a_simulated_machine_has_another_name_after_each_start(tmp_path: Path) -> None:
    ended: list[str] = []
    hands = make_hands("sim", tmp_path, tmp_path, lambda: ended.append(hands.machine()))
    assert isinstance(hands, SimulatedHands)
    assert (hands.machine(), hands.clock_is_kept) == ("first", True)
    assert await hands.reboot() is None
    assert ended == [hands.machine()] != ["first"]
    assert SimulatedHands(tmp_path, lambda: None).machine() == ended[0]


def test_polkit_lets_the_agent_do_that_and_nothing_else() -> None:
    rules = (ROOT / "systemd/polkit/50-laegeknap.rules").read_text(encoding="utf-8")
    assert rules.count("org.freedesktop.") == 2
    assert rules.count('"org.freedesktop.login1.reboot') == 2
    assert 'subject.user == "laegeknap"' in rules
    assert rules.count("polkit.Result.YES") == 1
