"""What is heard where there is a packet, where one can be repaired, and where there is none."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import SAMPLE_RATE
from device.media.errors import CodecFailed
from device.media.opus import STEP, OpusDecoder, is_pause

Sound = NDArray[np.int16]

_WHOLE = SAMPLE_RATE * 60 // 1000  # samples of concealment at full level: as long as a guess at speech is a good one
FADED = SAMPLE_RATE * 160 // 1000  # and after this, silence
_RISE = SAMPLE_RATE * 10 // 1000
_PAUSE = SAMPLE_RATE  # for so long comfort noise needs no word from the sender, who says something every 400 ms


class Decoder(Protocol):
    """What is needed of a codec; see `device.media.opus.OpusDecoder`."""

    def decode(self, packet: bytes) -> Sound:
        """The sound of a packet; CodecFailed."""

    def repair(self, next_packet: bytes, samples: int) -> Sound:
        """The samples before a packet, from what it carries of them; CodecFailed."""

    def conceal(self, samples: int) -> Sound:
        """Samples that go on from the last."""

    def reset(self) -> None:
        """As new."""


class Voice:
    """The decoder, and how far its concealment has faded. Used by the speaker's thread."""

    def __init__(self, decoder: Decoder | None = None) -> None:
        self._decoder = decoder or OpusDecoder()
        self._since_real = FADED  # samples concealed since the last that were real; negative in a sender's pause
        self.pausing = False
        self.concealed = 0  # samples that were made up, as long as they could be heard
        self.failed = 0  # packets that could not be decoded

    def decode(self, packet: bytes, samples: int) -> Sound:
        """The sound of a packet; if it cannot be decoded, concealment of that length."""
        try:
            sound = self._decoder.decode(packet)
        except CodecFailed:
            self.failed += 1
            return self.conceal(samples)
        sound = self._rise(sound)
        self.pausing = is_pause(packet)
        self._since_real = -_PAUSE if self.pausing else 0
        return sound

    def repair(self, next_packet: bytes, samples: int) -> Sound:
        """The sound before this packet, from what it carries of it."""
        try:
            sound = self._rise(self._decoder.repair(next_packet, samples))
        except CodecFailed:
            return self.conceal(samples)
        self._since_real = 0
        return sound

    def conceal(self, samples: int) -> Sound:
        """Sound that goes on from the last and fades; comfort noise in a sender's pause. `samples`: 2.5 ms and more."""
        if self.silent:
            return np.zeros(samples, np.int16)
        try:
            sound = self._decoder.conceal(samples // STEP * STEP)
        except CodecFailed:
            return np.zeros(samples, np.int16)
        ramp = np.arange(len(sound), dtype=np.float32) + self._since_real
        self._since_real += len(sound)
        if self._since_real > 0:
            self.concealed += len(sound)
        if self._since_real <= _WHOLE:
            return sound
        return np.asarray(sound * np.clip((FADED - ramp) / (FADED - _WHOLE), 0, 1), np.int16)

    def stop(self) -> Sound:
        """10 ms in which what was playing fades away; what is decoded next comes up from silence."""
        sound = self.conceal(_RISE) * np.linspace(1.0, 0.0, _RISE, dtype=np.float32)
        self._since_real, self.pausing = FADED, False
        return np.asarray(sound, np.int16)

    @property
    def silent(self) -> bool:
        """Whether concealment has faded away."""
        return self._since_real >= FADED

    def reset(self) -> None:
        """Another sender, or none."""
        self._decoder.reset()
        self._since_real, self.pausing = FADED, False

    def _rise(self, sound: Sound) -> Sound:
        """Real sound after some that had faded comes up from that level."""
        gain = (FADED - self._since_real) / (FADED - _WHOLE)
        if gain >= 1:
            return sound
        count = min(_RISE, len(sound))
        ramp = np.linspace(gain, 1.0, count, dtype=np.float32)
        return np.concatenate((np.asarray(sound[:count] * ramp, np.int16), sound[count:]))
