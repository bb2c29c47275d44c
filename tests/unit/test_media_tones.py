"""The tones: gentle, never clicking, never ending."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from device.hardware.ports import BLOCK, SAMPLE_RATE
from device.media.playout import Playout
from device.media.speaking import Loudspeaker
from device.media.tones import Tone, tone_blocks
from tests.kits.media.sound import Hearing, encoded, sent
from tests.kits.media.untouched import Untouched

TONES: tuple[Tone, ...] = ("ring", "calling")


def seconds(tone: Tone, count: float) -> np.ndarray:
    return np.concatenate(list(itertools.islice(tone_blocks(tone), int(count * 100))))


def test_no_tone_is_nothing() -> None:
    assert list(tone_blocks("none")) == []


@pytest.mark.parametrize("tone", TONES)
def test_a_tone_goes_on_in_blocks_of_ten_milliseconds(tone: Tone) -> None:
    blocks = list(itertools.islice(tone_blocks(tone), 3000))
    assert len(blocks) == 3000
    assert {block.shape for block in blocks} == {(BLOCK,)}
    assert any(block.any() for block in blocks[-1000:])


@pytest.mark.parametrize("tone", TONES)
def test_a_tone_does_not_click_and_is_not_shrill(tone: Tone) -> None:
    sound = seconds(tone, 10).astype(float)
    assert np.abs(np.diff(sound)).max() < 2500
    power = np.abs(np.fft.rfft(sound)) ** 2
    over = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE) > 2000
    assert power[over].sum() < 0.001 * power.sum(), "most old ears hear nothing over 2 kHz"


@pytest.mark.parametrize("tone", TONES)
def test_a_tone_pauses(tone: Tone) -> None:
    quiet = [not block.any() for block in itertools.islice(tone_blocks(tone), 1000)]
    assert 0.2 < np.mean(quiet) < 0.9


def test_the_words_of_who_is_looked_for_follow_each_chime() -> None:
    words = np.full(4800, 7, np.int16)
    said = np.concatenate(list(itertools.islice(tone_blocks("identify", words), 700)))
    assert np.count_nonzero(said == 7) >= 2 * 4800
    chime = np.concatenate(list(itertools.islice(tone_blocks("identify"), 20)))
    assert np.array_equal(said[: len(chime)], chime), "they listen up first"


def test_the_ring_is_louder_than_speech_and_not_at_full_scale() -> None:
    loudest = np.abs(seconds("ring", 5).astype(int)).max()
    assert 6_000 < loudest < 16_000


def test_a_countdown_strikes_every_second() -> None:
    sound = np.abs(seconds("countdown", 15).astype(int))
    for second in range(15):
        assert sound[second * SAMPLE_RATE :][: SAMPLE_RATE // 4].max() > 3000, second


def test_the_speaker_plays_the_tone_then_the_clinician() -> None:
    hearing = Hearing()
    loudspeaker = Loudspeaker(hearing.playout, Untouched())
    loudspeaker.play("calling")
    assert any(loudspeaker.next_block().any() for _ in range(10))
    assert loudspeaker.meter.db > -40

    loudspeaker.play("none")
    hearing.listen(sent(encoded(1)), 1)
    loudspeaker.meter.reset()
    loudspeaker.next_block()
    assert loudspeaker.meter.db > -40


def test_the_echo_canceller_is_told_all_that_is_played() -> None:
    played: list[np.ndarray] = []

    class Processor(Untouched):
        def played(self, block: np.ndarray) -> None:
            played.append(block)

    loudspeaker = Loudspeaker(Playout(lambda: 0.0), Processor())
    loudspeaker.play("ring")
    blocks = [loudspeaker.next_block() for _ in range(5)]
    loudspeaker.play("none")
    blocks.append(loudspeaker.next_block())
    assert all(a is b for a, b in zip(played, blocks, strict=True))
