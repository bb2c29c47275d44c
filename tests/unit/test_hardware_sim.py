"""The simulated station's own: its knobs, its memory, its files. What it shares with real ones is in tests/contract."""

from __future__ import annotations

import contextlib
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from device.hardware.errors import DeviceFailed, DeviceMissing, HardwareError
from device.hardware.ports import BLOCK, SAMPLE_RATE, CameraMode, Frame
from device.hardware.sim.camera import SLOW_S, SimCamera
from device.hardware.sim.files import VideoLoop, load_sound
from device.hardware.sim.scenes import FarScene
from device.hardware.sim.sound import SimMicrophone
from device.hardware.sim.speech import SECONDS, SYLLABLE_HZ, speech
from device.hardware.sim.station import Simulation
from device.hardware.sound import level_db
from device.runtime.config import MediaSection, SimSection, StationConfig, StationSection
from messaging.sound import SPEAKER_RING, SoundRingReader

SMALL = CameraMode(160, 120, 100)
PATIENCE = 5.0


class Events:
    """What callbacks brought, to wait for."""

    def __init__(self) -> None:
        self.items: list[object] = []
        self._changed = threading.Condition()

    def add(self, item: object) -> None:
        with self._changed:
            self.items.append(item)
            self._changed.notify_all()

    def wait(self, count: int = 1) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.items) >= count, PATIENCE)


@pytest.fixture
def config(tmp_path: Path) -> StationConfig:
    return StationConfig(
        station=StationSection(hardware="sim", runtime_dir=str(tmp_path)), media=MediaSection(width=160, height=120)
    )


@pytest.fixture
def sim(config: StationConfig) -> Iterator[Simulation]:
    simulation = Simulation(config)
    yield simulation
    for device in (simulation.camera, simulation.microphone, simulation.speaker):
        device.close()


def test_every_knob_of_the_panel_turns(sim: Simulation) -> None:
    expected = {
        "press", "unplug_camera", "plug_camera", "plug_camera_slowly", "freeze_camera", "thaw_camera", "stall_camera",
        "break_camera", "dark", "cover_lens", "clear_view", "unplug_examination", "plug_examination", "echo", "no_echo",
        "unplug_microphone", "plug_microphone", "unplug_speaker", "plug_speaker",
    }  # fmt: skip
    assert set(sim.knobs) == expected
    for knob in sim.knobs:
        sim.turn(knob)


def test_an_unknown_knob_is_refused_with_the_names_of_those_there_are(sim: Simulation) -> None:
    with pytest.raises(HardwareError, match=r"no knob 'explode'.*unplug_camera"):
        sim.turn("explode")


def test_the_ports_carry_the_knobs(sim: Simulation) -> None:
    hardware, presses = sim.hardware(), Events()
    hardware.button.listen(lambda: presses.add(None))
    assert hardware.turn is not None
    hardware.turn("press")
    assert len(presses.items) == 1
    assert sim.button.presses == 1


def test_the_light_remembers_what_it_showed(sim: Simulation) -> None:
    assert sim.light.pattern == "off"
    for pattern in ("ready", "calling", "live"):
        sim.light.show(pattern)
    assert sim.light.history == ["ready", "calling", "live"]
    sim.light.close()
    assert sim.light.pattern == "off"


@pytest.mark.parametrize(("knob", "state", "word"), [("unplug", "missing", "unplugged"), ("break", "fault", "failed")])
def test_a_camera_lost_in_use_says_so_once_and_falls_silent(sim: Simulation, knob: str, state: str, word: str) -> None:
    frames, faults = Events(), Events()
    sim.camera.open(SMALL, frames.add, faults.add)
    assert frames.wait(3)
    sim.turn(f"{knob}_camera")
    sim.turn(f"{knob}_camera")
    assert faults.items == [word]
    assert sim.camera.presence() == state
    count = len(frames.items)
    sim.camera.close()
    assert len(frames.items) == count


def test_a_camera_that_is_gone_or_broken_cannot_be_opened_until_another_is_plugged_in(sim: Simulation) -> None:
    sim.turn("unplug_camera")
    with pytest.raises(DeviceMissing, match="unplugged"):
        sim.camera.open(SMALL, lambda _: None, lambda _: None)
    sim.turn("break_camera")
    with pytest.raises(DeviceFailed, match="broken"):
        sim.camera.open(SMALL, lambda _: None, lambda _: None)
    sim.turn("plug_camera")
    frames = Events()
    sim.camera.open(SMALL, frames.add, lambda _: None)
    assert frames.wait()


@pytest.mark.parametrize("size", [(641, 480), (640, 481), (100, 480)])
@pytest.mark.parametrize("source", ["scene", "video.mp4"])
def test_a_size_it_cannot_give_is_refused_when_the_station_starts(
    config: StationConfig, size: tuple[int, int], source: str
) -> None:
    media = MediaSection(width=size[0], height=size[1])
    with pytest.raises(HardwareError, match=r"\[media\].*even"):
        Simulation(replace(config, media=media, sim=SimSection(camera=source)))


def test_a_frozen_camera_is_silent_and_looks_well(sim: Simulation) -> None:
    frames, faults = Events(), Events()
    sim.turn("freeze_camera")
    sim.camera.open(SMALL, frames.add, faults.add)
    assert sim.camera.presence() == "ok"
    # It would have had time for many: a thawed one delivers at once.
    assert frames.items == []
    sim.turn("plug_camera")
    assert frames.wait()
    assert faults.items == []


def test_a_microphone_lost_in_use_says_so(sim: Simulation) -> None:
    blocks, faults = Events(), Events()
    sim.microphone.open(blocks.add, faults.add)
    assert blocks.wait(2)
    sim.turn("unplug_microphone")
    assert faults.items == ["unplugged"]
    assert sim.microphone.presence() == "missing"


def test_the_speaker_is_heard_through_its_ring_at_the_volume_it_has(sim: Simulation, config: StationConfig) -> None:
    tone = (np.sin(np.arange(BLOCK) * 2 * np.pi / 48) * 16000).astype(np.int16)
    reader, asked = SoundRingReader(config.runtime_dir / SPEAKER_RING), Events()

    def next_block() -> np.ndarray:
        asked.add(None)
        return tone

    sim.speaker.set_volume(50)
    sim.speaker.open(next_block, lambda _: None)
    reader.read()
    assert asked.wait(len(asked.items) + 5)
    heard = np.frombuffer(reader.read(), dtype=np.int16)
    sim.speaker.close()
    assert len(heard) >= 3 * BLOCK
    assert level_db(heard) == pytest.approx(level_db(tone) - 18.06, abs=0.1)  # an eighth: half, cubed
    assert reader.read() == b""
    reader.close()


def test_a_speaker_without_a_place_for_its_ring_says_so(config: StationConfig) -> None:
    gone = replace(config, station=replace(config.station, runtime_dir="/nonexistent"))
    with pytest.raises(DeviceFailed, match=r"/nonexistent/speaker\.ring"):
        Simulation(gone).speaker.open(lambda: np.zeros(BLOCK, np.int16), lambda _: None)


def test_speech_has_the_level_rhythm_and_band_of_speech() -> None:
    samples = speech().astype(float)
    assert len(samples) == SECONDS * SAMPLE_RATE
    assert -26 < level_db(speech()) < -14
    frames = samples.reshape(-1, BLOCK)
    envelope = np.abs(frames).mean(axis=1)
    rhythm = np.abs(np.fft.rfft(envelope - envelope.mean()))
    assert np.argmax(rhythm) / SECONDS == pytest.approx(SYLLABLE_HZ, abs=1), "syllables at about 4 Hz"
    assert (envelope < 50).mean() > 0.1, "there are pauses"
    power = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    assert power[(hertz > 80) & (hertz < 4000)].sum() / power.sum() > 0.95


def test_speech_is_the_same_every_time_and_loops_without_a_click() -> None:
    assert np.array_equal(speech(), speech())
    twice = np.concatenate((speech(), speech())).astype(int)
    jumps = np.abs(np.diff(twice))
    assert jumps[len(twice) // 2 - 1] <= np.quantile(jumps, 0.99)


def write_wav(path: Path, rate: int, channels: int, width: int, hertz: float = 440, seconds: float = 0.5) -> None:
    time = np.arange(int(rate * seconds)) / rate
    tone = np.sin(2 * np.pi * hertz * time) * 0.5
    if width == 1:
        data = ((tone + 1) * 127.5).astype(np.uint8)[:, None].repeat(channels, axis=1).tobytes()
    else:
        whole = np.round(tone * (2 ** (8 * width - 1) - 1)).astype(np.int64)[:, None].repeat(channels, axis=1)
        data = b"".join(int(v).to_bytes(width, "little", signed=True) for v in whole.ravel())
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)


@pytest.mark.parametrize(
    ("rate", "channels", "width"),
    [(8000, 1, 1), (16000, 1, 2), (44100, 2, 2), (48000, 1, 2), (48000, 2, 3), (96000, 1, 4)],
)
def test_any_wav_becomes_the_same_sound(tmp_path: Path, rate: int, channels: int, width: int) -> None:
    write_wav(tmp_path / "a.wav", rate, channels, width)
    samples = load_sound(str(tmp_path / "a.wav"))
    assert samples.dtype == np.int16
    assert len(samples) == pytest.approx(SAMPLE_RATE / 2, abs=100)
    spectrum = np.abs(np.fft.rfft(samples[2400:-2400].astype(float)))
    assert np.argmax(spectrum) * SAMPLE_RATE / (len(samples) - 4800) == pytest.approx(440, abs=5)
    assert level_db(samples[2400:-2400]) == pytest.approx(-9.0, abs=0.3)


def test_the_microphone_plays_its_file_in_a_loop(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", SAMPLE_RATE, 1, 2, hertz=100, seconds=0.015)  # a block and a half, which must join
    expected = load_sound(str(tmp_path / "a.wav"))
    microphone, blocks = SimMicrophone(str(tmp_path / "a.wav")), Events()
    microphone.open(blocks.add, lambda _: None)
    assert blocks.wait(6)
    microphone.close()
    heard = np.concatenate(blocks.items[:6])
    assert np.array_equal(heard, np.resize(expected, len(heard)))


@pytest.mark.parametrize("content", [b"", b"not a sound", b"RIFF\x00\x00\x00\x00WAVE"])
def test_a_sound_that_cannot_be_read_is_refused_when_the_station_starts(
    config: StationConfig, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "bad.wav").write_bytes(content)
    with pytest.raises(HardwareError, match=r"\[sim\] microphone.*bad\.wav"):
        Simulation(replace(config, sim=SimSection(microphone=str(tmp_path / "bad.wav"))))


def write_video(path: Path, width: int, height: int, fps: int, lumas: list[int]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"qp": "10"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, luma in enumerate(lumas):
            picture = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
            picture[:height] = luma
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.fixture
def video(tmp_path: Path) -> Callable[[int, int], str]:
    def make(width: int, height: int) -> str:
        write_video(tmp_path / "v.mp4", width, height, 10, [50, 100, 150, 200])
        return str(tmp_path / "v.mp4")

    return make


def test_a_video_plays_at_its_own_speed_and_over_again(video: Callable[[int, int], str]) -> None:
    loop = VideoLoop(video(320, 240), 160, 120)
    loop.at(1000.0)
    shown = [round(float(loop.at(1000.01 + t / 20)[:120].mean()) / 50) for t in range(18)]
    loop.close()
    assert shown == [1, 1, 2, 2, 3, 3, 4, 4, 1, 1, 2, 2, 3, 3, 4, 4, 1, 1]


def test_a_video_of_another_shape_is_fitted_with_black_borders(video: Callable[[int, int], str]) -> None:
    loop = VideoLoop(video(320, 120), 160, 120)
    luma = loop.at(0.0)[:120]
    loop.close()
    assert luma[:28].max() == 16
    assert luma[-28:].max() == 16
    assert abs(int(luma[60, 80]) - 50) < 5


def test_the_camera_plays_a_video(config: StationConfig, video: Callable[[int, int], str]) -> None:
    simulation = Simulation(replace(config, sim=SimSection(camera=video(320, 240))))
    frames = Events()
    simulation.camera.open(SMALL, frames.add, lambda _: None)
    assert frames.wait(30)
    simulation.camera.close()
    pictures = [frame for frame in frames.items if isinstance(frame, Frame)]
    assert {frame.i420.shape for frame in pictures} == {(180, 160)}
    assert len({int(frame.i420[60, 80]) // 10 for frame in pictures}) >= 2, "the picture changes"


def test_a_video_that_breaks_while_it_plays_is_a_fault(
    config: StationConfig, video: Callable[[int, int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation, faults = Simulation(replace(config, sim=SimSection(camera=video(320, 240)))), Events()

    def broken(self: VideoLoop, now: float) -> np.ndarray:
        raise HardwareError("[sim] camera: the file has gone")

    monkeypatch.setattr(VideoLoop, "at", broken)
    simulation.camera.open(SMALL, lambda _: None, faults.add)
    assert faults.wait()
    simulation.camera.close()
    assert faults.items == ["failed"]


@pytest.mark.parametrize("content", [None, b"", b"no video"])
def test_a_video_that_cannot_be_read_fails_to_open(
    config: StationConfig, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "bad.mp4"
    if content is not None:
        path.write_bytes(content)
    simulation = Simulation(replace(config, sim=SimSection(camera=str(path))))
    with pytest.raises(HardwareError, match=r"\[sim\] camera.*bad\.mp4"):
        simulation.camera.open(SMALL, lambda _: None, lambda _: None)


def test_a_sound_file_is_no_camera(config: StationConfig, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 8000, 1, 2)
    with pytest.raises(HardwareError, match="no video"):
        VideoLoop(str(tmp_path / "a.wav"), 160, 120)
    assert Simulation(replace(config, sim=SimSection(microphone=str(tmp_path / "a.wav")))).microphone.presence() == "ok"


# Cameras, what they see, and what goes wrong with them


def pictures_of(camera: SimCamera, count: int = 2, mode: CameraMode = SMALL) -> list[Frame]:
    """The next pictures of an open camera's."""
    seen = Events()
    camera.open(mode, seen.add, lambda _: None)
    assert seen.wait(count)
    camera.close()
    return seen.items[:count]  # type: ignore[return-value]


@pytest.mark.parametrize("source", ["scene", "scene-far", "scene-close"])
def test_the_dark_can_be_told_from_a_covered_lens_and_both_from_a_clear_view(source: str) -> None:
    camera, luma = SimCamera(source), {}
    for lens in ("clear", "dark", "covered"):
        camera.before_lens(lens)
        frame = pictures_of(camera, 1, CameraMode(320, 240, 50))[0]
        luma[lens] = frame.i420[:240].astype(float)
    assert luma["clear"].mean() > 80
    assert 16 < luma["covered"].mean() < luma["dark"].mean() < 40
    assert luma["covered"].std() < 2 < luma["dark"].std(), "there is something to see in a dark room"


def test_a_dark_picture_still_has_shapes_and_its_noise_moves() -> None:
    camera = SimCamera()
    camera.before_lens("dark")
    first, second = (frame.i420[:240].astype(float) for frame in pictures_of(camera, 2, CameraMode(320, 240, 50)))
    assert np.abs(first - second).mean() > 1
    window, floor = first[30:120, 240:290].mean(), first[215:225, 20:100].mean()
    assert window > floor + 5


def test_the_person_in_the_far_room_is_small_and_walks() -> None:
    scene = FarScene(640, 360)
    seen = [scene.figure(float(second)) for second in range(25)]
    for left, top, right, bottom in seen:
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        assert 0.2 < bottom - top < 0.45
    assert max(left for left, *_ in seen) - min(left for left, *_ in seen) > 0.5


def test_a_stall_is_cured_by_opening_anew_and_a_freeze_only_by_a_thaw(sim: Simulation) -> None:
    for knob, cured in (("stall_camera", True), ("freeze_camera", False)):
        sim.camera.open(SMALL, lambda _: None, lambda _: None)
        sim.turn(knob)
        sim.camera.close()
        seen = Events()
        sim.camera.open(SMALL, seen.add, lambda _: None)
        assert bool(seen.wait(1) if cured else seen.items) is cured
        with pytest.raises(DeviceFailed, match="no still") if not cured else contextlib.nullcontext():
            sim.camera.capture_still(0.2 if not cured else PATIENCE)
        sim.turn("thaw_camera")
        assert seen.wait(1)
        sim.camera.close()


def test_a_slow_camera_takes_its_time_until_another_is_plugged_in() -> None:
    slept: list[float] = []
    camera = SimCamera(sleep=slept.append)
    camera.plug_slowly()
    pictures_of(camera)
    camera.plug()
    pictures_of(camera)
    assert slept == [SLOW_S]


def test_the_second_camera_is_of_its_own_and_may_be_left_out(sim: Simulation, config: StationConfig) -> None:
    second = sim.hardware().examination
    assert second is not None
    sim.turn("unplug_examination")
    assert (second.presence(), sim.camera.presence()) == ("missing", "ok")
    with pytest.raises(DeviceMissing):
        second.modes()
    without = Simulation(replace(config, sim=SimSection(examination="")))
    assert without.hardware().examination is None
    assert "plug_examination" not in without.knobs
