"""The `station` command, as a technician types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from device.cli import main

COMMANDS = ("call", "agent", "screen", "console", "press", "sound-test", "status", "enrol", "panel")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("STATION_HARDWARE", raising=False)
    path = tmp_path / "station.toml"
    path.write_text(
        f'[station]\nhardware = "sim"\nstate_dir = "{tmp_path}"\nruntime_dir = "{tmp_path}"\n'
        f'code_file = "{tmp_path}/card.toml"\n'
    )
    return path


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_every_command_explains_itself(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert f"usage: station {arguments[0] if arguments[0] != '--help' else ''}".strip() in said
    if arguments == ["--help"]:
        assert all(name in said for name in COMMANDS)
        assert "exit codes:" in said


def test_a_command_that_does_not_exist_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["dance"])
    assert ended.value.code == 2
    assert "dance" in capsys.readouterr().err


def test_a_config_that_is_not_there_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(tmp_path / "none.toml"), "status"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("station: ")
    assert "none.toml" in said
    assert said.count("\n") == 1


def test_status_of_a_station_that_does_not_run_says_so(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(config), "status"]) == 3
    assert capsys.readouterr().out.strip()
    assert main(["--config", str(config), "status", "--json"]) == 3
    assert isinstance(json.loads(capsys.readouterr().out), dict)


def test_a_press_with_nobody_to_hear_it_fails_and_says_why(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(config), "press"]) == 3
    said = capsys.readouterr()
    assert said.out + said.err


def test_enrolling_without_a_code_file_names_the_file(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(config), "enrol"]) != 0
    said = capsys.readouterr()
    assert "card.toml" in said.out + said.err


def test_a_real_station_has_no_panel(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATION_HARDWARE", "rpi")
    assert main(["--config", str(config), "panel"]) == 2
    assert "rpi" in capsys.readouterr().err


def test_help_loads_neither_media_nor_qt() -> None:
    code = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from device.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([n for n in ('aiortc', 'av', 'cv2', 'numpy', 'PySide6', 'paho', 'textual') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
