"""The allocator is told to give memory back."""

from __future__ import annotations

import ctypes
import logging
import subprocess
import sys

import pytest

from device.runtime.memory import keep_memory_small

# Pictures made and freed: what stays resident, in KiB.
_RESIDENT = """
from pathlib import Path
from device.runtime.memory import keep_memory_small
assert keep_memory_small()
blocks = [bytearray(b"x" * 3_000_000) for _ in range(40)]
del blocks
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in line))
"""


def test_freed_pictures_go_back_to_the_machine() -> None:
    done = subprocess.run([sys.executable, "-c", _RESIDENT], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) < 40_000, "the 120 MB of pictures are gone again"


def test_a_c_library_that_does_not_listen_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    with caplog.at_level(logging.WARNING):
        assert not keep_memory_small()
    assert "memory" in caplog.text
