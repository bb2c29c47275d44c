"""The allocator is told to give memory back."""

from __future__ import annotations

import ctypes
import logging
import subprocess
import sys

import pytest

from device.runtime.memory import give_back, keep_memory_small

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


# Packets made and freed, but for one in a hundred: what stays resident before and after, in KiB.
_BETWEEN = """
from pathlib import Path
from device.runtime.memory import give_back, keep_memory_small
def resident():
    return int(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in line))
keep_memory_small()
packets = [bytearray(8_000) for _ in range(10_000)]
kept = packets[::100]
del packets
before = resident()
give_back()
print(before, resident())
"""


def test_what_lies_free_between_what_is_kept_goes_back_when_told() -> None:
    done = subprocess.run([sys.executable, "-c", _BETWEEN], capture_output=True, text=True, check=True, timeout=60)
    before, after = map(int, done.stdout.split())
    assert before > 80_000, "the allocator keeps it by itself"
    assert after < before / 2


def test_a_c_library_without_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    give_back()


def test_a_c_library_that_does_not_listen_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    with caplog.at_level(logging.WARNING):
        assert not keep_memory_small()
    assert "memory" in caplog.text
