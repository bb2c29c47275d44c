"""A station that can hear itself: the acoustic self-test and what is sent, on simulated and on real sound devices."""

from __future__ import annotations

import asyncio
import os
import statistics
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from device.hardware.linux.pulse import PulseServer
from device.hardware.linux.sound import PulseMicrophone, PulseSpeaker
from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from device.hardware.sim.station import Simulation
from device.hardware.sound import level_db
from device.media.media import Media
from device.runtime.config import MediaSection, SimSection, StationConfig, StationSection
from messaging.clock import SystemClock
from tests.bench.echo import room_process
from tests.bench.echo_room import Scene, voice
from tests.kits.eventually import eventually
from tests.kits.servers.pipewire import (
    MICROPHONE,
    SPEAKER,
    PipeWire,
    as_usual,
    missing_programs,
    promptly,
    running_pipewire,
)

pytestmark = pytest.mark.system  # a room and a speaker in real time: one test at a time


@pytest.fixture
def simulation(tmp_path: Path) -> Simulation:
    config = StationConfig(
        station=StationSection(hardware="sim", runtime_dir=str(tmp_path)),
        media=MediaSection(320, 240, 15, 300),
        sim=SimSection(microphone="silence"),
    )
    return Simulation(config)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PipeWire]:
    if missing := missing_programs():
        pytest.skip(f"needs {', '.join(missing)}")
    with running_pipewire() as running:
        for name, value in running.env.items():
            monkeypatch.setenv(name, value)
        promptly(os.getpid())  # this process is the station, which has no test run beside it
        yield running
        as_usual(os.getpid())


async def media_of(simulation: Simulation, tmp_path: Path) -> Media:
    media = Media(simulation.hardware(), MediaSection(320, 240, 15, 300), tmp_path, SystemClock())
    await media.load_canceller()
    assert media.echo == "station"
    return media


async def test_a_station_that_hears_itself_tells_the_delay_and_what_is_left(
    simulation: Simulation, tmp_path: Path
) -> None:
    simulation.turn("echo")
    media = await media_of(simulation, tmp_path)
    result = await media.test_sound()
    assert result is not None
    assert (result.heard, result.speaker, result.microphone, result.echo) == (True, "ok", "ok", "station")
    assert result.delay_ms == pytest.approx(85, abs=25)
    assert result.left_db is not None
    assert result.left_db < -20
    assert not simulation.microphone.is_open
    assert not simulation.speaker.is_open
    assert not simulation.camera.is_open


async def test_a_station_that_does_not_hear_itself_says_so(simulation: Simulation, tmp_path: Path) -> None:
    media = await media_of(simulation, tmp_path)
    result = await media.test_sound()
    assert result is not None
    assert (result.heard, result.delay_ms, result.left_db) == (False, None, None)


async def test_a_missing_speaker_is_told_at_once(simulation: Simulation, tmp_path: Path) -> None:
    simulation.turn("unplug_speaker")
    media = await media_of(simulation, tmp_path)
    async with asyncio.timeout(2):
        result = await media.test_sound()
    assert result is not None
    assert (result.speaker, result.heard) == ("missing", False)
    assert not simulation.microphone.is_open


async def test_a_test_that_is_cut_short_leaves_the_devices_shut(simulation: Simulation, tmp_path: Path) -> None:
    media = await media_of(simulation, tmp_path)
    test = asyncio.create_task(media.test_sound())
    await eventually(lambda: simulation.microphone.is_open)
    media.stop_test()
    async with asyncio.timeout(2):
        assert await test is None
    assert not simulation.microphone.is_open


async def test_an_open_call_is_not_disturbed(simulation: Simulation, tmp_path: Path) -> None:
    media = await media_of(simulation, tmp_path)
    await media.open()
    try:
        assert await media.test_sound() is None
        assert simulation.microphone.is_open
    finally:
        await media.close()


async def test_over_a_real_sound_server_the_chirp_is_heard_and_cancelled(
    server: PipeWire, simulation: Simulation, tmp_path: Path
) -> None:
    with room_process(server, Scene(delay_ms=40), str(tmp_path)):
        async with real_sound(simulation, tmp_path) as media:
            result = await media.test_sound()
    assert result is not None
    assert result.heard
    assert result.delay_ms is not None
    assert 40 < result.delay_ms < 400
    assert result.echo_db == pytest.approx(-5, abs=6)
    assert result.left_db is not None
    assert result.left_db < -15


async def test_over_a_real_sound_server_what_is_sent_has_no_echo(
    server: PipeWire, simulation: Simulation, tmp_path: Path
) -> None:
    with room_process(server, Scene(delay_ms=40), str(tmp_path)):
        heard = await speak(simulation, tmp_path)
    seconds = [slice(at, at + 100) for at in range(300, 700, 100)]
    less = [
        level_db(np.concatenate(heard.raw[second])) - level_db(np.concatenate(heard.clean[second]))
        for second in seconds
    ]
    assert statistics.median(less) > 20, less


async def speak(simulation: Simulation, tmp_path: Path) -> Tap:
    """Eight seconds of the clinician, through all of the station's own way."""
    async with real_sound(simulation, tmp_path) as media:
        said = iter(voice(8).reshape(-1, BLOCK))
        heard = Tap(media)
        media._loudspeaker.play_once(said)
        await media._devices.want("speaker", "microphone")
        async with asyncio.timeout(30):
            await asyncio.to_thread(heard.enough.wait)
        await media._devices.release("speaker", "microphone")
    return heard


class Tap:
    """Stands where the call's sound source would, and remembers what came in and what would go out."""

    def __init__(self, media: Media) -> None:
        self.raw: list[Block] = []
        self.clean: list[Block] = []
        self.enough = threading.Event()
        self._room = media._room
        media.sound.feed = self._feed  # type: ignore[method-assign]

    def _feed(self, block: Block) -> None:
        self.raw.append(block)
        self.clean.append(self._room.heard(block))
        if len(self.clean) >= 9 * SAMPLE_RATE // BLOCK:
            self.enough.set()


@asynccontextmanager
async def real_sound(simulation: Simulation, tmp_path: Path) -> AsyncIterator[Media]:
    """Media whose microphone and speaker are the sound server's, the canceller loaded."""
    server = PulseServer()
    hardware = replace(
        simulation.hardware(), microphone=PulseMicrophone(server, MICROPHONE), speaker=PulseSpeaker(server, SPEAKER)
    )
    media = Media(hardware, MediaSection(320, 240, 15, 300), tmp_path, SystemClock())
    await media.load_canceller()
    try:
        yield media
    finally:
        await media.close()
