"""The station's camera, microphone and speaker as one thing that a call opens and closes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from device.hardware.ports import CameraMode, Hardware
from device.media.devices import PARTS, DeviceSet
from device.media.echo import SoundProcessor, Untouched
from device.media.levels import RateMeter
from device.media.pictures import PictureRing
from device.media.playout import Playout
from device.media.receiving import Remote
from device.media.sending import PictureSource, SoundSource
from device.media.speaking import Loudspeaker
from device.media.tones import Tone
from device.runtime.config import MediaSection
from messaging.call import Devices
from messaging.clock import Clock
from messaging.local import OWN_RING, REMOTE_RING, Levels


class Media:
    """Owns the devices of a `Hardware`; camera and microphone are open only between `open` and `close`.

    `on_devices` is called on the loop when a device came or went while it was wanted. Constructing opens nothing.
    What an engine takes of it: `pictures` and `sound` to send, `remote` to receive into.
    """

    def __init__(
        self,
        hardware: Hardware,
        settings: MediaSection,
        runtime_dir: Path,
        clock: Clock,
        on_devices: Callable[[Devices], None] = lambda _: None,
        processor: SoundProcessor | None = None,
    ) -> None:
        processor = processor or Untouched()
        playout = Playout()
        self._speaker = hardware.speaker
        self._runtime_dir = runtime_dir
        self._lock = asyncio.Lock()
        self._ring: PictureRing | None = None
        self.bitrate_kbps = settings.bitrate_kbps
        self._rate_in = RateMeter(clock.monotonic)
        self._loudspeaker = Loudspeaker(playout, processor)
        self.pictures = PictureSource(settings.bitrate_kbps * 1000, settings.fps, clock.monotonic)
        self.sound = SoundSource(processor)
        self.remote = Remote(playout, clock.wall, self._rate_in)
        mode = CameraMode(settings.width, settings.height, settings.fps)
        self._devices = DeviceSet(
            {"camera": hardware.camera, "microphone": hardware.microphone, "speaker": hardware.speaker},
            {
                "camera": lambda on_fault: hardware.camera.open(mode, self.pictures.feed, on_fault),
                "microphone": lambda on_fault: hardware.microphone.open(self.sound.feed, on_fault),
                "speaker": lambda on_fault: hardware.speaker.open(self._loudspeaker.next_block, on_fault),
            },
            lambda: self.pictures.rate.per_second > 0,
            clock,
            on_devices,
        )

    async def open(self) -> Devices:
        """Open camera, microphone and speaker, each as far as it can be; the result says what is not well.

        What is not well is tried again every 2 s until `close`.
        """
        async with self._lock:
            if self._ring is None:
                self._ring = PictureRing(self._runtime_dir / REMOTE_RING)
                self.remote.attach(self._ring)
                self.sound.start()
                self.pictures.start(self._runtime_dir / OWN_RING, lambda why: self._devices.fault("camera", why))
            await self._devices.want(*PARTS)
        return self._devices.state

    async def close(self) -> None:
        """Shut camera and microphone, silence and shut the speaker, remove the rings."""
        async with self._lock:
            self._loudspeaker.play("none")
            await self._devices.release(*PARTS)
            await self.pictures.stop()
            if self._ring is not None:
                self.remote.attach(None)
                self._ring.close()
                self._ring = None
            self.sound.stop()
            self._loudspeaker.meter.reset()

    async def refresh(self) -> Devices:
        """Ask the closed devices whether they are there (open ones are known), and remember it."""
        await self._devices.refresh()
        return self._devices.state

    def devices(self) -> Devices:
        """What was last known of the devices; never waits."""
        return self._devices.state

    def levels(self) -> Levels:
        """Levels of microphone and speaker, pictures in and out a second."""
        return Levels(
            self.sound.meter.db, self._loudspeaker.meter.db, self._rate_in.per_second, self.pictures.rate.per_second
        )

    def set_volume(self, percent: int) -> None:
        """The speaker's volume, 0 to 100."""
        self._speaker.set_volume(percent)

    async def play(self, tone: Tone) -> None:
        """Play a tone until another (or "none") is asked for; only the speaker opens for it."""
        async with self._lock:
            self._loudspeaker.play(tone)
            if tone != "none":
                await self._devices.want("speaker")
            elif self._ring is None:
                await self._devices.release("speaker")
