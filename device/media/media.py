"""The station's camera, microphone and speaker as one thing that a call opens and closes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from device.hardware.ports import Hardware
from device.runtime.config import MediaSection
from messaging.call import Devices
from messaging.clock import Clock
from messaging.local import Levels

Tone = Literal["none", "ring", "calling"]


class Media:
    """Owns the devices of a `Hardware`; camera and microphone are open only between `open` and `close`.

    `on_devices` is called on the loop when a device came or went while open. Constructing opens nothing.
    """

    def __init__(
        self,
        hardware: Hardware,
        settings: MediaSection,
        runtime_dir: Path,
        clock: Clock,
        on_devices: Callable[[Devices], None] = lambda devices: None,
    ) -> None: ...

    async def open(self) -> Devices:
        """Open camera, microphone and speaker, each as far as it can be; what is `missing` or at `fault` is in the result."""
        raise NotImplementedError

    async def close(self) -> None:
        """Shut camera and microphone, silence and shut the speaker, remove the rings."""

    async def refresh(self) -> Devices:
        """Ask the closed devices whether they are there (open ones are known), and remember it."""
        raise NotImplementedError

    def devices(self) -> Devices:
        """What was last known of the devices; never waits."""
        raise NotImplementedError

    def levels(self) -> Levels:
        """Levels of microphone and speaker, pictures in and out a second."""
        raise NotImplementedError

    def set_volume(self, percent: int) -> None:
        """The speaker's volume, 0 to 100."""

    async def play(self, tone: Tone) -> None:
        """Play a tone until another (or "none") is asked for; the speaker opens for it, camera and microphone do not."""
