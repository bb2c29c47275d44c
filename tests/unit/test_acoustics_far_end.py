"""The speaker's stream beside the microphone's: in step by samples, whatever the threads do."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from device.media.acoustics.far_end import CAPACITY, PRIMED, FarEnd
from tests.kits.examples import examples

PERIOD = BLOCK / SAMPLE_RATE


class Line:
    """A speaker and a microphone with clocks of their own. Samples count up, so that each says where it belongs.

    `late` is what a thread is late by at a time; the stream itself goes on. Real shifts are made by `skip_*`.
    """

    def __init__(self, ppm: float = 0.0) -> None:
        self.now = 0.0
        self.far_end = FarEnd(lambda: self.now)
        self._ppm = ppm
        self._said = 0
        self.puts: list[float] = []
        self.pairs: list[tuple[float, int]] = []  # when, and how many samples the speaker's is behind the microphone's

    def run(self, seconds: float, jitter_s: float = 0.0, seed: int = 1, quiet_s: float = 0.0) -> None:
        """Let both run on; for `quiet_s` at the beginning the speaker's thread has nothing and plays silence."""
        chance = random.Random(seed)
        begin = self.now
        put_period = PERIOD / (1 + self._ppm * 1e-6)
        events = [
            (begin + n * put_period + chance.uniform(0, jitter_s), "put")
            for n in range(round(seconds / put_period))
            if n * put_period >= quiet_s
        ]
        events += [
            (begin + (n + 0.5) * PERIOD + chance.uniform(0, jitter_s), "take") for n in range(round(seconds / PERIOD))
        ]
        for at, what in sorted(events):
            self.now = at
            self._put() if what == "put" else self._take()
        self.now = begin + seconds

    def _put(self) -> None:
        # Modulo a prime below 2**15, and never 0, which is silence.
        self.far_end.put(((self._said + np.arange(BLOCK)) % 32_003 + 1).astype(np.int16))
        self._said += BLOCK

    def _take(self) -> None:
        block = self.far_end.take()
        if block[-1]:
            behind = (self._said - int(block[-1])) % 32_003
            self.pairs.append((self.now, behind))

    def behind(self, last_s: float) -> float:
        """The median over the last seconds, in samples."""
        return float(np.median([behind for at, behind in self.pairs if at > self.now - last_s]))


def test_in_step_and_whole_when_nothing_disturbs() -> None:
    line = Line()
    line.run(5)
    assert {behind for _, behind in line.pairs} == {line.pairs[0][1]}
    assert line.far_end.counts.missing == line.far_end.counts.put_in == line.far_end.counts.left_out == 0


@settings(max_examples=examples(20), deadline=None)
@given(st.floats(0, 0.012), st.integers(0, 1000))
def test_jitter_of_the_threads_shifts_nothing(jitter_s: float, seed: int) -> None:
    line = Line()
    line.run(6, jitter_s, seed)
    assert line.far_end.counts.put_in == line.far_end.counts.left_out == 0


@pytest.mark.parametrize("ppm", [-200, -100, 100, 200])
def test_two_crystals_that_differ_are_followed_a_sample_at_a_time(ppm: int) -> None:
    line = Line(ppm)
    line.run(60)
    counts = line.far_end.counts
    assert counts.put_in == counts.left_out == 0
    assert counts.slipped == pytest.approx(ppm * 1e-6 * 60 * SAMPLE_RATE, abs=260)
    assert line.behind(2) == pytest.approx(line.behind(59), abs=BLOCK)


@pytest.mark.parametrize("ppm", [-200, -60, 0, 60, 200])
def test_an_echo_that_moves_is_followed_a_sample_at_a_time_and_nobody_is_called_late_for_it(ppm: int) -> None:
    line = Line()
    line.run(1)
    before = line.behind(0.1)
    line.far_end.follow(ppm)
    line.run(8)
    moved = ppm * 1e-6 * 8 * SAMPLE_RATE
    assert line.far_end.slipped == pytest.approx(-moved, abs=1)
    assert line.behind(0.1) - before == pytest.approx(moved, abs=2)
    assert line.far_end.steady
    assert line.far_end.counts.missing == 0


@pytest.mark.parametrize("ppm", [-100, 100])
def test_crystals_that_were_heard_in_the_room_never_move_what_waits(ppm: int) -> None:
    """What is counted and what is heard are one difference: followed once, not twice."""
    line = Line(ppm)
    line.far_end.follow(-ppm)  # the speaker plays faster: its echo comes ever earlier by the microphone's count
    line.run(60)
    assert line.far_end.slipped == pytest.approx(ppm * 1e-6 * 60 * SAMPLE_RATE, abs=30)
    assert line.behind(2) == pytest.approx(line.behind(59), abs=BLOCK)


def test_a_speaker_that_ran_dry_has_its_silence_put_in() -> None:
    line = Line()
    line.run(3)
    before = line.behind(1)
    line.run(4, quiet_s=0.05)
    # It will be heard 50 ms later than was told: it must be told 50 ms later.
    assert line.far_end.counts.put_in + line.far_end.counts.missing == pytest.approx(0.05 * SAMPLE_RATE, abs=BLOCK)
    assert line.behind(1) == pytest.approx(before, abs=BLOCK)


def test_sound_that_the_microphone_lost_is_left_out() -> None:
    line = Line()
    line.run(3)
    before = line.behind(1)
    for _ in range(6):
        line._put()
    line.run(4)
    assert line.far_end.counts.left_out == pytest.approx(6 * BLOCK, abs=BLOCK // 2)
    assert line.behind(1) == pytest.approx(before, abs=BLOCK)


def test_a_microphones_thread_that_is_late_once_loses_nothing() -> None:
    line = Line()
    line.run(3)
    before = line.behind(1)
    for _ in range(8):
        line._put()
    for _ in range(8):
        line._take()
    line.run(3)
    assert line.far_end.counts.left_out == 0
    assert line.behind(1) == before


def test_a_speaker_that_is_shut_is_silence_and_begins_anew() -> None:
    far_end = FarEnd(lambda: 0.0)
    for _ in range(4):
        far_end.put(np.full(BLOCK, 7, np.int16))
    for _ in range(60):
        far_end.take()
    assert not far_end.take().any()
    assert far_end.waiting_ms == 0
    missing = far_end.counts.missing
    for _ in range(5):
        far_end.take()
    assert far_end.counts.missing == missing  # nobody plays: nothing is missed
    for _ in range(PRIMED // BLOCK):
        far_end.put(np.full(BLOCK, 9, np.int16))
    assert (far_end.take() == 9).all()


def test_a_microphone_that_is_shut_costs_no_more_than_a_second_of_memory() -> None:
    far_end = FarEnd(lambda: 0.0)
    for n in range(500):
        far_end.put(np.full(BLOCK, n, np.int16))
    assert far_end.waiting_ms == CAPACITY * 1000 / SAMPLE_RATE
    assert (far_end.take() == 500 - PRIMED // BLOCK).all()  # begun anew with the newest


@given(st.lists(st.booleans(), max_size=300))
def test_any_order_of_calls_gives_whole_blocks(calls: list[bool]) -> None:
    far_end = FarEnd(lambda: 0.0)
    block: Block = np.ones(BLOCK, np.int16)
    for put in calls:
        if put:
            far_end.put(block)
        else:
            taken = far_end.take()
            assert taken.shape == (BLOCK,)
            assert taken.dtype == np.int16
    assert 0 <= far_end.waiting_ms <= 1000


def test_two_punctual_threads_are_steady_after_a_while_and_a_late_one_is_not() -> None:
    line = Line()
    line.run(0.5)
    assert not line.far_end.steady
    line.run(2, jitter_s=0.004)
    assert line.far_end.steady
    line.run(1, jitter_s=0.05)
    assert not line.far_end.steady
    line.run(2)
    assert line.far_end.steady
