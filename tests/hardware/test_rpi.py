"""On a Raspberry Pi with its camera, button (GPIO 17 to ground), light (GPIO 18) and sound.

Run by `pytest -m rpi tests/hardware`. Two of these need a person, who is asked on the terminal: run pytest with `-s`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from device.hardware.factory import make_hardware
from device.hardware.ports import BLOCK, CameraMode, Frame, Hardware
from device.hardware.sound import level_db
from device.runtime.config import StationConfig, StationSection
from tests.kits.station.hardware import TONE, Heard

pytestmark = pytest.mark.rpi
A_PERSON_S = 30.0


@pytest.fixture
def hardware(tmp_path: Path) -> Iterator[Hardware]:
    made = make_hardware(StationConfig(station=StationSection(hardware="rpi", runtime_dir=str(tmp_path))))
    yield made
    for device in (made.button, made.light, made.camera, made.microphone, made.speaker):
        device.close()


def test_everything_is_there(hardware: Hardware) -> None:
    found = {name: getattr(hardware, name).presence() for name in ("camera", "microphone", "speaker")}
    assert found == {"camera": "ok", "microphone": "ok", "speaker": "ok"}


@pytest.mark.parametrize("mode", [CameraMode(1280, 720, 30), CameraMode(640, 480, 30), CameraMode(1920, 1080, 25)])
def test_the_camera_keeps_its_size_and_rate(hardware: Hardware, mode: CameraMode) -> None:
    frames, faults = Heard(), Heard()
    hardware.camera.open(mode, frames.add, faults.add)
    assert frames.wait(mode.fps * 3, patience=10)
    hardware.camera.close()
    assert faults.items == []
    pictures: list[Frame] = frames.items[mode.fps :]  # the first second is for exposure
    assert {frame.i420.shape for frame in pictures} == {(mode.height * 3 // 2, mode.width)}
    gaps = [b.captured - a.captured for a, b in pairwise(pictures)]
    assert statistics.median(gaps) == pytest.approx(1 / mode.fps, rel=0.05)
    assert max(gaps) < 2.5 / mode.fps


def test_a_picture_is_young_when_it_comes(hardware: Hardware) -> None:
    ages = Heard()
    hardware.camera.open(CameraMode(), lambda frame: ages.add(time.time() - frame.captured), lambda _: None)
    assert ages.wait(60, patience=10)
    hardware.camera.close()
    assert 0 < statistics.median(ages.items) < 0.1


def test_the_camera_opens_within_a_second_again_and_again(hardware: Hardware) -> None:
    for _ in range(5):
        frames, began = Heard(), time.monotonic()
        hardware.camera.open(CameraMode(), frames.add, lambda _: None)
        assert frames.wait(1, patience=5)
        assert time.monotonic() - began < 1.5
        hardware.camera.close()


def test_the_microphone_hears_the_speaker(hardware: Hardware) -> None:
    blocks, faults = Heard(), Heard()
    hardware.speaker.set_volume(60)
    hardware.microphone.open(blocks.add, faults.add)
    assert blocks.wait(100)
    quiet = level_db(np.concatenate(blocks.items[50:100]))
    hardware.speaker.open(lambda: TONE, faults.add)
    assert blocks.wait(250)
    heard = np.concatenate(blocks.items[-50:]).astype(float)
    spectrum = np.abs(np.fft.rfft(heard))
    assert np.argmax(spectrum) * 48_000 / len(heard) == pytest.approx(1000, abs=5)
    assert level_db(heard.astype(np.int16)) > quiet + 10
    assert all(block.shape == (BLOCK,) for block in blocks.items)
    assert faults.items == []


def test_a_person_sees_the_light(hardware: Hardware) -> None:
    for pattern in ("ready", "calling", "ringing", "live", "fault", "off"):
        hardware.light.show(pattern)
        assert input(f"\nDoes the light show {pattern!r}? [y/n] ").strip().lower() == "y"


def test_a_person_presses_the_button_three_times(hardware: Hardware) -> None:
    presses = Heard()
    hardware.button.listen(presses.add)
    print(f"\nPress the button three times within {A_PERSON_S:.0f} s, once a second.")
    assert presses.wait(3, patience=A_PERSON_S)
    assert not presses.wait(4, patience=2), "a bounce was taken for a press"
