"""A light that the kernel knows as an LED, in sysfs."""

from __future__ import annotations

import logging
from pathlib import Path

from device.hardware.errors import DeviceFailed
from device.hardware.light import LightPlayer, plain
from device.hardware.ports import Light
from messaging.local import LightPattern

_log = logging.getLogger(__name__)
LEDS = Path("/sys/class/leds")


def make_light(name: str, root: Path = LEDS) -> Light:
    """The LED of that name; with no name, a light that says once that it is none."""
    return SysfsLight(root / name) if name else NoLight()


class NoLight:
    """A station without a light: its screen is all that tells."""

    def __init__(self) -> None:
        _log.warning("[linux] light names no LED: this station has no light")

    def show(self, pattern: LightPattern, percent: int = 100) -> None:
        """Nothing to show it on."""

    def close(self) -> None:
        """Nothing to close."""


class SysfsLight:
    """An LED's directory in /sys/class/leds. One that only knows on and off shows `plain` levels."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._most = 0
        self._written = -1
        self._player = LightPlayer(self._set)

    def show(self, pattern: LightPattern, percent: int = 100) -> None:
        """Play it."""
        self._player.show(pattern, percent)

    def close(self) -> None:
        """Off."""
        self._player.close()

    def _set(self, level: float, share: float) -> None:
        try:
            if not self._most:
                # The kernel's own trigger (heartbeat, disk) would go on blinking it.
                (self._directory / "trigger").write_text("none")
                self._most = int((self._directory / "max_brightness").read_text())
            value = round(level * share * self._most) if self._most > 1 else int(plain(level))
            if value != self._written:
                (self._directory / "brightness").write_text(str(value))
                self._written = value
        except (OSError, ValueError) as error:
            self._most, self._written = 0, -1
            raise DeviceFailed(f"{self._directory}: {error}") from error
