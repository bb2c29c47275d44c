"""The ports to a station's hardware: what a backend (`sim`, `linux`, `rpi`) must be able to do.

A backend never opens a device when it is made, only when told to. Threads of a backend call the given callbacks; the
receiver brings them to its loop (`device.runtime.bridge`). Opening or closing a real device may take most of a second:
call `open`, `close` and `presence` of camera, microphone and speaker from a thread, not from the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from messaging.call import DeviceState
from messaging.local import LightPattern

SAMPLE_RATE = 48_000
BLOCK = 480  # samples of one block: 10 ms
STILL_S = 5.0  # a camera that must change its mode and back for a still takes up to two


@dataclass(frozen=True)
class CameraMode:
    """What is asked of a camera; it gives the nearest it can."""

    width: int = 1280
    height: int = 720
    fps: int = 30


NARROWEST = 0.2  # of the picture's sides: closer in there are too few pixels to tell anything by


@dataclass(frozen=True)
class Crop:
    """A part with the picture's own shape: its middle and its sides, as shares of the picture's (0 to 1)."""

    x: float = 0.5
    y: float = 0.5
    size: float = 1.0

    def inside(self) -> Crop:
        """The nearest that lies in the picture."""
        size = min(1.0, max(NARROWEST, self.size))
        half = size / 2
        return Crop(min(1 - half, max(half, self.x)), min(1 - half, max(half, self.y)), size)


WHOLE = Crop()


@dataclass(frozen=True)
class Frame:
    """One picture: `i420` is uint8 of shape (height * 3 / 2, width), planar YUV 4:2:0; `captured` Unix seconds.

    `part` is what it shows of all that the camera sees: another one than WHOLE only after `Camera.zoom`.
    """

    i420: NDArray[np.uint8]
    width: int
    height: int
    captured: float
    part: Crop = WHOLE


Block = NDArray[np.int16]  # shape (480,), mono, 48 kHz
OnFrame = Callable[[Frame], None]
OnBlock = Callable[[Block], None]
OnFault = Callable[[str], None]  # a stable word: `unplugged`, `stalled` or `failed`; then nothing more comes: close it


class Button(Protocol):
    """The one button."""

    def listen(self, on_press: Callable[[], None]) -> None:
        """Call `on_press` once a press (bounce removed), from any thread."""

    def close(self) -> None:
        """Release the button."""


class Light(Protocol):
    """The light in or at the button."""

    def show(self, pattern: LightPattern, percent: int = 100) -> None:
        """Show a pattern until told another, at so much of its brightness where the light can be dimmed."""

    def close(self) -> None:
        """Light off, released."""


class Camera(Protocol):
    """One camera. Between `open` and `close` its own light, if any, is on."""

    def presence(self) -> DeviceState:
        """Whether it is there, without opening it."""

    def modes(self) -> tuple[CameraMode, ...]:
        """What it offers, the most pixels first, without opening it; empty if untold. HardwareError if it is not there.

        A camera may well give other sizes too. The first is what `capture_still` gives.
        """

    def open(self, mode: CameraMode, on_frame: OnFrame, on_fault: OnFault) -> None:
        """Start delivering frames; HardwareError if it cannot."""

    def zoom(self, crop: Crop) -> None:
        """Read this part of the open camera's sensor from now on, in the size of the mode; WHOLE ends it. Never waits.

        A camera that cannot does nothing: `Frame.part` tells what each picture shows, and the rest is cut out of it.
        """

    def capture_still(self, timeout_s: float = STILL_S) -> Frame:
        """One picture of the open camera at its full resolution. Waits: call it from a thread, never from a callback.

        A camera that cannot do both interrupts its frames for it, for a second or so; that is no fault, and they go on
        afterwards in the mode they had. HardwareError: not open, closed meanwhile, or none in time.
        """

    def close(self) -> None:
        """Stop; no callback comes after this returns."""


class Microphone(Protocol):
    """One microphone, 10 ms blocks."""

    def presence(self) -> DeviceState:
        """Whether it is there, without opening it."""

    def open(self, on_block: OnBlock, on_fault: OnFault) -> None:
        """Start delivering blocks; HardwareError if it cannot."""

    def close(self) -> None:
        """Stop; no callback comes after this returns."""


class Speaker(Protocol):
    """One speaker that asks for 10 ms blocks as it plays them."""

    def presence(self) -> DeviceState:
        """Whether it is there, without opening it."""

    def open(self, next_block: Callable[[], Block], on_fault: OnFault) -> None:
        """Start playing what `next_block` gives (called from the speaker's thread, never late by waiting)."""

    def set_volume(self, percent: int) -> None:
        """0 to 100."""

    def close(self) -> None:
        """Stop playing."""


class Plugs(Protocol):
    """Tells that something was plugged in or pulled out, where the machine can tell."""

    def listen(self, on_change: Callable[[], None]) -> None:
        """Call `on_change`, from any thread, whenever a device may have come or gone, until closed."""

    def close(self) -> None:
        """Stop; nothing is told after this returns."""


@dataclass(frozen=True)
class Hardware:
    """All of one station's hardware, from one backend.

    `turn` is the simulated station's: it turns a knob by name (`messaging.local.Simulate`), HardwareError if there is
    none of that name. None on real hardware. `examination` is the second camera, that a nurse holds; None: the station
    has none. `plugs` is None where nobody tells of devices that come and go, and they are only looked for.
    `cancels_echo` says whether microphone and speaker are now one device that cancels its own echo; it may wait.
    """

    name: str
    button: Button
    light: Light
    camera: Camera
    microphone: Microphone
    speaker: Speaker
    turn: Callable[[str], None] | None = None
    examination: Camera | None = None
    plugs: Plugs | None = None
    cancels_echo: Callable[[], bool] = lambda: False
