"""How the agent's process starts: ready at once, enrolled or not, and plain words where it cannot."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path


def _command(folder: Path, state: Path) -> list[str]:
    config = folder / "station.toml"
    config.write_text(
        f'[station]\nhardware = "sim"\nstate_dir = "{state}"\nruntime_dir = "{folder / "run"}"\n'
        f'code_file = "{folder / "code.toml"}"\n'
    )
    return [sys.executable, "-m", "device.cli", "--config", str(config), "agent"]


def test_it_is_ready_before_it_is_enrolled_and_ends_in_order(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        agent = subprocess.Popen(
            _command(tmp_path, tmp_path / "state"),
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"},
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert systemd.recv(100) == b"READY=1"
        assert systemd.recv(100) == b"WATCHDOG=1"
        agent.send_signal(signal.SIGTERM)
        _, log = agent.communicate(timeout=30)
    assert agent.returncode == 0
    assert "no_code_file" in log
    assert "Traceback" not in log
    assert not (tmp_path / "run" / "agent.sock").exists()


def test_a_state_directory_that_cannot_be_made_is_said_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = subprocess.run(
        _command(tmp_path, tmp_path / "file" / "state"), capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "cannot be made" in done.stderr
    assert "Traceback" not in done.stderr
