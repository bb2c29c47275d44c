"""What is done to the clinician's sound: never over the ceiling, speech's band raised, quiet speech nearer to loud."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from device.hardware.sim.speech import speech
from device.media.acoustics.shaping import CEILING, Compressor, Limiter, Shaping, SpeechFilter, raise_db, response_db
from messaging.twin import Sound

MOST = int(CEILING * 32767)
blocks = arrays(np.int16, BLOCK)
profiles = st.builds(Sound, st.sampled_from(["normal", "clear_speech"]), st.integers(0, 9))


def tone(hertz: float, level: float, seconds: float = 0.5) -> list[Block]:
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return list((np.sin(2 * np.pi * hertz * at) * level * 32767).astype(np.int16).reshape(-1, BLOCK))


def db(sound: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(sound, dtype=np.float64))) / 32768 + 1e-9))


@given(st.lists(blocks, min_size=1, max_size=4), profiles)
def test_nothing_ever_leaves_over_the_ceiling(sound: list[Block], profile: Sound) -> None:
    shaping = Shaping()
    shaping.use(profile)
    for block in sound:
        played = shaping.apply(block)
        assert played.dtype == np.int16
        assert played.shape == (BLOCK,)
        assert max(int(played.max()), -int(played.min())) <= MOST


@given(arrays(np.int16, BLOCK, elements=st.integers(-MOST, MOST)))
def test_what_is_under_the_ceiling_is_left_alone(block: Block) -> None:
    assert np.array_equal(Limiter().apply(block), block)


def test_a_loud_voice_is_turned_down_and_not_clipped() -> None:
    limiter = Limiter()
    sound = np.concatenate([limiter.apply(block) for block in tone(440, 1.0)])[4 * BLOCK :]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    third = spectrum[round(1320 * len(sound) / SAMPLE_RATE)]
    assert third < spectrum.max() / 300  # a clipped sine has a tenth of it there


def test_after_a_loud_word_the_soft_ones_are_back_within_half_a_second() -> None:
    limiter = Limiter()
    for block in tone(440, 1.0, 0.1):
        limiter.apply(block)
    after = [limiter.apply(block) for block in tone(440, 0.1, 0.6)]
    assert db(after[0]) < db(tone(440, 0.1)[0]) - 5
    assert np.array_equal(after[-1], tone(440, 0.1, 0.6)[-1])


@pytest.mark.parametrize(
    ("hertz", "least", "most"),
    [(50, -30, -15), (300, -1, 1), (1000, -1, 1), (2000, 6.5, 7.5), (4000, 6.5, 7.5), (12_000, 3, 4)],
)
def test_the_filter_raises_the_consonants_and_cuts_the_rumble(hertz: float, least: float, most: float) -> None:
    speech_filter = SpeechFilter(7)
    heard = np.concatenate([speech_filter.apply(block.astype(np.float64)) for block in tone(hertz, 0.1)])
    assert least < db(heard[SAMPLE_RATE // 10 :]) - db(np.concatenate(tone(hertz, 0.1))) < most


@given(st.integers(0, 9), st.floats(20, 20_000))
def test_the_filter_never_raises_by_more_than_it_was_told(boost: int, hertz: float) -> None:
    (told,) = response_db(np.array([hertz]), boost)
    assert -30.1 <= told <= boost + 0.01


def test_blocks_join_without_a_seam() -> None:
    sound = speech()[:SAMPLE_RATE].astype(np.float64)
    speech_filter = SpeechFilter(9)
    by_blocks = np.concatenate([speech_filter.apply(block) for block in sound.reshape(-1, BLOCK)])
    at_once = np.convolve(sound, speech_filter.taps)[: len(sound)]
    assert np.allclose(by_blocks, at_once, atol=1e-6)


def test_the_filter_answers_at_once() -> None:
    taps = SpeechFilter(9).taps
    assert np.cumsum(taps**2)[48] > 0.9 * np.sum(taps**2)  # nearly all within a millisecond


@given(st.floats(-120, 0), st.floats(-120, 0))
def test_quiet_speech_is_never_made_louder_than_loud_speech(one: float, other: float) -> None:
    quiet, loud = sorted((one, other))
    assert 0 <= raise_db(quiet) <= 8
    assert quiet + raise_db(quiet) <= loud + raise_db(loud) + 1e-9


def test_quiet_speech_is_raised_and_a_pause_is_not() -> None:
    for level, least, most in ((0.02, 5, 8.5), (0.0002, -0.1, 0.1), (0.3, -0.1, 0.1)):
        compressor = Compressor()
        heard = [compressor.apply(block.astype(np.float64)) for block in tone(500, level)]
        assert least < db(heard[-1]) - db(tone(500, level)[-1]) < most


def test_clear_speech_is_louder_in_its_band_than_normal() -> None:
    def played(profile: Sound) -> np.ndarray:
        shaping = Shaping()
        shaping.use(profile)
        soft = (speech()[: 2 * SAMPLE_RATE] * 0.15).astype(np.int16)
        return np.abs(np.fft.rfft(np.concatenate([shaping.apply(block) for block in soft.reshape(-1, BLOCK)])))

    clear, normal = played(Sound("clear_speech", 9)), played(Sound())
    band = slice(2 * 2000, 2 * 4000)
    assert 10 < 20 * np.log10(np.linalg.norm(clear[band]) / np.linalg.norm(normal[band])) < 20


def test_a_profile_that_is_set_again_changes_nothing() -> None:
    shaping, other = Shaping(), Shaping()
    for one in (shaping, other):
        one.use(Sound("clear_speech"))
    for block in speech()[: 20 * BLOCK].reshape(-1, BLOCK):
        shaping.use(Sound("clear_speech"))
        assert np.array_equal(shaping.apply(block), other.apply(block))
