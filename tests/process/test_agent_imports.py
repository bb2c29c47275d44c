"""The agent must outlive everything that has to do with pictures and sound: it never even loads it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_HEAVY = {
    "aiortc", "av", "cv2", "numpy", "soundcard", "picamera2", "gpiozero", "PySide6", "textual",
    "sqlalchemy", "fastapi", "starlette", "device.call", "device.media", "device.hardware", "provisioning.authority",
}  # fmt: skip


@pytest.mark.parametrize(
    "module", ["device.agent.main", "device.agent.status", "device.agent.enrol_command", "device.cli"]
)
def test_the_agent_and_its_commands_load_no_media_and_nothing_of_the_region(module: str) -> None:
    script = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert module in loaded
    assert loaded & _HEAVY == set()
