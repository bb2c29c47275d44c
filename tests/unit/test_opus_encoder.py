"""Opus as we send it: rate, repairs and pauses, changed while it runs, judged by what the decoder hears."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.media.opus import OpusDecoder, holds_repair, is_pause
from device.media.opus_encoder import SAMPLES, OpusEncoder
from tests.kits.examples import examples


def voice(seconds: float) -> np.ndarray:
    """Something like speech: a buzz with moving formants that comes in syllables."""
    time = np.arange(int(seconds * 48_000)) / 48_000
    buzz = sum(np.sin(2 * np.pi * 130 * k * time) / k for k in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * 3 * time), 0, None) * (1.2 + np.sin(2 * np.pi * 0.9 * time))
    noise = np.random.default_rng(3).normal(0, 0.02, time.size)
    return (4000 * (buzz * syllables + noise)).astype(np.int16)


def packets(encoder: OpusEncoder, sound: np.ndarray) -> list[bytes]:
    return [encoder.encode(sound[at : at + SAMPLES]) for at in range(0, sound.size - SAMPLES + 1, SAMPLES)]


def bits_a_second(sent: list[bytes]) -> float:
    return sum(map(len, sent)) * 8 * 50 / len(sent)


@pytest.mark.parametrize("rate", [12_000, 20_000, 24_000, 32_000])
def test_the_rate_is_held_and_changes_while_running(rate: int) -> None:
    encoder = OpusEncoder(32_000)
    packets(encoder, voice(1))
    encoder.adapt(rate, 0.1)
    packets(encoder, voice(0.5))
    assert bits_a_second(packets(encoder, voice(4))) < rate * 1.2


@pytest.mark.parametrize("rate", [20_000, 24_000, 32_000])
def test_a_packet_can_repair_the_one_before_it_when_the_line_loses(rate: int) -> None:
    encoder = OpusEncoder(rate)
    encoder.adapt(rate, 0.15)
    sent = packets(encoder, voice(3))
    assert sum(map(holds_repair, sent)) > 0.3 * len(sent), "of the packets, those with speech before them"


def test_a_change_of_rate_and_loss_is_not_heard() -> None:
    """Between two packets the wave goes on: no jump beyond those that the voice has itself."""
    sound = voice(4)
    encoder, decoder, heard = OpusEncoder(32_000), OpusDecoder(), []
    for i, at in enumerate(range(0, sound.size - SAMPLES + 1, SAMPLES)):
        if i % 20 == 0:
            encoder.adapt((32_000, 12_000, 24_000, 20_000)[i // 20 % 4], (i // 20 % 3) / 10)
        heard.append(decoder.decode(encoder.encode(sound[at : at + SAMPLES])))
    steps = np.abs(np.diff(np.concatenate(heard).astype(int)))
    seams = steps[SAMPLES - 1 :: SAMPLES]
    assert seams.max() <= np.abs(np.diff(sound.astype(int))).max() * 1.5


def test_silence_is_a_pause_and_speech_ends_it_at_once() -> None:
    encoder = OpusEncoder(32_000)
    packets(encoder, voice(1))
    silent = packets(encoder, np.zeros(SAMPLES * 100, np.int16))
    assert sum(map(is_pause, silent)) > 70
    assert not is_pause(encoder.encode(voice(0.4)[-SAMPLES * 10 :][:SAMPLES]))


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(st.tuples(st.integers(6_000, 64_000), st.floats(0, 1)), max_size=8), st.integers(0, 2**32 - 1))
def test_any_sound_at_any_rate_makes_a_packet_that_can_be_heard(rates: list[tuple[int, float]], seed: int) -> None:
    encoder, decoder = OpusEncoder(32_000), OpusDecoder()
    random = np.random.default_rng(seed)
    for rate, loss in [(32_000, 0.0), *rates]:
        encoder.adapt(rate, loss)
        packet = encoder.encode(random.integers(-(2**15), 2**15, SAMPLES).astype(np.int16))
        assert decoder.decode(packet).size == SAMPLES
