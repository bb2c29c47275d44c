"""A signal that sounds and measures like speech, made from nothing, the same every time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import SAMPLE_RATE

SYLLABLE_HZ = 4  # the rate at which people speak, and what level meters and voice detectors expect
SECONDS = 4
_PAUSE_EVERY = 6  # every sixth syllable is a breath
# The first three formants (Hz) of a, e, i, o, u, and how loud each is.
_VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))
_FORMANT_GAIN = (1.0, 0.5, 0.25)
_FORMANT_WIDTH = (90.0, 110.0, 160.0)
_PITCH_HZ = 125
_HARMONICS = 26
_PEAK = 0.5


def speech() -> NDArray[np.int16]:
    """Four seconds of voiced syllables, mono at 48 kHz, that can be repeated without a click."""
    time = np.arange(SECONDS * SAMPLE_RATE, dtype=np.float64) / SAMPLE_RATE
    # Whole numbers of turns in the loop, so that its end meets its beginning.
    phase = 2 * np.pi * _PITCH_HZ * time + 14 * np.sin(2 * np.pi * 0.5 * time)
    syllable = np.floor(time * SYLLABLE_HZ).astype(np.int64)
    voice = _voice(phase)
    within = time * SYLLABLE_HZ % 1
    loudness = np.sin(np.pi * within) ** 2 * (syllable % _PAUSE_EVERY != _PAUSE_EVERY - 1)
    # A little of the next syllable's noise at its start stands for its consonant.
    noise = np.random.default_rng(3).normal(0, 0.03, len(time)) * np.clip(1 - within * 6, 0, 1)
    signal = voice / np.abs(voice).max() * loudness + noise * (loudness > 0)
    samples: NDArray[np.int16] = np.round(signal / np.abs(signal).max() * _PEAK * 32767).astype(np.int16)
    return samples


def _voice(phase: NDArray[np.float64]) -> NDArray[np.float64]:
    vowels = np.arange(SECONDS * SYLLABLE_HZ) % len(_VOWELS)
    # sin(n x) from the two before it: twenty-six sines for the price of two.
    twice, before, sine = 2 * np.cos(phase), np.zeros_like(phase), np.sin(phase)
    voice = np.zeros_like(phase)
    for harmonic in range(1, _HARMONICS + 1):
        voice += sine * np.repeat(_strength(harmonic)[vowels], SAMPLE_RATE // SYLLABLE_HZ)
        before, sine = sine, twice * sine - before
    return voice


def _strength(harmonic: int) -> NDArray[np.float64]:
    """How strong a harmonic is in each vowel: what its formants let through of a voice that falls off upwards."""
    distance = (harmonic * _PITCH_HZ - np.array(_VOWELS)) / np.array(_FORMANT_WIDTH)
    strength: NDArray[np.float64] = (np.array(_FORMANT_GAIN) / (1 + distance**2)).sum(axis=1) / harmonic**0.5
    return strength
