"""What the station says itself, by Debian's espeak-ng: plainly a machine's voice, so that nobody looks for a person."""

from __future__ import annotations

import io
import subprocess
import wave
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import SAMPLE_RATE
from device.media.errors import NoVoice
from messaging.twin import Language

SPEAKER = ("espeak-ng", "--stdout", "-s", "135", "-a", "120")  # slowly: it is heard across a room
_WITHIN_S = 5.0
_LONGEST = 120  # characters


def speak(words: str, language: Language, speaker: Sequence[str] = SPEAKER) -> NDArray[np.int16]:
    """These words, mono at 48 kHz; NoVoice where there is nobody to say them. Takes a while: not on the loop."""
    try:
        said = subprocess.run(
            [*speaker, "-v", language, "--stdin"], input=words[:_LONGEST].encode(), capture_output=True,
            timeout=_WITHIN_S, check=True,
        )  # fmt: skip
        with wave.open(io.BytesIO(said.stdout)) as voice:
            if (voice.getnchannels(), voice.getsampwidth()) != (1, 2):
                raise NoVoice("the voice is not mono of 16 bits")
            return _at_our_rate(np.frombuffer(voice.readframes(10**9), "<i2"), voice.getframerate())
    except (OSError, subprocess.SubprocessError, wave.Error, EOFError) as error:
        raise NoVoice(f"nothing can be said (Debian package espeak-ng): {error}") from error


def _at_our_rate(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """Straight lines between the samples: what that adds lies above the voice, where old ears hear nothing."""
    at = np.arange(len(samples) * SAMPLE_RATE // rate) * (rate / SAMPLE_RATE)
    ours: NDArray[np.int16] = np.interp(at, np.arange(len(samples)), samples).astype(np.int16)
    return ours
