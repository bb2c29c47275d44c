"""What leaves the station: encoded once, only for who takes it, the newest first."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import av
import numpy as np
import pytest

from device.hardware.ports import BLOCK, Frame
from device.media.echo import Met
from device.media.errors import CodecFailed
from device.media.fanout import Outlet
from device.media.picture_stream import KEY_GAP_S
from device.media.rate import Budget
from device.media.sending import AUDIO_QUEUE, PictureSource, SoundSource
from device.media.viewing import Viewing
from messaging.frames import RingReader
from messaging.local import OWN_RING
from tests.kits.eventually import eventually
from tests.kits.media.outlets import taken
from tests.kits.media.untouched import Untouched

WIDTH, HEIGHT = 160, 120


def frame(shade: int, captured: float = 1_800_000_000.0) -> Frame:
    return Frame(np.full((HEIGHT * 3 // 2, WIDTH), shade, np.uint8), WIDTH, HEIGHT, captured)


class Camera:
    """A source of pictures on a clock of its own, fed one at a time."""

    def __init__(self, path: Path, viewing: Viewing | None = None) -> None:
        self.now = 50.0
        self.broken: list[str] = []
        self.source = PictureSource(500_000, 30, lambda: self.now, viewing)
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
        await eventually(condition)


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

    monkeypatch.setattr("device.media.picture_stream.make_encoder", refuse)
    camera.source.unsubscribe(camera.source.subscribe("H264"))
    camera.source.feed(frame(1))
    await camera.wait(lambda: camera.own.read() is not None)


async def test_the_time_of_pictures_does_not_follow_a_wall_clock_that_is_stepped(camera: Camera) -> None:
    outlet = camera.source.subscribe("H264")
    times = [(await camera.give(outlet, 10, captured)).pts for captured in (1.8e9, 1.8e9 - 3600, 1.9e9)]
    assert [later - earlier for earlier, later in itertools.pairwise(times)] == [3000, 3000]


def budget(video: int = 400_000, size: tuple[int, int] = (1280, 720), fps: int = 30, loss: float = 0.0) -> Budget:
    return Budget(video, 32_000, *size, fps, loss)


async def test_the_thinnest_line_sets_the_bit_rate_until_it_leaves(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[tuple[int, int]] = []
    monkeypatch.setattr("device.media.encoders.H264Encoder.set_rate", lambda _, *rate: rates.append(rate))
    wide, thin = camera.source.subscribe("H264"), camera.source.subscribe("H264")
    await camera.give(wide, 10)
    camera.source.want("H264", wide, budget(400_000))
    camera.source.want("H264", thin, budget(150_000))
    await camera.give(wide, 20)
    camera.source.unsubscribe(thin)
    await camera.give(wide, 30)
    camera.source.want("H264", wide, budget(9_000_000))
    await camera.give(wide, 40)
    assert rates == [(500_000, 30), (150_000, 30), (400_000, 30), (500_000, 30)], "never more than configured"


async def test_a_smaller_picture_begins_with_a_key_frame_and_keeps_its_shape(camera: Camera) -> None:
    outlet = camera.source.subscribe("H264")
    decoder = av.CodecContext.create("h264", "r")
    sizes, keys = [], []
    for i, size in enumerate(((1280, 720), (80, 80), (80, 80), (1280, 720))):
        camera.source.want("H264", outlet, budget(size=size))
        packet = await camera.give(outlet, 10 * i)
        keys.append(packet.is_keyframe)
        sizes += [(picture.width, picture.height) for picture in decoder.decode(packet)]
    assert sizes == [(160, 120), (80, 60), (80, 60), (160, 120)], "and never enlarged"
    assert keys == [True, True, False, True]


@pytest.mark.parametrize(("fps", "pictures"), [(30, 60), (15, 30), (8, 16)])
async def test_pictures_are_left_out_evenly_to_keep_a_lower_frame_rate(camera: Camera, fps: int, pictures: int) -> None:
    outlet = camera.source.subscribe("H264")
    camera.source.want("H264", outlet, budget(fps=fps))
    times = []
    for i in range(60):
        camera.now += 1 / 30 + (0.006 if i % 2 else -0.006)  # no camera is exact
        camera.source.feed(frame(i))
        await camera.wait(lambda i=i: camera.source.taken == i + 1)
        while (packet := outlet.pop()) is not None:
            times.append(packet.pts * float(packet.time_base))
    assert len(times) == pytest.approx(pictures, abs=2)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(gaps) < 1 / fps + 0.05


async def test_what_is_seen_goes_through_the_viewing_once_whoever_takes_it_and_only_if_it_is_shown(
    tmp_path: Path,
) -> None:
    class Closer:
        asked: ClassVar[list[tuple[int, int]]] = []

        def look(self, frame: Frame, width: int, height: int) -> Frame:
            self.asked.append((width, height))
            return Frame(np.full((90, 80), 77, np.uint8), 80, 60, frame.captured)

    camera = Camera(tmp_path, Closer())
    try:
        outlet, old = camera.source.subscribe("H264"), camera.source.subscribe("VP8")
        camera.source.want("H264", outlet, budget(size=(640, 360), fps=8))
        camera.source.want("VP8", old, budget(size=(320, 180), fps=8))
        (picture,) = av.CodecContext.create("h264", "r").decode(await camera.give(outlet, 10))
        assert (picture.width, picture.height) == (80, 60)
        assert Closer.asked == [(640, 360)], "once for both codecs and the own picture"
        camera.now += 1 / 60
        camera.source.feed(frame(20))
        await camera.wait(lambda: camera.source.taken == 2)
        assert Closer.asked.count((640, 360)) == 1, "the second came too soon to be sent"
        own = camera.own.read()
        assert own is not None
        assert set(own.planes[: own.width * own.height]) == {77}, "the resident sees what the clinician sees"
    finally:
        await camera.source.stop()
        camera.own.close()


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

    monkeypatch.setattr("device.media.picture_stream.make_encoder", fail)
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


async def test_sound_gets_thinner_with_the_thinnest_line_and_richer_when_it_leaves() -> None:
    source = SoundSource(Untouched())
    source.start()
    wide, thin = source.subscribe(), source.subscribe()
    source.want(wide, Budget(10**6, 32_000, 640, 360, 30, 0.0))

    async def bits() -> int:
        speak(source, 100)
        await asyncio.sleep(0)
        packets = []
        while (packet := wide.pop()) is not None:
            packets.append(packet)
        return sum(packet.size for packet in packets) * 8 // len(packets) * 50

    rich = await bits()
    source.want(thin, Budget(100_000, 12_000, 320, 180, 15, 0.2))
    await bits()
    plain = await bits()
    source.unsubscribe(thin)
    await bits()
    assert plain < 14_000
    assert rich > 1.4 * plain
    assert await bits() > 1.4 * plain


async def test_in_silence_one_packet_says_so_and_then_hardly_any_come() -> None:
    source = SoundSource(Untouched())
    source.start()
    outlet = source.subscribe()
    sent = []
    for block in range(400):
        source.feed(np.zeros(BLOCK, np.int16))
        if block % 2:
            await asyncio.sleep(0)
            sent += [packet.pts // 960 for packet in iter(outlet.pop, None)]
    assert sent[:11] == list(range(11)), "until it is sure, and the packet that says so"
    assert len(sent) < 40, "of 200: sound goes on from the time that has passed"
    speak(source, 4)
    await asyncio.sleep(0)
    assert next(packet.pts // 960 for packet in iter(outlet.pop, None)) == 200


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
        def clean(self, met: Met) -> np.ndarray:
            return np.zeros_like(met.near)

    source = SoundSource(Silencer())
    speak(source, 4)
    assert source.meter.db == -96
