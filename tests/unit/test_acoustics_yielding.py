"""Giving the floor: the clinician is softer while the resident speaks, and never for long without cause."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from device.hardware.ports import BLOCK, Block
from device.media.acoustics.yielding import LONGEST, SOFT, Yielding

ONES: Block = np.full(BLOCK, 1000, np.int16)


NOISE = np.random.default_rng(0).normal(0, 32768, (16, BLOCK))


def noise(level_db: float, seed: int = 0) -> Block:
    """A block of noise at this RMS level."""
    return np.asarray(NOISE[seed % 16] * 10 ** (level_db / 20), np.int16)


def talk(number: int) -> Block:
    """Speech without end, as from a television: with its short gaps between sounds, which noise has not."""
    return noise(-65 if number % 10 == 0 else -30, number)


def hear(yielding: Yielding, level_db: float, blocks: int) -> int:
    """The last block played while the room is this loud."""
    played = ONES
    for seed in range(blocks):
        yielding.hear(noise(level_db, seed))
        played = yielding.soften(ONES)
    return int(played[-1])


def test_while_the_resident_speaks_the_clinician_is_ten_decibels_softer() -> None:
    yielding = Yielding()
    assert hear(yielding, -70, 100) == 1000
    assert hear(yielding, -30, 20) == int(1000 * SOFT)
    assert hear(yielding, -70, 100) == 1000


def test_the_pause_between_two_words_does_not_bring_the_clinician_back() -> None:
    yielding = Yielding()
    hear(yielding, -30, 20)
    assert hear(yielding, -70, 15) == int(1000 * SOFT)


def test_a_cup_put_down_is_no_speech() -> None:
    yielding = Yielding()
    hear(yielding, -70, 100)
    assert hear(yielding, -20, 3) == 1000


def test_residue_of_the_echo_is_no_speech() -> None:
    assert hear(Yielding(), -55, 300) == 1000


def test_steady_noise_is_not_given_the_floor() -> None:
    yielding = Yielding()
    hear(yielding, -40, 4000)
    assert not yielding.yields
    assert hear(yielding, -25, 20) == int(1000 * SOFT)


def test_a_room_that_is_never_quiet_does_not_keep_the_clinician_soft() -> None:
    yielding = Yielding()
    hear(yielding, -70, 100)
    soft = 0
    for seed in range(3 * LONGEST):
        yielding.hear(talk(seed))
        soft += int(yielding.soften(ONES)[-1]) < 900
    assert LONGEST / 2 < soft < LONGEST + 60


def test_a_long_story_of_the_residents_leaves_the_floor_his_when_the_clinician_puts_in_a_word() -> None:
    yielding = Yielding()
    for seed in range(2 * LONGEST):
        yielding.hear(talk(seed))
        yielding.soften(np.zeros(BLOCK, np.int16))
    assert int(yielding.soften(ONES)[-1]) == int(1000 * SOFT)


def test_without_a_canceller_nobody_yields() -> None:
    yielding = Yielding()
    hear(yielding, -30, 20)
    yielding.rest()
    for _ in range(40):
        played = yielding.soften(ONES)
    assert np.array_equal(played, ONES)


@given(st.lists(st.floats(-90, 0), max_size=12), arrays(np.int16, BLOCK))
def test_it_never_makes_anything_louder(levels: list[float], said: Block) -> None:
    yielding = Yielding()
    for level in levels:
        yielding.hear(noise(level))
        played = yielding.soften(said)
        assert played.dtype == np.int16
        assert (np.abs(played.astype(np.int32)) <= np.abs(said.astype(np.int32))).all()
