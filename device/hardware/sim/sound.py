"""A microphone that hears speech or a file, and a speaker that is heard through shared memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.hardware.errors import DeviceFailed
from device.hardware.ports import BLOCK, SAMPLE_RATE, Block, OnBlock, OnFault
from device.hardware.sim.device import SimDevice
from device.hardware.sim.files import load_sound
from device.hardware.sim.room import SimRoom
from device.hardware.sim.speech import speech
from device.hardware.sound import amplify, gain, level_db, silence
from messaging.sound import SoundRingWriter

_CATCH_UP = 10  # blocks: a sound server's buffer holds about 100 ms


class SimMicrophone(SimDevice):
    """`source` is `speech`, `silence` or the path of a sound file, played over and over from where it was.

    What is said while the machine has no time to read it is lost, as from a real one. `clock_ppm` as in the config.
    """

    def __init__(self, source: str = "speech", room: SimRoom | None = None, clock_ppm: int = 0) -> None:
        super().__init__("microphone")
        self._period = _period(clock_ppm)
        self._source = source
        self._room = room or SimRoom()
        self._samples: NDArray[np.int16] | None = None  # with its first block once more at the end
        self._at = 0

    def prepare(self) -> None:
        """Make or read the sound ahead of time, so that opening is quick; HardwareError if the file cannot be read."""
        if self._samples is None:
            samples = _load(self._source)
            self._samples = np.concatenate((samples, np.resize(samples, BLOCK)))

    def open(self, on_block: OnBlock, on_fault: OnFault) -> None:
        """Deliver 10 ms blocks from a thread; HardwareError if the file cannot be read."""
        self._check()
        self.prepare()
        samples = self._samples
        assert samples is not None  # noqa: S101 - said by prepare

        missed = 0

        def deliver() -> None:
            nonlocal missed
            before, missed = missed, self._missed
            at = (self._at + (missed - before) * BLOCK) % (len(samples) - BLOCK)
            block = samples[at : at + BLOCK].copy()
            self._at = (at + BLOCK) % (len(samples) - BLOCK)
            on_block(self._room.hear(block))

        self._start(self._period, deliver, on_fault, _CATCH_UP)


class SimSpeaker(SimDevice):
    """Plays into `ring`, a file in the runtime directory (`messaging.sound`). `clock_ppm` as in the config."""

    def __init__(self, ring: Path, room: SimRoom | None = None, clock_ppm: int = 0) -> None:
        super().__init__("speaker")
        self._period = _period(clock_ppm)
        self._path = ring
        self._room = room or SimRoom()
        self._ring: SoundRingWriter | None = None
        self._gain = gain(100)
        self._last: Block = silence()
        self.played = 0  # blocks

    @property
    def level_db(self) -> float:
        """The level of the last block played, in dBFS, after the volume."""
        return level_db(self._last)

    def open(self, next_block: Callable[[], Block], on_fault: OnFault) -> None:
        """Ask for a block every 10 ms; HardwareError if the ring cannot be made."""
        self._check()
        try:
            ring = SoundRingWriter(self._path)
        except OSError as error:
            raise DeviceFailed(f"the simulated speaker cannot write {self._path}: {error}") from error

        def play() -> None:
            self._last = amplify(next_block(), self._gain)
            self.played += 1
            self._room.play(self._last)
            ring.write(self._last.tobytes())

        self._ring = ring
        self._start(self._period, play, on_fault, _CATCH_UP)

    def set_volume(self, percent: int) -> None:
        """0 to 100."""
        self._gain = gain(percent)

    def close(self) -> None:
        """Stop playing."""
        super().close()
        self._last = silence()
        if self._ring is not None:
            self._ring.close()
            self._ring = None


def _period(clock_ppm: int) -> float:
    """Seconds between two blocks of a sound card whose clock is so much too fast."""
    return BLOCK / SAMPLE_RATE / (1 + clock_ppm / 1e6)


def _load(source: str) -> NDArray[np.int16]:
    if source == "silence":
        return silence()
    return speech() if source == "speech" else load_sound(source)
