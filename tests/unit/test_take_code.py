"""The code file on its way from the boot partition to the agent: a power cut loses nothing, nothing stays behind."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_hooks import outcome, take_code
from firmware_hooks.__main__ import run
from firmware_hooks.machine import Machine
from firmware_hooks.outcome import Finding
from firmware_hooks.take_code import DROP, MAX_FILE
from messaging import enrolment
from tests.kits.examples import examples

CONTENT = b'\xef\xbb\xbf[enrolment]\r\ncode = "ABCDEFGH01234567"\r\n'  # as an editor on Windows leaves it


class PowerCut(BaseException):
    """The machine is without power from here on."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for folder in ("state", "run", "boot/firmware"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / DROP).write_bytes(CONTENT)
    return Machine(tmp_path / "state", tmp_path / "run", tmp_path / "state/code.toml", tmp_path)


def said(machine: Machine) -> tuple[str, str]:
    (finding,) = take_code.check(machine)
    return finding.state, finding.detail


def test_it_is_moved_whole_and_is_the_agents_alone(machine: Machine) -> None:
    assert said(machine) == ("ok", "taken")
    assert machine.code_file.read_bytes() == CONTENT
    assert stat.S_IMODE(machine.code_file.stat().st_mode) == 0o600
    assert [path.name for path in machine.state_dir.iterdir()] == ["code.toml"]
    assert list((machine.root / DROP).parent.iterdir()) == []
    assert said(machine) == ("ok", "none")


def test_a_link_in_its_place_leads_root_nowhere(machine: Machine) -> None:
    """Nothing that only root may read comes into the agent's hands, and nothing of it is erased."""
    secret, drop = machine.root / "shadow", machine.root / DROP
    secret.write_bytes(CONTENT)
    drop.unlink()
    drop.symlink_to(secret)
    assert said(machine) == ("degraded", "unreadable")
    assert not machine.code_file.exists()
    assert secret.read_bytes() == CONTENT


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_root_leaves_it_and_the_outcome_to_whom_the_directories_belong(machine: Machine) -> None:
    os.chown(machine.state_dir, 4711, 4712)
    os.chown(machine.runtime_dir, 4711, 4712)
    assert run("take-code", machine) == 0
    for path in (machine.code_file, machine.runtime_dir / "take-code.json"):
        assert (path.stat().st_uid, path.stat().st_gid) == (4711, 4712)


def test_the_code_is_overwritten_before_it_is_removed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    drop = machine.root / DROP
    last: list[bytes] = []
    unlink = Path.unlink

    def watched(path: Path, missing_ok: bool = False) -> None:
        if path == drop:
            last.append(path.read_bytes())
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", watched)
    assert said(machine) == ("ok", "taken")
    assert last == [bytes(len(CONTENT))]


STEPS = ("replace", "sync", "wipe", "unlink")


@pytest.mark.parametrize("step", STEPS)
def test_power_may_go_at_any_step_and_the_next_boot_finishes(
    machine: Machine, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        _cut_at(step, patch, machine.root / DROP)
        with pytest.raises(PowerCut):
            take_code.check(machine)
    copied = machine.code_file.exists() and machine.code_file.read_bytes() == CONTENT
    assert copied or (machine.root / DROP).read_bytes() == CONTENT
    assert said(machine) == ("ok", "taken")
    assert machine.code_file.read_bytes() == CONTENT
    assert not (machine.root / DROP).exists()


def _cut_at(step: str, patch: pytest.MonkeyPatch, drop: Path) -> None:
    """The power goes as this step is about to begin."""
    unlink = Path.unlink

    def cut(*_: object, **__: object) -> None:
        raise PowerCut

    def cut_at_the_drop(path: Path, missing_ok: bool = False) -> None:
        if path == drop:
            raise PowerCut
        unlink(path, missing_ok)

    if step == "replace":
        patch.setattr(Path, "replace", cut)
    elif step == "sync":
        patch.setattr(outcome, "sync_folder", cut)
    elif step == "wipe":
        patch.setattr(take_code, "_wipe", cut)
    else:
        patch.setattr(Path, "unlink", cut_at_the_drop)


def test_a_newer_file_replaces_one_that_was_not_used(machine: Machine) -> None:
    machine.code_file.write_bytes(b"an older one")
    assert said(machine) == ("ok", "taken")
    assert machine.code_file.read_bytes() == CONTENT


def test_a_link_in_the_agents_directory_is_replaced_and_not_followed(machine: Machine, tmp_path: Path) -> None:
    """Whoever has taken over the agent must not make root write elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"of somebody else")
    machine.code_file.symlink_to(elsewhere)
    assert said(machine) == ("ok", "taken")
    assert elsewhere.read_bytes() == b"of somebody else"
    assert not machine.code_file.is_symlink()


def test_a_disk_that_takes_nothing_keeps_the_file_on_the_boot_partition(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outcome.os, "fsync", full)
    assert said(machine) == ("failed", "not_kept")
    assert (machine.root / DROP).read_bytes() == CONTENT
    assert list(machine.state_dir.iterdir()) == []


def test_a_boot_partition_that_is_read_only_gives_the_file_and_says_that_it_is_still_there(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(take_code, "_wipe", read_only)
    assert said(machine) == ("degraded", "not_erased")
    assert machine.code_file.read_bytes() == CONTENT


def test_a_station_whose_config_names_the_boot_partition_itself_keeps_its_file(machine: Machine) -> None:
    there = Machine(machine.state_dir, machine.runtime_dir, machine.root / DROP, machine.root)
    assert said(there) == ("ok", "in_place")
    assert (machine.root / DROP).read_bytes() == CONTENT


def test_what_cannot_be_a_code_file_is_left_where_it_is(machine: Machine) -> None:
    drop = machine.root / DROP
    drop.write_bytes(b"x" * (MAX_FILE + 1))
    assert said(machine) == ("degraded", "too_large")
    assert drop.stat().st_size == MAX_FILE + 1
    drop.unlink()
    drop.mkdir()
    assert said(machine) == ("degraded", "unreadable")
    drop.rmdir()
    os.mkfifo(drop)
    assert said(machine) == ("degraded", "unreadable"), "and it is not waited for"
    assert not machine.code_file.exists()


def test_without_a_state_directory_nothing_is_lost(machine: Machine) -> None:
    machine.state_dir.rmdir()
    assert take_code.check(machine) == (Finding("code_file", "failed", "not_kept"),)
    assert (machine.root / DROP).read_bytes() == CONTENT


def test_the_code_is_not_in_the_outcome_or_on_the_terminal(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("take-code", machine, as_json=True) == 0
    output = capsys.readouterr()
    assert "ABCDEFGH" not in output.out + output.err + (machine.runtime_dir / "take-code.json").read_text()


def test_it_takes_what_the_agent_would_read() -> None:
    assert MAX_FILE == enrolment.MAX_FILE


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(40), deadline=None)
@given(st.binary(min_size=1, max_size=MAX_FILE).filter(lambda content: content.strip(b"\0")))
def test_any_content_arrives_as_it_was(machine: Machine, content: bytes) -> None:
    (machine.root / DROP).write_bytes(content)
    assert said(machine) == ("ok", "taken")
    assert machine.code_file.read_bytes() == content
