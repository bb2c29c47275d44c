"""The boot hooks on machines that are well and machines that are not."""

from __future__ import annotations

import json
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_hooks import boot_check, first_boot
from firmware_hooks.__main__ import HOOKS, main, run
from firmware_hooks.machine import FirmwareHangs, Machine, load_machine, parse_throttled
from firmware_hooks.outcome import ConfigUnreadable, Finding, Outcome, write_outcome, write_whole

NOW = 4_000_000_000.0  # later than any build of this software


@dataclass(frozen=True)
class FakeMachine(Machine):
    """A machine whose clock and firmware say what the test wants."""

    now: float = NOW
    bits: int | None = None
    hangs: bool = False

    def wall(self) -> float:
        return self.now

    def throttled(self) -> int | None:
        if self.hangs:
            raise FirmwareHangs
        return self.bits


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    for folder in ("state", "run", "etc", "proc/sys/kernel/random"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "state").chmod(0o700)
    (tmp_path / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    (tmp_path / "etc/hostname").write_text("lk-k3m9q2x7\n")
    (tmp_path / "proc/sys/kernel/random/boot_id").write_text("b00t\n")
    (tmp_path / "code.toml").write_text("[enrolment]\n")
    return FakeMachine(tmp_path / "state", tmp_path / "run", tmp_path / "code.toml", tmp_path)


def altered(machine: FakeMachine, **changes: object) -> FakeMachine:
    return FakeMachine(**{**machine.__dict__, **changes})


def test_a_sound_machine_passes_both_hooks_and_says_so_in_both_files(machine: FakeMachine) -> None:
    for hook in HOOKS:
        assert run(hook, machine) == 0
        outcome = json.loads((machine.runtime_dir / f"{hook}.json").read_text())
        assert outcome["outcome"] == "ok"
        assert (outcome["v"], outcome["hook"], outcome["boot"], outcome["at"]) == (1, hook, "b00t", NOW)
        assert all(finding["state"] == "ok" for finding in outcome["findings"])


def test_the_outcome_is_readable_by_the_agents_group_and_by_nobody_else(machine: FakeMachine) -> None:
    run("boot-check", machine)
    assert stat.S_IMODE((machine.runtime_dir / "boot-check.json").stat().st_mode) == 0o640


def test_a_state_directory_that_is_gone_fails_the_boot_and_is_still_told(machine: FakeMachine) -> None:
    machine.state_dir.rmdir()
    assert run("boot-check", machine) == 20
    findings = json.loads((machine.runtime_dir / "boot-check.json").read_text())["findings"]
    assert {"check": "disk", "state": "failed", "detail": "no_state_dir"} in findings


def test_a_disk_that_cannot_be_written_is_told_from_one_that_is_full(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(path: Path, text: str) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(boot_check, "write_whole", read_only)
        assert boot_check.disk(machine.state_dir) == Finding("disk", "failed", "not_writable")
    monkeypatch.setattr(boot_check, "LEAST_FREE_MB", 2**50)
    assert boot_check.disk(machine.state_dir) == Finding("disk", "degraded", "nearly_full")


def test_the_disk_check_leaves_nothing_behind(machine: FakeMachine) -> None:
    boot_check.disk(machine.state_dir)
    assert list(machine.state_dir.iterdir()) == []


def test_a_clock_that_is_before_the_last_right_time_is_noticed(machine: FakeMachine) -> None:
    assert boot_check.clock(machine) == Finding("clock", "ok", "possible")
    (machine.state_dir / boot_check.CLOCK_FILE).write_text(f"{NOW + 60:.0f}\n")
    assert boot_check.clock(machine) == Finding("clock", "degraded", "impossible")


def test_a_clock_in_the_future_leaves_nothing_that_the_right_one_is_measured_by(machine: FakeMachine) -> None:
    boot_check.clock(altered(machine, now=NOW + 10 * 365 * 86_400))
    assert boot_check.clock(machine) == Finding("clock", "ok", "possible")


@pytest.mark.parametrize("now", [0.0, 946_684_800.0, 9_999_999_999.0])
def test_a_clock_from_before_this_software_or_from_another_age_is_impossible(machine: FakeMachine, now: float) -> None:
    assert boot_check.clock(altered(machine, now=now)).detail == "impossible"


@pytest.mark.parametrize("text", ["", "yesterday", "nan", "-1", "1e99", "\x00"])
def test_a_damaged_clock_file_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "clock-floor").write_text(text)
    assert boot_check.read_clock(tmp_path / "clock-floor") == 0.0


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (None, ("ok", "cannot_tell")),
        (0x0, ("ok", "enough")),
        (0x50005, ("degraded", "under_voltage")),
        (0x10000, ("degraded", "under_voltage_since_boot")),
        (0x80008, ("ok", "enough")),
    ],
)
def test_power(machine: FakeMachine, bits: int | None, expected: tuple[str, str]) -> None:
    finding = boot_check.power(altered(machine, bits=bits))
    assert (finding.state, finding.detail) == expected


def test_a_firmware_that_does_not_answer_is_a_finding_and_no_hanging_boot(machine: FakeMachine) -> None:
    assert boot_check.power(altered(machine, hangs=True)).detail == "firmware_hangs"


def test_the_firmware_is_asked_with_a_time_limit(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, timeout: float, **__: object) -> None:
        raise subprocess.TimeoutExpired("vcgencmd", timeout)

    monkeypatch.setattr(subprocess, "run", slow)
    with pytest.raises(FirmwareHangs):
        Machine.throttled(machine)


@given(st.integers(0, 2**32 - 1))
def test_throttled_bits_are_read_as_the_firmware_writes_them(bits: int) -> None:
    assert parse_throttled(f"throttled=0x{bits:x}\n") == bits


@given(st.text())
def test_whatever_the_firmware_says_is_bits_or_nothing(text: str) -> None:
    assert parse_throttled(text) is None or text.strip().startswith("throttled=")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "missing"),
        ("uninitialized", "missing"),
        ("0" * 32, "invalid"),
        ("xyz", "invalid"),
        ("0123456789abcdef0123456789abcdef", "valid"),
    ],
)
def test_machine_ids(text: str, detail: str) -> None:
    assert first_boot.machine_id(text).detail == detail


@pytest.mark.parametrize(
    ("name", "detail"),
    [("", "missing"), ("raspberrypi", "from_image"), ("-a", "invalid"), ("a b", "invalid"), ("lk-k3m9q2x7", "valid")],
)
def test_host_names(name: str, detail: str) -> None:
    assert first_boot.host_name(name).detail == detail


def test_an_open_state_directory_is_closed(machine: FakeMachine) -> None:
    machine.state_dir.chmod(0o755)
    assert first_boot.state_dir(machine) == Finding("state_dir", "ok", "closed_now")
    assert stat.S_IMODE(machine.state_dir.stat().st_mode) == 0o700
    assert first_boot.state_dir(machine) == Finding("state_dir", "ok", "closed")


def test_a_missing_state_directory_is_made_closed(machine: FakeMachine) -> None:
    machine.state_dir.rmdir()
    assert first_boot.state_dir(machine).state == "ok"
    assert stat.S_IMODE(machine.state_dir.stat().st_mode) == 0o700


def test_a_state_directory_that_is_a_file_fails(machine: FakeMachine) -> None:
    machine.state_dir.rmdir()
    machine.state_dir.write_text("")
    assert first_boot.state_dir(machine) == Finding("state_dir", "failed", "not_usable")


def test_without_code_file_or_identity_the_station_will_have_no_one_to_call(machine: FakeMachine) -> None:
    assert first_boot.code_file(machine).detail == "found"
    machine.code_file.unlink()
    assert first_boot.code_file(machine) == Finding("code_file", "degraded", "missing")
    (machine.state_dir / "identity.json").write_text("{}")
    assert first_boot.code_file(machine).detail == "enrolled"


def test_the_code_never_reaches_the_outcome_or_the_terminal(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.code_file.write_text('[enrolment]\ncode = "ABCDEFGH01234567"\n')
    for as_json in (False, True):
        run("first-boot", machine, as_json=as_json)
    output = capsys.readouterr()
    assert "ABCDEFGH" not in output.out + output.err + (machine.runtime_dir / "first-boot.json").read_text()


def test_an_outcome_that_cannot_be_written_is_said_and_is_at_least_degraded(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.runtime_dir.rmdir()
    assert run("boot-check", machine) == 10
    assert "could not be written" in capsys.readouterr().err


def test_json_is_the_outcome_files_content(machine: FakeMachine, capsys: pytest.CaptureFixture[str]) -> None:
    run("boot-check", machine, as_json=True)
    assert json.loads(capsys.readouterr().out) == json.loads((machine.runtime_dir / "boot-check.json").read_text())


def test_the_worst_finding_is_the_outcome() -> None:
    ok, bad, worst = Finding("a", "ok", "x"), Finding("b", "degraded", "x"), Finding("c", "failed", "x")
    assert Outcome("h", "", 0, ()).exit_code == 0
    assert Outcome("h", "", 0, (ok, bad)).exit_code == 10
    assert Outcome("h", "", 0, (worst, bad, ok)).exit_code == 20


def test_a_write_that_breaks_off_leaves_the_file_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_whole(path, "before")

    def broken(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "after")
    assert path.read_text() == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_config_names_the_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "station.toml"
    config.write_text('[station]\nstate_dir = "/s"\nruntime_dir = "/r"\ncode_file = "/c.toml"\n')
    monkeypatch.setenv("STATION_CONFIG", str(config))
    machine = load_machine(None)
    assert (machine.state_dir, machine.runtime_dir, machine.code_file) == (Path("/s"), Path("/r"), Path("/c.toml"))


@pytest.mark.parametrize(
    "text", ["station = 1", "[station]\nstate_dir = 3", "[station]\nstate_dir = ''", "[[[", "\x00"]
)
def test_a_config_that_cannot_be_understood_ends_with_64_and_names_the_file(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "station.toml"
    config.write_text(text)
    assert main(["boot-check", "--config", str(config)]) == 64
    assert str(config) in capsys.readouterr().err


def test_a_config_that_was_named_and_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigUnreadable, match="no such file"):
        load_machine(tmp_path / "none.toml")


def test_a_hook_that_fails_keeps_none_after_it_from_speaking_and_the_worst_is_the_exit_code(
    machine: FakeMachine, tmp_path: Path
) -> None:
    config = tmp_path / "station.toml"
    nowhere = machine.state_dir / "file" / "below"
    nowhere.parent.write_text("")
    config.write_text(f'[station]\nstate_dir = "{nowhere}"\nruntime_dir = "{machine.runtime_dir}"\n')
    assert main(["first-boot", "boot-check", "--config", str(config)]) == 20
    assert sorted(path.stem for path in machine.runtime_dir.iterdir()) == ["boot-check", "first-boot"]


def test_a_wrong_call_ends_with_64(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reboot"]) == main([]) == main(["boot-check", "reboot"]) == 64
    assert "invalid choice" in capsys.readouterr().err


def test_outcomes_of_two_hooks_do_not_overwrite_each_other(tmp_path: Path) -> None:
    for hook in ("a", "b"):
        write_outcome(Outcome(hook, "", 0.0, ()), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json"]
