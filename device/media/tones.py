"""The tones the station makes itself, soft and low enough for old ears: most have lost what lies over 2 kHz."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block

Tone = Literal["none", "ring", "countdown", "calling", "identify"]

_LEVEL = 0.35  # of full scale: the speaker's volume is set elsewhere
# (seconds, Hz) one after the other; 0 Hz is silence. The ring is a rising G major chord, twice, then a pause;
# the calling tone is the Danish one (425 Hz, one second in five), an octave's partner added to soften it.
_RING = (
    (0.28, 392.0),
    (0.28, 493.9),
    (0.55, 587.3),
    (0.25, 0.0),
    (0.28, 392.0),
    (0.28, 493.9),
    (0.55, 587.3),
    (2.0, 0.0),
)
_CALLING = ((1.0, 425.0), (4.0, 0.0))
# Five seconds: the ring's chord once, then a stroke of its last note each second, as a clock that strikes.
_COUNTDOWN = (
    (0.28, 392.0), (0.28, 493.9), (0.55, 587.3), (0.89, 0.0),
    (0.2, 587.3), (0.8, 0.0), (0.2, 587.3), (0.8, 0.0), (0.2, 587.3), (0.8, 0.0),
)  # fmt: skip
_IDENTIFY = ((0.2, 587.3), (0.2, 440.0), (0.35, 587.3), (0.4, 0.0))  # then the words, where there is a voice
_REST_S = 1.5
_SCORES = {"ring": _RING, "countdown": _COUNTDOWN, "calling": _CALLING, "identify": _IDENTIFY}
_WORDLESS = np.zeros(0, np.int16)


def tone_blocks(tone: Tone, words: NDArray[np.int16] = _WORDLESS) -> Iterator[Block]:
    """The tone in blocks of 10 ms, for ever; nothing for "none". `words` (mono, 48 kHz) follow each `identify`."""
    if tone == "none":
        return
    samples = np.concatenate([_note(seconds, hertz) for seconds, hertz in _SCORES[tone]])
    if tone == "identify":
        samples = np.concatenate((samples, words, _note(_REST_S, 0.0)))
    whole = samples[: len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK)
    while True:
        yield from whole


def _note(seconds: float, hertz: float) -> NDArray[np.int16]:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    if not hertz:
        return np.zeros(len(time), np.int16)
    # A bell without its clank: two soft harmonics, 20 ms in, and out before the next note so that nothing clicks.
    wave = (
        np.sin(2 * np.pi * hertz * time)
        + 0.3 * np.sin(4 * np.pi * hertz * time)
        + 0.1 * np.sin(6 * np.pi * hertz * time)
    )
    rise = np.clip(time / 0.02, 0, 1)
    fall = np.clip((seconds - time) / min(0.12, seconds / 2), 0, 1)
    return np.asarray(wave / 1.4 * rise * fall * _LEVEL * 32767, np.int16)
