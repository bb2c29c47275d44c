"""What both stations and the clinician's page show and say in `bench-line`: the simulated camera's scene, a speech.

A page paints the scene itself (line.js), from the parts that our simulated camera paints it from: `scene_parts`.
"""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import SAMPLE_RATE
from device.hardware.sim import glyphs, scene
from device.hardware.sim.scene import Scene
from device.hardware.sim.speech import SYLLABLE_HZ, speech

TALK_S = 30
_SYLLABLE = SAMPLE_RATE // SYLLABLE_HZ


def scene_parts(painted: Scene) -> tuple[dict[str, Any], bytes]:
    """What line.js paints a scene from: a description, and the planes and masks in the order it reads them."""
    unit = painted.height / 720
    parts = {
        "width": painted.width, "height": painted.height, "unit": unit,
        "sway_hz": scene._SWAY_HZ, "nod_hz": scene._NOD_HZ, "speech_hz": scene._SPEECH_HZ,
        "sprites": [{"width": s.planes[0].shape[1], "height": s.planes[0].shape[0]} for s in painted._sprites],
        "face": {
            "at": max(2, round(24 * unit)), "dot": max(1, round(8 * unit)), "margin": max(2, round(16 * unit)),
            "digits": scene._DIGITS[0], "panel": scene._PANEL[0],
            "glyphs": {letter: rows.split() for letter, rows in glyphs._ROWS.items()},
        },
    }  # fmt: skip
    planes = [painted._still, *(plane for one in painted._sprites for plane in (*one.planes, *one.masks))]
    return parts, b"".join(plane.astype(np.uint8).tobytes() for plane in planes)


def talk(seed: int = 7) -> NDArray[np.int16]:
    """Half a minute of syllables, mono at 48 kHz, that never repeat: each has a pitch, a length and a loudness.

    So a second of it is found again in what was received, however late it came, and whatever came before it was lost.
    It can be repeated without a click.
    """
    draws = np.random.default_rng(seed)
    syllables = speech().astype(np.float64).reshape(-1, _SYLLABLE)
    syllables = syllables[np.abs(syllables).max(axis=1) > 1000]
    said: list[NDArray[np.float64]] = []
    length = TALK_S * SAMPLE_RATE
    while sum(len(part) for part in said) < length:
        syllable = syllables[draws.integers(len(syllables))]
        places = np.arange(0, _SYLLABLE - 1, draws.uniform(0.75, 1.5))
        said.append(np.interp(places, np.arange(_SYLLABLE), syllable) * draws.uniform(0.5, 1.0))
        if draws.random() < 0.15:
            said.append(np.zeros(int(draws.uniform(0.08, 0.3) * SAMPLE_RATE)))
    whole = np.concatenate(said)[:length]
    whole[-480:] *= np.linspace(1, 0, 480)
    return np.round(whole).astype(np.int16)


def write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    """A mono WAV file at 48 kHz, for the simulated microphone."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
