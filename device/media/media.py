"""The station's camera, microphone and speaker as one thing that a call opens and closes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import Block, CameraMode, Frame, Hardware, OnFault
from device.media.acoustics import selftest
from device.media.acoustics.room import RoomSound
from device.media.acoustics.voice import load_voice
from device.media.cameras import Cameras
from device.media.closer import Closer
from device.media.devices import PARTS, DeviceSet
from device.media.encoder_choice import EncoderChoice
from device.media.levels import RateMeter
from device.media.pictures import PictureRing
from device.media.playout import Playout
from device.media.receiving.remote import Remote
from device.media.sending import PictureSource, SoundSource
from device.media.speaking import Loudspeaker
from device.media.tones import Tone
from device.media.viewing.room import RoomView
from device.runtime.config import MediaSection
from device.runtime.urgency import Urgency
from messaging.call import Devices
from messaging.clock import Clock
from messaging.health import Echo, SoundTest
from messaging.local import OWN_RING, REMOTE_RING, Levels
from messaging.twin import Sound

_TEST_PATIENCE_S = 2.0  # a sound server that is slow to begin


class Media:
    """Owns the devices of a `Hardware`; camera and microphone are open only between `open` and `close`.

    `on_devices` is called on the loop when a device came or went while it was wanted, `on_looking` when what the
    screen says of the clinician's looking closer may have changed. Constructing opens nothing.
    What an engine takes of it: `pictures` and `sound` to send, `remote` to receive into, `closer`.
    """

    def __init__(
        self,
        hardware: Hardware,
        settings: MediaSection,
        runtime_dir: Path,
        clock: Clock,
        on_devices: Callable[[Devices], None] = lambda _: None,
        on_looking: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._room = room = RoomSound(clock.monotonic)
        self._trial: selftest.Trial | None = None
        self.playout = Playout(clock.monotonic)
        self._speaker = hardware.speaker
        self._runtime_dir = runtime_dir
        self._lock = asyncio.Lock()
        self._ring: PictureRing | None = None
        self.bitrate_kbps = settings.bitrate_kbps
        self._rate_in = RateMeter(clock.monotonic)
        self._loudspeaker = Loudspeaker(self.playout, room)
        self._urgent = {"microphone": Urgency(), "speaker": Urgency()}
        self._encoders = EncoderChoice()
        view = RoomView(clock.monotonic)
        self.pictures = PictureSource(
            settings.bitrate_kbps * 1000, settings.fps, clock.monotonic, view, make_encoder=self._encoders.make
        )
        self.sound = SoundSource(room)
        self.remote = Remote(self.playout, clock.wall, self._rate_in)
        self.mode = CameraMode(settings.width, settings.height, settings.fps)
        self._hardware = hardware
        self._seen = 0.0  # when the camera gave its last picture
        self._cameras = cameras = Cameras(hardware.camera, hardware.examination)
        self._devices = DeviceSet(
            {"camera": cameras, "microphone": hardware.microphone, "speaker": hardware.speaker},
            {
                "camera": self._open_camera,
                "microphone": self._open_microphone,
                "speaker": self._open_speaker,
            },
            lambda: self._seen,
            clock,
            on_devices,
            hardware.plugs,
        )
        self.closer = Closer(cameras, view, self._devices, clock, on_looking)

    async def open(self) -> Devices:
        """Open camera, microphone and speaker, each as far as it can be; the result says what is not well.

        What is not well is tried again until `close`, at once when it is plugged in.
        """
        async with self._lock:
            if self._ring is None:
                self._ring = PictureRing(self._runtime_dir / REMOTE_RING)
                self.remote.attach(self._ring)
                self.sound.start()
                self.closer.begin()
                self.pictures.start(self._runtime_dir / OWN_RING, lambda why: self._devices.fault("camera", why))
            await self._devices.want(*PARTS)
        return self._devices.state

    async def close(self) -> None:
        """Shut camera and microphone, silence and shut the speaker, remove the rings."""
        async with self._lock:
            self._loudspeaker.play("none")
            await self._devices.release(*PARTS)
            await self.pictures.stop()
            self.closer.end()
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

    def broken(self) -> tuple[str, ...]:
        """The devices that have failed again and again though they are there: somebody should look at them."""
        return tuple(part for part in PARTS if part in self._devices.broken)

    def _open_camera(self, on_fault: OnFault) -> None:
        self._cameras.open(self.mode, self._see, on_fault)
        self.closer.opened()

    def _open_microphone(self, on_fault: OnFault) -> None:
        self._hardware.microphone.open(self._hear, on_fault)
        self._room.changed()
        self._room.stand_aside(self._hardware.cancels_echo())

    def _open_speaker(self, on_fault: OnFault) -> None:
        self._hardware.speaker.open(self._speak, on_fault)
        self._room.changed()
        self._room.stand_aside(self._hardware.cancels_echo())

    def _see(self, frame: Frame) -> None:
        self._seen = self._clock.monotonic()
        self.pictures.feed(frame)

    def levels(self) -> Levels:
        """Levels of microphone and speaker, pictures in and out a second."""
        return Levels(
            self.sound.meter.db, self._loudspeaker.meter.db, self._rate_in.per_second, self.pictures.rate.per_second
        )

    async def choose_encoder(self) -> None:
        """Try the chip's encoder, where the machine has one, once the station is ready; until then x264 encodes."""
        await asyncio.to_thread(self._encoders.decide)

    @property
    def encoder(self) -> str:
        """Which H.264 encoder is used, and whether a chip's has failed."""
        return self._encoders.name

    async def load_canceller(self) -> None:
        """Load the echo canceller, once the station is ready: until then, and without it, the echo is sent as it is."""
        await asyncio.to_thread(self._room.load, load_voice)

    @property
    def echo(self) -> Echo:
        """Who cancels the speaker's echo."""
        return self._room.state

    def set_sound(self, sound: Sound) -> None:
        """How the clinician sounds to this resident; from the next block on."""
        self._loudspeaker.shaping.use(sound)

    async def test_sound(self) -> SoundTest | None:
        """Play chirps and hear what comes of them; None while a call has the devices, or when `stop_test` cut it short.

        Opens the speaker and the microphone and nothing else: for a hand at the station only, with the light on.
        """
        async with self._lock:
            if self._ring is not None:
                return None
            trial = self._trial = selftest.Trial(self._clock.monotonic)
            try:
                self._loudspeaker.play_once(trial.blocks())
                await self._devices.want("speaker", "microphone")
                devices = self._devices.state
                if devices.speaker == devices.microphone == "ok":
                    await trial.ended(self._clock, selftest.SECONDS + _TEST_PATIENCE_S)
            finally:
                self._loudspeaker.play("none")
                await self._devices.release("speaker", "microphone")
                self._trial = None
        if trial.stopped:
            return None
        hearing = trial.hearing()
        finding = selftest.Finding(heard=False)
        if hearing is not None:
            finding = await asyncio.to_thread(selftest.judge, hearing)
        return SoundTest(
            self._clock.wall(), devices.speaker, devices.microphone, self.echo, finding.heard, finding.noise_db,
            finding.delay_ms, finding.echo_db, finding.left_db,
        )  # fmt: skip

    def stop_test(self) -> None:
        """End a test at once: somebody has pressed the button."""
        if (trial := self._trial) is not None:
            trial.stop()

    def _speak(self) -> Block:
        self._urgent["speaker"].here()
        return self._loudspeaker.next_block()

    def _hear(self, block: Block) -> None:
        self._urgent["microphone"].here()
        if (trial := self._trial) is None:
            self.sound.feed(block)
        else:
            trial.hear(block, self._room.heard(block))

    def set_volume(self, percent: int) -> None:
        """The speaker's volume, 0 to 100."""
        self._speaker.set_volume(percent)
        self._room.changed()

    async def play(self, tone: Tone, words: NDArray[np.int16] | None = None) -> None:
        """Play a tone until another (or "none") is asked for; only the speaker opens for it.

        `words` (mono, 48 kHz) are said after each `identify`.
        """
        async with self._lock:
            self._loudspeaker.play(tone, words)
            if tone != "none":
                await self._devices.want("speaker")
            elif self._ring is None:
                await self._devices.release("speaker")
