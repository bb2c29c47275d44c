"""What is done to the clinician's sound before it is played: speech made clear for those who hear badly, and a ceiling.

All of it works on whole blocks by numpy, as nothing that goes sample by sample in Python would be quick enough.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from messaging.twin import Sound

CEILING = 0.5  # of full scale, -6 dB: small speakers and their amplifiers are linear below, and echo of a linear one
# can be cancelled; it also leaves the resident's own voice above the echo when both speak
_FULL = 32768.0
_RAMP = 96  # samples (2 ms) in which a gain changes
_RELEASE = 10 ** (0.5 / 20)  # a block: what was turned down comes back by 50 dB a second

_TAPS = 1024  # 21 ms: enough to tell 100 Hz from 200; of least phase, so that it delays by less than 1 ms
_SIZE = 1536  # of the transform: three blocks and a little, with few prime factors
_LOW_CUT_HZ = 160.0  # below is no speech, only what tires ears and small speakers
_SHELF_HZ = (1200.0, 1700.0)  # where it begins to rise and where it is up
_TOP_HZ = (4500.0, 9000.0)  # where it begins to fall back and where it is level again

_THRESHOLD_DB = -24.0  # RMS of speech that is left as it is; what is quieter comes nearer to it
_RATIO = 2.0
_MOST_UP_DB = 8.0
_QUIET_DB = -50.0  # a pause, and the line's noise: not raised
_ATTACK, _FALL = 0.5, 0.08  # of the way to another loudness, a block: up within 20 ms, down within 120


class Limiter:
    """No sample leaves over the ceiling. Peaks are turned down at once, over 2 ms, and come back within half a second.

    A block in which nothing comes near the ceiling leaves as it came.
    """

    def __init__(self, ceiling: float = CEILING) -> None:
        self._most = int(ceiling * 32767)
        self._gain = 1.0

    def apply(self, block: Block) -> Block:
        """The block under the ceiling."""
        peak = max(int(np.max(block)), -int(np.min(block)))
        gain = min(1.0, self._gain * _RELEASE, self._most / peak if peak else 1.0)
        if gain == self._gain == 1.0:
            return block.astype(np.int16, copy=False)
        shaped = np.clip(block * _ramp(self._gain, gain), -self._most, self._most)
        self._gain = gain
        return shaped.astype(np.int16)


class SpeechFilter:
    """A filter by its frequency response, block by block; it answers at once (least phase)."""

    def __init__(self, boost_db: float) -> None:
        frequencies = np.fft.rfftfreq(8 * _TAPS, 1 / SAMPLE_RATE)
        self.taps = _least_phase(10 ** (response_db(frequencies, boost_db) / 20))
        self._response = np.fft.rfft(self.taps, _SIZE)
        self._before = np.zeros(_SIZE - BLOCK)

    def apply(self, block: NDArray[np.float64]) -> NDArray[np.float64]:
        """The next block, filtered."""
        sound = np.concatenate((self._before, block))
        self._before = sound[BLOCK:]
        filtered: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(sound) * self._response, _SIZE)[-BLOCK:]
        return filtered


class Compressor:
    """Quiet speech louder, loud speech as it is, pauses not raised: who hears badly hears between two narrow limits."""

    def __init__(self) -> None:
        self._level_db = _QUIET_DB
        self._gain = 1.0

    def apply(self, block: NDArray[np.float64]) -> NDArray[np.float64]:
        """The next block, at its gain."""
        power = float(np.dot(block, block)) / BLOCK / _FULL**2
        level_db = 10 * float(np.log10(power + 1e-12))
        self._level_db += (_ATTACK if level_db > self._level_db else _FALL) * (level_db - self._level_db)
        gain = 10 ** (raise_db(self._level_db) / 20)
        raised: NDArray[np.float64] = block * _ramp(self._gain, gain)
        self._gain = gain
        return raised


class Shaping:
    """All of it, by the resident's profile. `apply` is for the speaker's thread; `use` may come from another."""

    def __init__(self) -> None:
        self._limiter = Limiter()
        self._sound = Sound()
        self._speech: tuple[SpeechFilter, Compressor] | None = None

    def use(self, sound: Sound) -> None:
        """Another profile from the next block on."""
        if sound != self._sound:
            clear = sound.profile == "clear_speech"
            self._speech = (SpeechFilter(sound.boost_db), Compressor()) if clear else None
            self._sound = sound

    def apply(self, block: Block) -> Block:
        """What to play for this block of the clinician's."""
        speech = self._speech
        if speech is None:
            return self._limiter.apply(block)
        speech_filter, compressor = speech
        clear = compressor.apply(speech_filter.apply(block.astype(np.float64)))
        # Wider than 16 bits until the limiter has turned it down: clipped before, it would be distorted for good.
        return self._limiter.apply(np.rint(clear).astype(np.int32))


def response_db(frequencies: NDArray[np.floating[Any]], boost_db: float) -> NDArray[np.float64]:
    """What the filter for clear speech does at these frequencies (Hz), in dB."""
    with np.errstate(divide="ignore"):
        octaves_below = np.log2(_LOW_CUT_HZ / np.maximum(frequencies, 1.0))
    low_cut = -12.0 * np.clip(octaves_below, 0.0, 2.5)
    shelf = _rise(frequencies, *_SHELF_HZ) - 0.5 * _rise(frequencies, *_TOP_HZ)
    result: NDArray[np.float64] = low_cut + boost_db * shelf
    return result


def raise_db(level_db: float) -> float:
    """By how much speech of this level (RMS, dBFS) is raised, in dB."""
    wanted = min(max(0.0, (_THRESHOLD_DB - level_db) * (1 - 1 / _RATIO)), _MOST_UP_DB)
    # Over the 10 dB above a pause it comes in gently.
    return wanted * min(max((level_db - _QUIET_DB) / 10, 0.0), 1.0)


def _rise(frequencies: NDArray[np.floating[Any]], low: float, high: float) -> NDArray[np.float64]:
    """0 below `low`, 1 above `high`, a half turn of a cosine between them."""
    part = np.clip((np.maximum(frequencies, 1.0) - low) / (high - low), 0.0, 1.0)
    result: NDArray[np.float64] = (1 - np.cos(np.pi * part)) / 2
    return result


def _least_phase(magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """The taps of least delay that have this magnitude, by folding the cepstrum."""
    size = 2 * (len(magnitude) - 1)
    cepstrum = np.fft.irfft(np.log(magnitude), size)
    cepstrum[1 : size // 2] *= 2
    cepstrum[size // 2 + 1 :] = 0
    taps = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)), size)[:_TAPS]
    fade = np.ones(_TAPS)
    fade[_TAPS // 2 :] = (1 + np.cos(np.pi * np.arange(_TAPS // 2) / (_TAPS // 2))) / 2
    result: NDArray[np.float64] = taps * fade
    return result


def _ramp(before: float, after: float) -> NDArray[np.float64]:
    ramp = np.full(BLOCK, after)
    ramp[:_RAMP] = np.linspace(before, after, _RAMP)
    return ramp
