"""Button and light on a Raspberry Pi's pins, through gpiozero.

gpiozero looks for a pin library at its first device, and falls back with a warning from one to the next down to
one that polls; on a Pi only lgpio is right, so it is named, unless $GPIOZERO_PIN_FACTORY names another (tests: `mock`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from device.hardware.errors import wrapping
from device.hardware.light import LightPlayer, plain
from device.hardware.press import Debounce
from messaging.local import LightPattern

_GLITCH_S = 0.005  # a line is pulled low for this long by a finger, not by a spark


class GpioButton:
    """A button between GPIO `pin` and ground, with the Pi's own pull-up."""

    def __init__(self, pin: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pin = pin
        self._monotonic = monotonic
        self._debounce = Debounce()
        self._button: Any = None

    def listen(self, on_press: Callable[[], None]) -> None:
        """Listen from a thread of gpiozero's; HardwareError if the pin cannot be had."""

        def pressed() -> None:
            if self._debounce.press(self._monotonic()):
                on_press()

        with wrapping(f"the button on GPIO {self._pin} cannot be used"):
            self._button = _gpiozero().Button(self._pin, pull_up=True, bounce_time=_GLITCH_S)
            self._button.when_pressed = pressed

    def close(self) -> None:
        """Release the pin."""
        button, self._button = self._button, None
        if button is not None:
            button.close()


class GpioLight:
    """A light on GPIO `pin`; `dims`: it may be dimmed by PWM, else it shows `plain` levels."""

    def __init__(self, pin: int, dims: bool = True) -> None:
        self._pin = pin
        self._dims = dims
        self._led: Any = None
        self._player = LightPlayer(self._set)

    def show(self, pattern: LightPattern, percent: int = 100) -> None:
        """Play it."""
        self._player.show(pattern, percent)

    def close(self) -> None:
        """Off, and the pin released."""
        self._player.close()
        led, self._led = self._led, None
        if led is not None:
            led.close()

    def _set(self, level: float, share: float) -> None:
        with wrapping(f"the light on GPIO {self._pin} cannot be used"):
            if self._led is None:
                gpiozero = _gpiozero()
                self._led = gpiozero.PWMLED(self._pin) if self._dims else gpiozero.LED(self._pin)
            self._led.value = level * share if self._dims else int(plain(level))


def _gpiozero() -> Any:
    os.environ.setdefault("GPIOZERO_PIN_FACTORY", "lgpio")
    import gpiozero

    return gpiozero
