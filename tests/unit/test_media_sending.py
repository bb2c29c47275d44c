"""What leaves the station: encoded once, only for who takes it, the newest first."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from device.hardware.ports import BLOCK, Frame
from device.media.echo import Untouched
from device.media.errors import CodecFailed
from device.media.fanout import Outlet
from device.media.sending import AUDIO_QUEUE, KEY_GAP_S, PictureSource, SoundSource
from messaging.frames import RingReader
from messaging.local import OWN_RING
from tests.outlets import taken

WIDTH, HEIGHT = 160, 120


def frame(shade: int, captured: float = 1_800_000_000.0) -> Frame:
    return Frame(np.full((HEIGHT * 3 // 2, WIDTH), shade, np.uint8), WIDTH, HEIGHT, captured)


class Camera:
    """A source of pictures on a clock of its own, fed one at a time."""

    def __init__(self, path: Path) -> None:
        self.now = 50.0
        self.broken: list[str] = []
        self.source = PictureSource(500_000, 30, lambda: self.now)
        self.source.start(path / OWN_RING, self.broken.append)
        self.own = RingReader(path / OWN_RING)

    async def give(self, outlet: Outlet, shade: int, captured: float = 1_800_000_000.0) -> av.Packet:
        """One picture 33 ms later, and its packet."""
        self.now += 1 / 30
        self.source.feed(frame(shade, captured))
        async with asyncio.timeout(5):
            return await taken(outlet)

    async def wait(self, condition: Callable[[], object]) -> None:
        """Until the encoder's thread has done something."""
        assert await asyncio.to_thread(comes_true, condition)


def comes_true(condition: Callable[[], object]) -> bool:
    """Look until it is so, five seconds at most."""
    end = time.monotonic() + 5
    while not (true := condition()) and time.monotonic() < end:
        pass
    return bool(true)


@pytest.fixture
async def camera(tmp_path: Path):
    camera = Camera(tmp_path)
    yield camera
    await camera.source.stop()
    camera.own.close()


async def test_a_subscriber_begins_with_a_key_frame_and_a_second_one_gets_the_same_packets(camera: Camera) -> None:
    first = camera.source.subscribe("H264")
    assert (await camera.give(first, 10)).is_keyframe
    assert not (await camera.give(first, 20)).is_keyframe

    camera.now += KEY_GAP_S
    second = camera.source.subscribe("H264")
    packet = await camera.give(first, 30)
    assert packet.is_keyframe
    assert await taken(second) is packet, "encoded once"


async def test_peers_of_both_codecs_are_served_side_by_side(camera: Camera) -> None:
    modern, old = camera.source.subscribe("H264"), camera.source.subscribe("VP8")
    assert bytes(await camera.give(modern, 10)).startswith(b"\x00\x00\x00\x01")
    assert not bytes(await taken(old)).startswith(b"\x00\x00\x00\x01")


async def test_nothing_is_encoded_while_nobody_takes_it(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("an encoder was made for nobody")

    monkeypatch.setattr("device.media.sending.make_encoder", refuse)
    camera.source.unsubscribe(camera.source.subscribe("H264"))
    camera.source.feed(frame(1))
    await camera.wait(lambda: camera.own.read() is not None)


async def test_the_time_of_pictures_does_not_follow_a_wall_clock_that_is_stepped(camera: Camera) -> None:
    outlet = camera.source.subscribe("H264")
    times = [(await camera.give(outlet, 10, captured)).pts for captured in (1.8e9, 1.8e9 - 3600, 1.9e9)]
    assert [later - earlier for earlier, later in itertools.pairwise(times)] == [3000, 3000]


async def test_the_thinnest_line_sets_the_bit_rate_until_it_leaves(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[int] = []
    monkeypatch.setattr("device.media.encoders.H264Encoder.set_bitrate", lambda self, rate: rates.append(rate))
    wide, thin = camera.source.subscribe("H264"), camera.source.subscribe("H264")
    await camera.give(wide, 10)
    camera.source.want_bitrate("H264", wide, 400_000)
    camera.source.want_bitrate("H264", thin, 150_000)
    await camera.give(wide, 20)
    camera.source.unsubscribe(thin)
    await camera.give(wide, 30)
    assert rates == [500_000, 150_000, 400_000]


async def test_key_frames_asked_for_too_often_come_after_a_while(camera: Camera) -> None:
    outlet = camera.source.subscribe("H264")
    keys = []
    for _ in range(30):
        camera.source.want_key("H264")
        keys.append((await camera.give(outlet, 10)).is_keyframe)
    assert 3 <= sum(keys) <= 5, "a second of asking"


async def test_an_encoder_that_does_not_work_is_told_once(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise CodecFailed("no libx264 here")

    monkeypatch.setattr("device.media.sending.make_encoder", fail)
    camera.source.subscribe("H264")
    camera.source.feed(frame(1))
    await camera.wait(lambda: camera.broken)
    assert camera.broken == ["no libx264 here"]


def speak(source: SoundSource, blocks: int) -> None:
    wave = (9000 * np.sin(2 * np.pi * 440 * np.arange(BLOCK) / 48_000)).astype(np.int16)
    for _ in range(blocks):
        source.feed(wave)


async def test_two_blocks_of_the_microphone_make_one_packet_of_twenty_milliseconds() -> None:
    source = SoundSource(Untouched())
    source.start()
    outlet = source.subscribe()
    speak(source, 8)
    packets = [await taken(outlet) for _ in range(3)]
    assert [later.pts - earlier.pts for earlier, later in itertools.pairwise(packets)] == [960, 960]
    decoder = av.CodecContext.create("libopus", "r")
    assert sum(f.samples for packet in packets for f in decoder.decode(packet)) >= 2 * 960
    assert source.meter.db > -20


async def test_a_peer_that_does_not_take_its_sound_gets_the_newest() -> None:
    source = SoundSource(Untouched())
    source.start()
    outlet = source.subscribe()
    speak(source, 100)
    await asyncio.sleep(0)
    oldest = await taken(outlet)
    assert oldest.pts >= (50 - AUDIO_QUEUE - 1) * 960


async def test_what_the_echo_canceller_makes_of_it_is_sent_and_metered_even_if_nobody_listens() -> None:
    class Silencer(Untouched):
        def heard(self, block: np.ndarray) -> np.ndarray:
            return np.zeros_like(block)

    source = SoundSource(Silencer())
    speak(source, 4)
    assert source.meter.db == -96
