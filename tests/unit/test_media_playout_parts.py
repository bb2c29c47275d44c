"""What the play-out buffer is made of: the store of packets, the estimate of delay, stretching."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.hardware.ports import BLOCK, SAMPLE_RATE
from device.media.playout.delay import LEAST_S, MOST_S, DelayEstimate, SpeakerPhase
from device.media.playout.packets import MOST, Packet, PacketStore
from device.media.playout.stretch import AHEAD, LONGEST, SHORTEST, lengthen, shorten
from device.media.playout.stretching import Stretching
from tests.kits.media.sound import FRAME, FRAME_S, said, steepest

SPEECH = said(4)


def packet(position: int, number: int = 0) -> Packet:
    return Packet(position, number, b"\x78..", FRAME)


@given(st.lists(st.integers(0, 40), max_size=80))
def test_packets_come_out_in_order_and_once_whatever_order_they_came_in(order: list[int]) -> None:
    store = PacketStore()
    for i in order:
        store.add(packet(i * FRAME))
    out = []
    while (first := store.first()) is not None:
        out.append(first.position // FRAME)
        store.take()
    assert out == sorted(set(order))
    assert store.duplicates == len(order) - len(out)


def test_what_comes_after_its_time_is_counted_and_left_out() -> None:
    store = PacketStore()
    store.add(packet(0))
    store.add(packet(3 * FRAME))
    store.take()
    assert store.add(packet(0)), "news of the line all the same"
    assert [store.first()] == [packet(3 * FRAME)]
    assert store.first_from(4 * FRAME) is None
    assert store.late == 2


@given(st.lists(st.integers(0, (1 << 32) - 1), min_size=1, max_size=600))
def test_the_store_is_bounded_and_positions_go_on_over_the_wrap(timestamps: list[int]) -> None:
    store = PacketStore()
    for timestamp in timestamps:
        position = store.unwrap(timestamp)
        assert position % (1 << 32) == timestamp
        store.add(packet(position))
    assert len(store) <= MOST


def test_a_timestamp_that_wraps_is_the_next_and_not_the_first() -> None:
    store = PacketStore()
    store.add(packet(store.unwrap((1 << 32) - FRAME)))
    assert store.unwrap(0) == 1 << 32
    assert store.unwrap((1 << 32) - 2 * FRAME) == (1 << 32) - 2 * FRAME


def learn(estimate: DelayEstimate, delays: list[float], start: float = 0.0) -> None:
    for i, late in enumerate(delays):
        at = start + i * FRAME_S
        estimate.heard(round(at * SAMPLE_RATE), at + late)


def test_on_a_calm_line_the_least_is_held_wherever_the_clocks_stand() -> None:
    estimate = DelayEstimate()
    learn(estimate, [1234.5] * 200)
    assert estimate.target == pytest.approx(1234.5 + LEAST_S, abs=0.001)


def test_nearly_all_packets_of_a_jittery_line_are_waited_for() -> None:
    dice = random.Random(1)
    delays = [0.15 + dice.uniform(-0.03, 0.03) for _ in range(300)]
    estimate = DelayEstimate()
    learn(estimate, delays)
    in_time = sum(late <= estimate.target for late in delays) / len(delays)
    assert in_time > 0.97
    assert estimate.target < 0.21
    assert estimate.jitter_s == pytest.approx(0.02, abs=0.008)


def test_it_rises_within_a_fifth_of_a_second_and_comes_down_slowly() -> None:
    estimate = DelayEstimate()
    learn(estimate, [0.0] * 250)
    learn(estimate, [0.1] * 10, start=5.0)
    assert estimate.target > 0.1, "ten late packets are enough"
    learn(estimate, [0.0] * 200, start=5.2)
    assert estimate.target > 0.1, "four seconds on it is not yet forgotten"
    learn(estimate, [0.0] * 100, start=9.2)
    assert estimate.target == pytest.approx(LEAST_S, abs=0.001)


def test_what_queued_up_while_the_line_was_away_is_not_taken_for_jitter() -> None:
    estimate = DelayEstimate()
    learn(estimate, [0.0] * 200)
    for i in range(200, 300):
        estimate.heard(i * FRAME, 6.0 + i / 10_000)
    learn(estimate, [0.0] * 50, start=6.02)
    assert estimate.target < 0.03


def test_a_line_that_comes_back_slower_is_believed_after_a_second() -> None:
    estimate = DelayEstimate()
    learn(estimate, [0.0] * 200)
    learn(estimate, [0.7] * 100, start=6.0)
    assert 0.7 < estimate.target < 0.75


@given(st.lists(st.tuples(st.integers(-(10**6), 10**6), st.floats(0, 10)), min_size=1, max_size=300))
def test_whatever_comes_the_target_is_between_the_least_and_the_most(heard: list[tuple[int, float]]) -> None:
    estimate, now = DelayEstimate(), 0.0
    for position, passed in heard:
        now += passed
        estimate.heard(position, now)
        assert LEAST_S - 1e-9 <= estimate.target - estimate.base <= MOST_S + 1e-9


def test_repairs_get_their_time_on_top() -> None:
    estimate = DelayEstimate()
    learn(estimate, [0.0] * 50)
    before = estimate.target
    estimate.allow(0.02)
    assert estimate.target == pytest.approx(before + 0.02)


@pytest.mark.parametrize("burst", [1, 2, 5])
def test_a_speakers_time_is_that_of_its_earliest_asking(burst: int) -> None:
    phase = SpeakerPhase()
    for block in range(200):
        phase.asked(block // burst * burst / 100)
    assert phase.time == pytest.approx(1.99 - (burst - 1) / 100, abs=0.0101)


def test_a_speaker_that_was_away_begins_anew() -> None:
    phase = SpeakerPhase()
    for block in range(100):
        phase.asked(block / 100)
    phase.asked(5.0)
    assert phase.time == pytest.approx(5.0)


def voiced(at: int) -> np.ndarray:
    return SPEECH[at : at + 2 * AHEAD]


@settings(deadline=None)
@given(st.integers(LONGEST, len(SPEECH) - 2 * AHEAD), st.integers(2 * SHORTEST, LONGEST))
def test_sound_is_shortened_and_lengthened_by_a_period_without_a_step(at: int, at_most: int) -> None:
    before, sound = SPEECH[at - LONGEST : at], voiced(at)
    allowed = 1.2 * steepest(SPEECH[at - LONGEST : at + 2 * AHEAD]) + 2
    for changed, sign in ((shorten(sound, -1, at_most), -1), (lengthen(before, sound, -1, at_most), 1)):
        assert changed is not None
        assert SHORTEST <= sign * (len(changed) - len(sound)) <= at_most
        assert changed[-1] == sound[-1]
        if np.abs(sound.astype(int)).max() > 1000 and (shorten(sound, 0.9) is not None):
            assert steepest(np.concatenate((before[-1:], changed))) <= 2 * allowed


def test_a_tone_keeps_its_pitch_and_its_level() -> None:
    time = np.arange(4 * AHEAD) / SAMPLE_RATE
    tone = (8000 * np.sin(2 * np.pi * 200 * time)).astype(np.int16)
    shorter = shorten(tone, 0.9)
    longer = lengthen(tone[:LONGEST], tone[LONGEST:], 0.9)
    assert shorter is not None
    assert longer is not None
    for changed in (shorter, longer):
        assert steepest(changed) <= 1.02 * steepest(tone)
        assert np.abs(changed.astype(int)).max() == pytest.approx(8000, rel=0.01)
        crossings = np.flatnonzero((changed[:-1] < 0) & (changed[1:] >= 0))
        assert np.diff(crossings) == pytest.approx(240, abs=2)


def test_sounds_that_are_not_alike_are_left_alone() -> None:
    noise = np.random.default_rng(1).normal(0, 5000, 2 * AHEAD).astype(np.int16)
    assert shorten(noise, 0.9) is None
    assert lengthen(noise[:LONGEST], noise[LONGEST:], 0.9) is None


def played(stretching: Stretching, sound: np.ndarray) -> None:
    for at in range(0, len(sound) - BLOCK + 1, BLOCK):
        stretching.played(sound[at : at + BLOCK])


def test_a_little_too_late_is_mended_in_silence_and_not_in_speech() -> None:
    stretching = Stretching()
    played(stretching, SPEECH[:24_000])
    assert stretching.needs(0.010) == AHEAD
    assert len(stretching.change(SPEECH[5_000 : 5_000 + AHEAD], 0.010)) == AHEAD
    assert len(stretching.change(np.zeros(AHEAD, np.int16), 0.010)) < AHEAD
    assert stretching.needs(0.010) == 0, "and then it rests"
    assert stretching.shortened > 0


def test_where_all_is_well_nothing_is_changed() -> None:
    stretching = Stretching()
    assert stretching.needs(0.0) == 0
    assert stretching.needs(0.005) == 0
    assert stretching.needs(-0.004) == 0
