"""Rooms as figures: what a microphone hears of a loudspeaker, 10 ms at a time, and what is said in the room.

A room is a direct sound and its reverberation (noise that dies away), a delay, the loudspeaker's own bend, two
crystals that differ, and perhaps a microphone that is moved. Everything is seeded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from device.hardware.sim.speech import SYLLABLE_HZ, speech

_TAPS = 9600  # 200 ms of reverberation
_SIZE = 16384  # of the transform
_RT60_S = 0.3
_ECHO = 0.5  # of what is played: a loudspeaker and a microphone in one box
_NOISE = 6.0  # RMS of the room's own noise, of 32768: -75 dBFS
_MOVED = 150  # samples (3 ms): a metre further away
_PHRASE = 9  # syllables, then a breath
_TAIL = 8  # samples about one between two samples


@dataclass(frozen=True)
class Scene:
    """One room. `delay_ms` of the sound in it; `moved_s` when the microphone is moved, None: never."""

    delay_ms: float = 0.0
    drift_ppm: float = 0.0
    saturates: bool = False
    moved_s: float | None = None


class Room:
    """What the microphone hears of what is played."""

    def __init__(self, scene: Scene, seed: int = 7) -> None:
        self._scene = scene
        self._responses = [np.fft.rfft(_reverberation(seed + n, _MOVED * n), _SIZE) for n in range(2)]
        self._before = np.zeros(_SIZE - BLOCK)
        self._late = np.zeros(2 * SAMPLE_RATE)  # what has been reflected, newest last
        self._noise = np.random.default_rng(seed)
        self._blocks = 0

    def hear(self, played: Block) -> NDArray[np.float64]:
        """What of this and of what came before reaches the microphone in the next 10 ms, of full scale 32768."""
        sound = played.astype(np.float64)
        if self._scene.saturates:
            # An amplifier that bends at a third of full scale and goes no further.
            sound = np.tanh(sound / 11_000) * 11_000
        moved = self._scene.moved_s is not None and self._blocks * BLOCK >= self._scene.moved_s * SAMPLE_RATE
        everything = np.concatenate((self._before, sound))
        self._before = everything[BLOCK:]
        echo = np.fft.irfft(np.fft.rfft(everything) * self._responses[moved], _SIZE)[-BLOCK:]
        self._late = np.concatenate((self._late[BLOCK:], echo))
        ago = self._scene.delay_ms * SAMPLE_RATE / 1000 + self._blocks * BLOCK * self._scene.drift_ppm * 1e-6
        self._blocks += 1
        return self._earlier(ago) + self._noise.normal(0, _NOISE, BLOCK)

    def _earlier(self, samples: float) -> NDArray[np.float64]:
        whole = int(samples)
        start = len(self._late) - BLOCK - whole - _TAIL
        around = self._late[max(0, start) : len(self._late) - whole + _TAIL]
        if whole < _TAIL:
            around = np.append(around, np.zeros(_TAIL - whole))
        # A sinc under a window: exact to -70 dB where speech is.
        at = np.arange(-_TAIL, _TAIL + 1) + (samples - whole)
        taps = np.sinc(at) * np.cos(np.pi * at / (2 * _TAIL + 2)) ** 2
        return np.convolve(around, taps[::-1], "valid")[:BLOCK]


def voice(seconds: float, faster: float = 1.0, level_db: float = -26.0) -> NDArray[np.int16]:
    """Speech of this length and RMS level; `faster` makes another speaker of it, higher and quicker.

    The syllables come in another order, pitch and pace each time: nobody says the same four seconds for ever, and a
    canceller that looks for the delay would find as many as there are repetitions.
    """
    once = speech().astype(np.float64)
    syllable = SAMPLE_RATE // SYLLABLE_HZ
    random = np.random.default_rng(round(faster * 100))
    count = round(seconds * SAMPLE_RATE)
    parts: list[NDArray[np.float64]] = []
    while sum(map(len, parts)) < count:
        start = int(random.integers(len(once) // syllable)) * syllable
        at = np.arange(0, syllable, faster * random.uniform(0.8, 1.25))
        parts.append(np.interp(at, np.arange(syllable), once[start : start + syllable]) * random.uniform(0.5, 1.0))
        if len(parts) % _PHRASE == 0:
            parts.append(np.zeros(round(random.uniform(0.4, 0.7) * SAMPLE_RATE)))
    said = np.concatenate(parts)[:count]
    said *= 32768 * 10 ** (level_db / 20) / np.sqrt(np.mean(said**2))
    return np.clip(said, -32768, 32767).astype(np.int16)


def _reverberation(seed: int, later: int) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    at = np.arange(_TAPS) / SAMPLE_RATE
    tail = random.normal(0, 1, _TAPS) * 10 ** (-3 * at / _RT60_S)
    tail[: round(0.002 * SAMPLE_RATE)] = 0
    direct = np.zeros(_TAPS)
    direct[0] = 1.0
    # A box loudspeaker gives nothing of the highest, and the direct sound is as strong as all that comes after it.
    response = direct + tail * (0.7 / np.sqrt(np.sum(tail**2)))
    soft = np.convolve(response, np.hanning(9) / np.hanning(9).sum())[:_TAPS]
    return np.append(np.zeros(later), soft)[:_TAPS] * _ECHO
