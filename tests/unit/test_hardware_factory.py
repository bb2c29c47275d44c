"""The choice of a backend."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from device.hardware.errors import HardwareError
from device.hardware.factory import BACKENDS, make_hardware
from device.runtime.config import LinuxSection, StationConfig, StationSection, load_config
from device.runtime.errors import StationError


def config(name: str, tmp_path: Path) -> StationConfig:
    return StationConfig(station=StationSection(hardware=name, runtime_dir=str(tmp_path)))


@pytest.mark.parametrize("name", BACKENDS)
def test_each_backend_is_made_by_its_name_without_its_hardware(name: str, tmp_path: Path) -> None:
    hardware = make_hardware(config(name, tmp_path))
    assert hardware.name == name
    assert (hardware.turn is not None) == (name == "sim"), "only a simulation has knobs"
    for device in (hardware.button, hardware.light, hardware.camera, hardware.microphone, hardware.speaker):
        device.close()


def test_the_environment_overrides_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "station.toml").write_text(f'[station]\nhardware = "rpi"\nruntime_dir = "{tmp_path}"\n')
    monkeypatch.setenv("STATION_HARDWARE", "sim")
    assert make_hardware(load_config(tmp_path / "station.toml")).name == "sim"


def test_an_unknown_backend_is_refused_with_the_names_of_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match="no hardware 'toaster'; there are sim, linux, rpi"):
        make_hardware(config("toaster", tmp_path))


def test_a_setting_that_cannot_be_understood_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match="vendor:product"):
        make_hardware(replace(config("linux", tmp_path), linux=LinuxSection(camera="the good one")))


def test_all_our_errors_are_the_stations() -> None:
    assert issubclass(HardwareError, StationError)


VENDOR = ("cv2", "soundcard", "usb", "gpiozero", "picamera2", "libcamera", "av")


@pytest.mark.parametrize(("backend", "allowed"), [(None, set()), ("sim", {"av"}), ("linux", set()), ("rpi", set())])
def test_a_backend_loads_only_what_it_needs_and_no_device_library_before_a_device_is_used(
    backend: str | None, allowed: set[str], tmp_path: Path
) -> None:
    code = (
        "import sys\n"
        "from device.hardware.factory import make_hardware\n"
        "from device.runtime.config import *\n"
        f"if {backend!r}: make_hardware(StationConfig(station=StationSection(hardware={backend!r},"
        f" runtime_dir={str(tmp_path)!r})))\n"
        f"print(' '.join(name for name in {VENDOR!r} if name in sys.modules))"
    )
    root = Path(__file__).parents[2]
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert set(loaded.stdout.split()) == allowed
