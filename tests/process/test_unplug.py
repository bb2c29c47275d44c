"""Each device pulled out and plugged in again while the station's media are open, with real streams on a real PipeWire.

The plug of a sound device is a module of PipeWire's, loaded and unloaded; that of the camera is the simulated one's,
which takes as long to open as one on USB; the other side of the call is stock aiortc. The figures are printed; the
bound is 3 s after the device's return. What the two ends are told of it is in test_station_call.py and
tests/loopback/test_devices.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from device.call.engine import Engine
from device.hardware.linux.pulse import PulseServer
from device.hardware.linux.sound import PulseMicrophone, PulseSpeaker, cancels_echo
from device.hardware.ports import CameraMode, Frame, Hardware
from device.hardware.sim.button import SimButton, SimLight
from device.hardware.sim.camera import SimCamera
from device.media.media import Media
from device.runtime.config import MediaSection
from messaging.call import Devices
from messaging.clock import SystemClock
from tests.kits.eventually import eventually
from tests.kits.promptness import Stopwatch
from tests.kits.servers.pipewire import ROOM, PipeWire, missing_programs, running_pipewire
from tests.loopback.stock_peer import StockPeer

pytestmark = pytest.mark.system
WITHIN_S = 3.0
PATIENCE_S = 20.0
USB = "device.vendor.id=0x0b0e device.product.id=0x0412 device.serial=GN_Jabra_A1"
MICROPHONE, SPEAKER = "plug_microphone", "plug_speaker"


@dataclass
class Room:
    """A station's media with real sound streams; `heard` and `seen` grow while sound and pictures flow."""

    server: PipeWire
    media: Media
    camera: SimCamera
    modules: dict[str, str]
    changes: list[Devices]
    heard: int = 0
    seen: int = 0
    played: int = 0

    async def until(self, good: Callable[[], bool], what: str) -> None:
        """Wait for a condition."""
        watch = Stopwatch()
        await eventually(good, PATIENCE_S, why=lambda: f"{what}; devices {self.media.devices()}")
        print(f"{what} after {watch}")

    async def flows(self, what: str) -> None:
        """Five more of these."""
        wanted = getattr(self, what) + 5
        await self.until(lambda: getattr(self, what) >= wanted, f"{what} flows")

    async def flows_again(self, what: str) -> None:
        """Five more of these, soon enough after the return of their device."""
        watch = Stopwatch()
        await self.flows(what)
        assert watch.within(WITHIN_S), f"{what} flows after {watch}"

    async def plug(self, name: str) -> None:
        kind = "Audio/Sink" if name == SPEAKER else "Audio/Source/Virtual"
        self.modules[name] = await asyncio.to_thread(self.server.plug, name, kind, f"'{USB}'")

    async def unplug(self, name: str) -> None:
        await asyncio.to_thread(self.server.unplug, self.modules.pop(name))


@pytest.fixture
def server() -> Iterator[PipeWire]:
    if lacking := missing_programs():
        pytest.fail(f"these programs are missing: {', '.join(lacking)}")
    with running_pipewire() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.env.items():
            patch.setenv(name, value)
        yield running


@pytest.fixture
async def room(server: PipeWire, tmp_path: Path) -> AsyncIterator[Room]:
    sounds, camera, changes = PulseServer(), SimCamera(), list[Devices]()
    camera.prepare(CameraMode(320, 240, 15))
    microphone, speaker = PulseMicrophone(sounds, "0b0e:0412:A1"), PulseSpeaker(sounds, "0b0e:0412:A1")
    hardware = Hardware("linux", SimButton(), SimLight(), camera, microphone, speaker)
    media = Media(hardware, MediaSection(320, 240, 15), tmp_path, SystemClock(), changes.append)
    room = Room(server, media, camera, {}, changes)
    feed, hear, give = media.pictures.feed, media.sound.feed, media._loudspeaker.next_block

    def seen(frame: Frame) -> None:
        room.seen += 1
        feed(frame)

    def heard(block: object) -> None:
        room.heard += 1
        hear(block)  # type: ignore[arg-type]

    def played() -> object:
        room.played += 1
        return give()

    media.pictures.feed = seen  # type: ignore[method-assign]
    media.sound.feed = heard  # type: ignore[method-assign, assignment]
    media._loudspeaker.next_block = played  # type: ignore[method-assign, assignment]
    for name in (MICROPHONE, SPEAKER):
        await room.plug(name)
    await asyncio.to_thread(server.link, ROOM, MICROPHONE)
    yield room
    await media.close()


async def test_each_sound_device_pulled_out_and_back_is_told_and_sounds_again_within_three_seconds(room: Room) -> None:
    assert await room.media.open() == Devices()
    for name, part, flow in ((MICROPHONE, "microphone", "heard"), (SPEAKER, "speaker", "played")):
        await room.flows(flow)
        await room.unplug(name)
        await room.until(lambda part=part: getattr(room.media.devices(), part) == "missing", f"{part} is missed")
        assert room.media.devices() == Devices(**{part: "missing"}), "the rest is well"
        await room.flows("seen")
        await room.plug(name)
        await room.flows_again(flow)
        await room.until(lambda: room.media.devices() == Devices(), "all is well")
    assert [(d.microphone, d.speaker) for d in room.changes] == [
        ("missing", "ok"), ("ok", "ok"), ("ok", "missing"), ("ok", "ok"),
    ]  # fmt: skip


async def test_in_a_call_the_rest_goes_on_and_the_other_side_hears_and_sees_again_within_three_seconds(
    room: Room,
) -> None:
    engine, peer = Engine(room.media, SystemClock(), lambda _: None), StockPeer()
    try:
        await room.media.open()
        offer = await engine.prepare(1, ())
        await engine.answer(1, await peer.answer(offer))
        engine.open()
        await asyncio.gather(peer.gets("video", 15), peer.gets("audio", 2))

        await room.unplug(MICROPHONE)
        await room.until(lambda: room.media.devices().microphone == "missing", "the microphone is missed")
        await peer.gets("video", peer.received["video"] + 15)
        await room.plug(MICROPHONE)
        await _again(peer, "audio")

        room.camera.unplug()
        await room.until(lambda: room.media.devices().camera == "missing", "the camera is missed")
        await peer.gets("audio", peer.received["audio"] + 2)
        room.camera.plug_slowly()
        await _again(peer, "video")
    finally:
        await engine.close()
        await peer.close()


async def _again(peer: StockPeer, kind: str) -> None:
    watch = Stopwatch()
    await peer.gets(kind, peer.received[kind] + 2)  # a room that is silent sends two packets a second
    print(f"{kind} reaches the other side {watch} after the device's return")
    assert watch.within(WITHIN_S), f"{kind} after {watch}"


async def test_a_camera_that_is_slow_to_open_is_seen_again_within_three_seconds(room: Room) -> None:
    assert await room.media.open() == Devices()
    await room.flows("seen")
    room.camera.unplug()
    await room.until(lambda: room.media.devices().camera == "missing", "the camera is missed")
    await room.flows("heard")
    room.camera.plug_slowly()
    await room.flows_again("seen")


async def test_a_speakerphone_that_cancels_its_echo_is_recognised_by_what_the_server_tells(room: Room) -> None:
    sounds = PulseServer()
    there = await asyncio.to_thread(sounds.microphones)
    usb = {device.name: device.usb for device in there}[MICROPHONE]
    assert usb is not None
    assert (usb.id.vendor, usb.id.product) == (0x0B0E, 0x0412)
    pair = PulseMicrophone(sounds, "0b0e:0412"), PulseSpeaker(sounds, "0b0e:0412")
    assert await asyncio.to_thread(cancels_echo, *pair)
    assert not await asyncio.to_thread(cancels_echo, pair[0], PulseSpeaker(sounds, ROOM))
