"""What every backend's devices do alike. A new backend is added to the benches, and all of this holds for it.

On a Raspberry Pi, tests/hardware runs the real ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from device.hardware.errors import DeviceMissing, HardwareError
from device.hardware.ports import BLOCK, SAMPLE_RATE, CameraMode, Frame
from device.hardware.sound import level_db, silence
from messaging.local import LightPattern
from tests.kits.eventually import soon
from tests.kits.servers.pipewire import PipeWire, missing_programs, running_pipewire
from tests.kits.station import hardware as benches
from tests.kits.station.hardware import (
    TONE,
    ButtonBench,
    CameraBench,
    Heard,
    LightBench,
    MicrophoneBench,
    SpeakerBench,
)

FAULTS = ("unplugged", "stalled", "failed")
SMALL = CameraMode(320, 240, 60)
ON_A_SERVER = pytest.param("linux", marks=pytest.mark.system)


@pytest.fixture(scope="module")
def pipewire() -> Iterator[PipeWire]:
    if lacking := missing_programs():
        pytest.fail(f"these programs are missing: {', '.join(lacking)}")
    with running_pipewire() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.env.items():
            patch.setenv(name, value)
        yield server


# The button


@pytest.fixture(params=["sim", "linux", "rpi"])
def button(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ButtonBench]:
    with getattr(benches, f"{request.param}_button")(tmp_path) as bench:
        yield bench
        bench.button.close()


def test_a_press_is_told_once_bounce_and_all(button: ButtonBench) -> None:
    presses = Heard()
    button.button.listen(presses.add)
    button.press()
    assert presses.wait(1)
    button.button.close()
    assert len(presses.items) == 1


def test_a_closed_button_is_silent_and_may_be_closed_again(button: ButtonBench) -> None:
    presses = Heard()
    button.button.listen(presses.add)
    button.button.close()
    button.press()
    button.button.close()
    assert presses.items == []


def test_a_button_can_be_listened_to_again(button: ButtonBench) -> None:
    presses = Heard()
    button.button.listen(lambda: None)
    button.button.close()
    button.button.listen(presses.add)
    button.press()
    assert presses.wait(1)


# The light


@pytest.fixture(params=["sim", "linux", "rpi"])
def light(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LightBench]:
    with getattr(benches, f"{request.param}_light")(tmp_path) as bench:
        yield bench
        bench.light.close()


def test_live_is_bright_ready_is_dim_and_off_is_dark(light: LightBench) -> None:
    for pattern, least, most in (("live", 0.99, 1.0), ("ready", 0.1, 0.2), ("off", 0.0, 0.0)):
        light.light.show(pattern)
        soon(lambda least=least, most=most: least <= light.level() <= most, why=lambda pattern=pattern: pattern)


def test_every_pattern_can_be_shown_in_any_order_and_a_closed_light_is_dark(light: LightBench) -> None:
    for pattern in (*get_args(LightPattern), *reversed(get_args(LightPattern)), "live"):
        light.light.show(pattern)
    light.light.close()
    assert light.level() == 0


# The camera


@pytest.fixture(params=["sim", "linux", "rpi"])
def camera(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CameraBench]:
    with getattr(benches, f"{request.param}_camera")(tmp_path) as bench:
        yield bench
        bench.camera.close()


def test_a_camera_is_seen_without_being_opened(camera: CameraBench) -> None:
    assert camera.camera.presence() == "ok"
    assert not camera.in_use()


def test_an_open_camera_delivers_whole_pictures_with_the_time_they_were_taken(camera: CameraBench) -> None:
    frames, began = Heard(), time.time()
    camera.camera.open(SMALL, frames.add, lambda _: None)
    assert frames.wait(10)
    camera.camera.close()
    pictures: list[Frame] = frames.items
    for frame in pictures:
        assert (frame.width, frame.height) == (320, 240)
        assert frame.i420.shape == (360, 320)
        assert frame.i420.dtype == np.uint8
        assert frame.i420.flags.c_contiguous, "an encoder takes the planes as they lie"
        assert began - 0.5 <= frame.captured <= time.time()
    assert all(a.captured <= b.captured for a, b in pairwise(pictures))
    assert len({id(frame.i420) for frame in pictures}) == len(pictures), "a picture handed out is not used again"


def test_nothing_comes_from_a_closed_camera_and_its_device_is_released(camera: CameraBench) -> None:
    frames = Heard()
    camera.camera.open(SMALL, frames.add, lambda _: None)
    assert frames.wait(2)
    assert camera.in_use()
    camera.camera.close()
    count = len(frames.items)
    assert not camera.in_use()
    assert not frames.wait(count + 1, patience=0.1)
    camera.camera.close()


def test_a_camera_can_be_opened_again_and_in_another_mode(camera: CameraBench) -> None:
    for mode in (SMALL, CameraMode(640, 480, 60), SMALL):
        frames = Heard()
        camera.camera.open(mode, frames.add, lambda _: None)
        assert frames.wait(2)
        assert (frames.items[0].width, frames.items[0].height) == (mode.width, mode.height)
        camera.camera.close()


def test_opening_a_camera_twice_is_refused_and_costs_the_first_nothing(camera: CameraBench) -> None:
    frames = Heard()
    camera.camera.open(SMALL, frames.add, lambda _: None)
    with pytest.raises(HardwareError, match="open already"):
        camera.camera.open(SMALL, lambda _: None, lambda _: None)
    assert frames.wait(len(frames.items) + 2)


def test_a_camera_that_is_pulled_out_says_so_and_is_missing(camera: CameraBench) -> None:
    frames, faults = Heard(), Heard()
    camera.camera.open(SMALL, frames.add, faults.add)
    assert frames.wait(1)
    camera.unplug()
    assert faults.wait(1)
    assert faults.items[0] in FAULTS
    assert camera.camera.presence() == "missing"
    camera.camera.close()
    assert not camera.in_use()
    assert len(faults.items) == 1
    with pytest.raises(DeviceMissing):
        camera.camera.open(SMALL, lambda _: None, lambda _: None)


def test_a_camera_may_be_closed_from_its_own_fault(camera: CameraBench) -> None:
    frames, closed = Heard(), Heard()

    def on_fault(word: str) -> None:
        camera.camera.close()
        closed.add(word)

    camera.camera.open(SMALL, frames.add, on_fault)
    assert frames.wait(1)
    camera.unplug()
    assert closed.wait(1)


def test_a_still_is_the_whole_sensor_and_the_pictures_go_on_as_they_were(camera: CameraBench) -> None:
    frames, faults = Heard(), Heard()
    camera.camera.open(SMALL, frames.add, faults.add)
    assert frames.wait(1)
    began = time.time()
    for _ in range(2):
        still = camera.camera.capture_still()
        assert (still.width, still.height) == benches.FULL_SIZE
        assert still.i420.shape == (still.height * 3 // 2, still.width)
        assert still.captured >= began - 0.5
    assert frames.wait(len(frames.items) + 3), "the stream goes on"
    assert {(frame.width, frame.height) for frame in frames.items} == {(320, 240)}, "a still is not sent as a frame"
    assert faults.items == []
    assert [(mode.width, mode.height) for mode in camera.camera.modes()][:1] == [benches.FULL_SIZE]


def test_a_closed_camera_gives_no_still(camera: CameraBench) -> None:
    with pytest.raises(HardwareError, match="not open"):
        camera.camera.capture_still()
    camera.camera.open(SMALL, lambda _: None, lambda _: None)
    camera.camera.close()
    with pytest.raises(HardwareError, match="not open"):
        camera.camera.capture_still()


# The microphone


@pytest.fixture(params=["sim", ON_A_SERVER])
def microphone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MicrophoneBench]:
    server = request.getfixturevalue("pipewire") if request.param == "linux" else None
    with getattr(benches, f"{request.param}_microphone")(tmp_path, server) as bench:
        yield bench
        bench.microphone.close()


def test_a_microphone_hears_the_room_in_blocks_of_ten_milliseconds(microphone: MicrophoneBench) -> None:
    assert microphone.microphone.presence() == "ok"
    blocks = Heard()
    with microphone.sounding():
        microphone.microphone.open(blocks.add, lambda _: None)
        assert blocks.wait_for(lambda items: any(level_db(block) > -30 for block in items))
        began, count = time.monotonic(), len(blocks.items)
        assert blocks.wait(count + 100)
        assert 0.6 < time.monotonic() - began < 3, "a hundred blocks are a second"
        microphone.microphone.close()
    for block in blocks.items:
        assert block.shape == (BLOCK,)
        assert block.dtype == np.int16


def test_nothing_comes_from_a_closed_microphone_and_it_opens_again(microphone: MicrophoneBench) -> None:
    for _ in range(2):
        blocks = Heard()
        microphone.microphone.open(blocks.add, lambda _: None)
        assert blocks.wait(3)
        microphone.microphone.close()
        count = len(blocks.items)
        assert not blocks.wait(count + 1, patience=0.1)
    microphone.microphone.close()


def test_opening_a_microphone_twice_is_refused(microphone: MicrophoneBench) -> None:
    blocks = Heard()
    microphone.microphone.open(blocks.add, lambda _: None)
    with pytest.raises(HardwareError, match="open already"):
        microphone.microphone.open(lambda _: None, lambda _: None)
    assert blocks.wait(len(blocks.items) + 3)


def test_a_microphone_that_is_pulled_out_says_so_and_is_missing(microphone: MicrophoneBench) -> None:
    blocks, faults = Heard(), Heard()
    microphone.microphone.open(blocks.add, faults.add)
    assert blocks.wait(3)
    microphone.unplug()
    assert faults.wait(1)
    assert faults.items == ["unplugged"]
    assert microphone.microphone.presence() == "missing"
    microphone.microphone.close()
    with pytest.raises(DeviceMissing):
        microphone.microphone.open(lambda _: None, lambda _: None)


# The speaker


@pytest.fixture(params=["sim", ON_A_SERVER])
def speaker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SpeakerBench]:
    server = request.getfixturevalue("pipewire") if request.param == "linux" else None
    with getattr(benches, f"{request.param}_speaker")(tmp_path, server) as bench:
        yield bench
        bench.speaker.close()


def loudest(pcm: np.ndarray) -> float:
    """The level of the loudest 10 ms."""
    return max((level_db(pcm[at : at + BLOCK]) for at in range(0, len(pcm) - BLOCK + 1, BLOCK)), default=-96.0)


def test_what_is_played_is_heard_as_it_was(speaker: SpeakerBench) -> None:
    assert speaker.speaker.presence() == "ok"
    pieces = [speaker.listen()]
    speaker.speaker.open(lambda: TONE, lambda _: None)
    pieces.append(speaker.listen())
    soon(lambda: pieces.append(speaker.listen()) or loudest(np.concatenate(pieces)) > -12)
    soon(lambda: pieces.append(speaker.listen()) or sum(map(len, pieces)) > SAMPLE_RATE)
    heard = np.concatenate(pieces)[-SAMPLE_RATE // 2 :].astype(float)
    spectrum = np.abs(np.fft.rfft(heard))
    assert np.argmax(spectrum) * SAMPLE_RATE / len(heard) == pytest.approx(1000, abs=4)


def test_a_speaker_asks_for_blocks_at_the_rate_it_plays_them(speaker: SpeakerBench) -> None:
    asked = Heard()

    def next_block() -> np.ndarray:
        asked.add()
        return silence()

    speaker.speaker.open(next_block, lambda _: None)
    assert asked.wait(20)
    began, count = time.monotonic(), len(asked.items)
    assert asked.wait(count + 100)
    assert 0.6 < time.monotonic() - began < 3
    speaker.speaker.close()
    count = len(asked.items)
    assert not asked.wait(count + 1, patience=0.1)


def test_the_volume_is_obeyed_while_it_plays(speaker: SpeakerBench) -> None:
    speaker.listen()
    speaker.speaker.open(lambda: TONE, lambda _: None)
    soon(lambda: loudest(speaker.listen()) > -12)
    speaker.speaker.set_volume(50)
    soon(lambda: len(got := speaker.listen()) and loudest(got[-BLOCK:]) == pytest.approx(-27.3, abs=1))
    speaker.speaker.set_volume(0)
    soon(lambda: len(got := speaker.listen()) and loudest(got[-BLOCK:]) < -90)


def test_a_speaker_that_is_pulled_out_says_so_and_is_missing(speaker: SpeakerBench) -> None:
    asked, faults = Heard(), Heard()

    def next_block() -> np.ndarray:
        asked.add()
        return silence()

    speaker.speaker.open(next_block, faults.add)
    assert asked.wait(3)
    speaker.unplug()
    assert faults.wait(1)
    assert faults.items == ["unplugged"]
    assert speaker.speaker.presence() == "missing"
    speaker.speaker.close()
    with pytest.raises(DeviceMissing):
        speaker.speaker.open(silence, lambda _: None)
