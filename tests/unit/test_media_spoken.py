"""The station's own voice: it says what it is told, and its absence is one plain error."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from device.hardware.ports import SAMPLE_RATE
from device.media.errors import NoVoice
from device.media.spoken import speak
from messaging.twin import Language


@pytest.mark.parametrize(("words", "language"), [("Her er Stue 12.", "da"), ("This is Room 12.", "en")])
def test_words_are_said_for_about_as_long_as_somebody_would(words: str, language: Language) -> None:
    said = speak(words, language)
    assert said.dtype == np.int16
    assert 0.7 < len(said) / SAMPLE_RATE < 4
    assert 2000 < np.abs(said).max() <= 32767


def test_a_name_is_text_and_never_an_option_or_a_file() -> None:
    assert len(speak("--version -f /etc/passwd", "en")) > SAMPLE_RATE / 2


def test_a_very_long_name_is_cut() -> None:
    assert len(speak("en to tre " * 100, "da")) < 30 * SAMPLE_RATE


@pytest.mark.parametrize(
    "speaker",
    [
        ("/no/such/program",), (sys.executable, "-c", "raise SystemExit(1)"), (sys.executable, "-c", "print('RIFF')"),
        (sys.executable, "-c", "pass"),
    ],
)  # fmt: skip
def test_a_station_without_a_voice_says_what_is_missing(speaker: tuple[str, ...]) -> None:
    with pytest.raises(NoVoice, match="espeak-ng"):
        speak("Her er Stue 12.", "da", speaker)
