"""For the conformance suite: each kind of device of each backend, with a hand at it.

A bench makes the device as its backend does and moves what stands behind it: the knobs of `sim`, a real PipeWire, a
pipe for an input device, a directory for an LED, gpiozero's mock pins, a camera of paper under the adapters of V4L2
and picamera2.
"""

from __future__ import annotations

import contextlib
import os
import queue
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from device.hardware.errors import HardwareError
from device.hardware.light import level
from device.hardware.linux.button import EvdevButton
from device.hardware.linux.camera import V4lCamera
from device.hardware.linux.formats import Offer
from device.hardware.linux.light import SysfsLight
from device.hardware.linux.pulse import PulseServer
from device.hardware.linux.sound import PulseMicrophone, PulseSpeaker
from device.hardware.linux.v4l import CameraFinder
from device.hardware.ports import BLOCK, Button, Camera, Light, Microphone, Speaker
from device.hardware.rpi.camera import PiCamera
from device.hardware.rpi.pins import GpioButton, GpioLight
from device.hardware.sim.button import SimButton, SimLight
from device.hardware.sim.camera import SimCamera
from device.hardware.sim.sound import SimMicrophone, SimSpeaker
from messaging.sound import SPEAKER_RING, SoundRingReader
from tests.kits.servers.pipewire import ROOM, PipeWire
from tests.kits.station.picamera import PaperPicamera

PATIENCE = 5.0
FULL_SIZE = (2592, 1944)  # of every bench's camera
TONE = (np.sin(np.arange(BLOCK) * 2 * np.pi / 48) * 16000).astype(np.int16)  # 1 kHz, -9.2 dBFS


class Heard:
    """What callbacks brought, to wait for."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._changed = threading.Condition()

    def add(self, item: Any = None) -> None:
        with self._changed:
            self.items.append(item)
            self._changed.notify_all()

    def wait(self, count: int = 1, patience: float = PATIENCE) -> bool:
        """Whether that many came in time."""
        return self.wait_for(lambda items: len(items) >= count, patience)

    def wait_for(self, good: Callable[[list[Any]], bool], patience: float = PATIENCE) -> bool:
        """Whether what came is good in time."""
        with self._changed:
            return self._changed.wait_for(lambda: good(self.items), patience)


@dataclass
class ButtonBench:
    """`press` presses and lets go."""

    button: Button
    press: Callable[[], None]


@dataclass
class LightBench:
    """`level` is what an eye would see now, 0 to 1."""

    light: Light
    level: Callable[[], float]


@dataclass
class CameraBench:
    """`in_use` says whether the device is held open; `unplug` pulls it out."""

    camera: Camera
    unplug: Callable[[], None]
    in_use: Callable[[], bool]


@dataclass
class MicrophoneBench:
    """`unplug` pulls it out; with `sounding`, something is heard in the room."""

    microphone: Microphone
    unplug: Callable[[], None]
    sounding: Callable[[], AbstractContextManager[None]]


@dataclass
class SpeakerBench:
    """`listen` gives what came out of the speaker since the last time (int16, mono, 48 kHz)."""

    speaker: Speaker
    unplug: Callable[[], None]
    listen: Callable[[], np.ndarray]


# Buttons


@contextlib.contextmanager
def sim_button(directory: Path) -> Iterator[ButtonBench]:
    """Pressed by code."""
    button = SimButton()
    yield ButtonBench(button, button.press)


@contextlib.contextmanager
def linux_button(directory: Path) -> Iterator[ButtonBench]:
    """A pipe that brings a kernel's events, with the bounce of a bad contact."""
    path = directory / "event-kbd"
    os.mkfifo(path)
    handle = os.open(path, os.O_RDWR)
    event = struct.Struct("llHHi")

    def press() -> None:
        edges = b"".join(event.pack(0, 0, 1, 28, value) for value in (1, 0, 1, 0))
        os.write(handle, edges)

    yield ButtonBench(EvdevButton(str(path)), press)
    os.close(handle)


@contextlib.contextmanager
def rpi_button(directory: Path) -> Iterator[ButtonBench]:
    """A mock pin, with bounce."""
    with mock_pins() as factory:
        pin = factory.pin(17)

        def press() -> None:
            for _ in range(2):
                pin.drive_low()
                pin.drive_high()

        yield ButtonBench(GpioButton(17), press)


# Lights


@contextlib.contextmanager
def sim_light(directory: Path) -> Iterator[LightBench]:
    """Remembers the pattern; what it would look like is the data's."""
    light = SimLight()
    yield LightBench(light, lambda: level(light.pattern, 0.99)[0])


@contextlib.contextmanager
def linux_light(directory: Path) -> Iterator[LightBench]:
    """A directory that looks like an LED's."""
    for name, value in (("max_brightness", "200"), ("brightness", "0"), ("trigger", "none")):
        (directory / name).write_text(value)
    yield LightBench(SysfsLight(directory), lambda: int((directory / "brightness").read_text() or 0) / 200)


@contextlib.contextmanager
def rpi_light(directory: Path) -> Iterator[LightBench]:
    """A mock pin with PWM."""
    with mock_pins() as factory:
        yield LightBench(GpioLight(18), lambda: float(factory.pin(18).state))


# Cameras


@contextlib.contextmanager
def sim_camera(directory: Path) -> Iterator[CameraBench]:
    """The scene."""
    camera = SimCamera()
    yield CameraBench(camera, camera.unplug, lambda: camera.is_open)


class FreeRunningCapture:
    """An OpenCV capture that gives grey pictures of the size asked for, until its camera is pulled out."""

    def __init__(self, path: Path, width: int, height: int) -> None:
        self._path = path
        self._picture = np.full((height, width, 3), 128, dtype=np.uint8)
        self._pace = threading.Event()
        self.released = False

    def read(self) -> tuple[bool, np.ndarray]:
        self._pace.wait(0.005)
        return self._path.exists(), self._picture

    def release(self) -> None:
        self.released = True


@contextlib.contextmanager
def linux_camera(directory: Path) -> Iterator[CameraBench]:
    """A device file with a capture of paper behind it; the search and the colours are real."""
    path = directory / "v4l/by-id/usb-Acme_Eye-video-index0"
    path.parent.mkdir(parents=True)
    path.touch()
    opened: list[FreeRunningCapture] = []

    def capture(name: str, offer: Offer) -> FreeRunningCapture:
        opened.append(FreeRunningCapture(Path(name), offer.width, offer.height))
        return opened[-1]

    sizes = ((320, 240), (640, 480), FULL_SIZE)
    offers = [Offer("MJPG", width, height, 60) for width, height in sizes]
    camera = V4lCamera(CameraFinder("", directory, directory, list), capture, lambda _: offers)
    yield CameraBench(camera, path.unlink, lambda: any(not one.released for one in opened))


@contextlib.contextmanager
def rpi_camera(directory: Path) -> Iterator[CameraBench]:
    """A picamera2 of paper with padded lines."""
    library = PaperPicamera(padding=64)
    library.free_running = True

    def unplug() -> None:
        library.ids = ()
        library.fail(RuntimeError("camera frontend has timed out"))

    yield CameraBench(PiCamera(library=lambda: library), unplug, lambda: library.open_cameras > 0)


# Sound


@contextlib.contextmanager
def sim_microphone(directory: Path, server: PipeWire | None) -> Iterator[MicrophoneBench]:
    """Speech."""
    microphone = SimMicrophone()
    yield MicrophoneBench(microphone, microphone.unplug, contextlib.nullcontext)


@contextlib.contextmanager
def linux_microphone(directory: Path, server: PipeWire | None) -> Iterator[MicrophoneBench]:
    """A real stream from a microphone of PipeWire's that hears a room of PipeWire's."""
    assert server is not None
    module = server.plug("pluggable_microphone", "Audio/Source/Virtual")
    server.link(ROOM, "pluggable_microphone")
    sounds = PulseServer()

    @contextlib.contextmanager
    def sounding() -> Iterator[None]:
        room = PulseSpeaker(sounds, ROOM)
        room.open(lambda: TONE, lambda _: None)
        yield
        room.close()

    plugged = [module]

    def unplug() -> None:
        server.unplug(plugged.pop())

    yield MicrophoneBench(PulseMicrophone(sounds, "pluggable_microphone"), unplug, sounding)
    for left in plugged:
        server.unplug(left)


@contextlib.contextmanager
def sim_speaker(directory: Path, server: PipeWire | None) -> Iterator[SpeakerBench]:
    """Heard through its ring."""
    speaker, reader = SimSpeaker(directory / SPEAKER_RING), SoundRingReader(directory / SPEAKER_RING)
    yield SpeakerBench(speaker, speaker.unplug, lambda: np.frombuffer(reader.read(), dtype=np.int16))
    reader.close()


@contextlib.contextmanager
def linux_speaker(directory: Path, server: PipeWire | None) -> Iterator[SpeakerBench]:
    """A real stream to a speaker of PipeWire's, heard at its monitor."""
    assert server is not None
    plugged = [server.plug("pluggable_speaker")]
    sounds = PulseServer()
    recording = sounds.record("pluggable_speaker.monitor")
    heard: queue.Queue[np.ndarray] = queue.Queue()
    ending = threading.Event()

    def record() -> None:
        with contextlib.suppress(HardwareError):
            while not ending.is_set():
                heard.put(recording.read())
        recording.end()

    recorder = threading.Thread(target=record)
    recorder.start()

    def listen() -> np.ndarray:
        blocks = [np.zeros(0, dtype=np.int16)]
        with contextlib.suppress(queue.Empty):
            while True:
                blocks.append(heard.get_nowait())
        return np.concatenate(blocks)

    def unplug() -> None:
        server.unplug(plugged.pop())

    yield SpeakerBench(PulseSpeaker(sounds, "pluggable_speaker"), unplug, listen)
    ending.set()
    recording.interrupt()
    recorder.join(PATIENCE)
    for left in plugged:
        server.unplug(left)


@contextlib.contextmanager
def mock_pins() -> Iterator[Any]:
    """gpiozero on pins that are not there."""
    from gpiozero import Device
    from gpiozero.pins.mock import MockFactory, MockPWMPin

    before, Device.pin_factory = Device.pin_factory, MockFactory(pin_class=MockPWMPin)
    try:
        yield Device.pin_factory
    finally:
        Device.pin_factory.close()
        Device.pin_factory = before
