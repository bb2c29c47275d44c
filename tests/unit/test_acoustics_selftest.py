"""The acoustic self-test's judgement: of rooms whose delay, echo and noise are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.hardware.ports import BLOCK, SAMPLE_RATE
from device.media.acoustics.selftest import CHIRPS, SECONDS, Finding, Hearing, Trial, brush, chirp, find, judge
from tests.kits.clock import ManualClock
from tests.kits.examples import examples

PLAYED = np.concatenate(list(Trial(lambda: 0.0).blocks()))


def starts() -> tuple[int, ...]:
    """Where the chirps begin in what is played."""
    found = []
    at = 0
    while len(found) < CHIRPS:
        at += int(np.flatnonzero(PLAYED[at:])[0])
        found.append(at // BLOCK * BLOCK)
        at = found[-1] + len(chirp())
    return tuple(found)


def hearing(delay_ms: float = 80, gain: float = 0.5, noise: float = 10.0, left: float = 0.01, seed: int = 1) -> Hearing:
    """What a microphone hears of it: `noise` is its RMS of 32768, `left` of the echo after cancelling."""
    late = round(delay_ms * SAMPLE_RATE / 1000)
    echo = np.concatenate((np.zeros(late), PLAYED.astype(np.float64)))[: len(PLAYED)] * gain
    room = np.random.default_rng(seed).normal(0, noise, len(PLAYED)) if noise else np.zeros(len(PLAYED))
    raw, clean = (np.clip(sound, -32768, 32767).astype(np.int16) for sound in (echo + room, echo * left))
    return Hearing(raw, clean, starts())


@pytest.mark.parametrize("delay_ms", [0, 25.5, 80, 400, 650])
def test_the_delay_is_told_to_a_tenth_of_a_millisecond(delay_ms: float) -> None:
    finding = judge(hearing(delay_ms))
    assert finding.heard
    assert finding.delay_ms == pytest.approx(delay_ms, abs=0.2)


@pytest.mark.parametrize(("gain", "db"), [(1.0, 0), (0.1, -20), (0.03, -30.5)])
def test_how_loud_the_chirp_came_back(gain: float, db: float) -> None:
    assert judge(hearing(gain=gain, noise=3)).echo_db == pytest.approx(db, abs=0.7)


@pytest.mark.parametrize(("left", "db"), [(1.0, 0), (0.1, -20), (0.01, -40)])
def test_how_much_echo_is_left(left: float, db: float) -> None:
    assert judge(hearing(left=left)).left_db == pytest.approx(db, abs=0.7)


def test_how_loud_the_room_is() -> None:
    assert judge(hearing(noise=328)).noise_db == pytest.approx(-40, abs=0.5)


def test_a_chirp_under_a_noise_as_loud_as_itself_is_heard_and_what_is_left_is_not_guessed() -> None:
    finding = judge(hearing(gain=0.05, noise=300))
    assert finding.heard
    assert finding.delay_ms == pytest.approx(80, abs=0.2)
    assert finding.left_db is None


@pytest.mark.parametrize("noise", [0.0, 30.0, 3000.0])
def test_a_room_without_the_chirp_has_not_heard_it(noise: float) -> None:
    finding = judge(hearing(gain=0.0, noise=noise))
    assert not finding.heard
    assert (finding.delay_ms, finding.echo_db, finding.left_db) == (None, None, None)


def test_a_chirp_that_stops_and_goes_is_not_believed() -> None:
    whole = hearing()
    whole.raw[whole.starts[1] : whole.starts[1] + round(1.4 * SAMPLE_RATE)] = 0
    assert not judge(whole).heard


def test_a_microphone_that_clips_is_heard_all_the_same() -> None:
    finding = judge(hearing(gain=20.0))
    assert finding.heard
    assert finding.delay_ms == pytest.approx(80, abs=1)


@settings(max_examples=examples(30), deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2 * SAMPLE_RATE),
    st.integers(0, 32767),
    st.lists(st.integers(-(10**6), 10**6), max_size=4),
)
def test_any_sound_at_all_is_judged(seed: int, length: int, level: int, begins: list[int]) -> None:
    sound = np.random.default_rng(seed).integers(-level, level + 1, length).astype(np.int16)
    finding = judge(Hearing(sound, sound, tuple(begins)))
    assert isinstance(finding, Finding)
    assert not finding.heard


def test_the_chirp_is_soft_and_short_and_does_not_click() -> None:
    sound = chirp()
    assert len(sound) <= SAMPLE_RATE
    assert np.abs(sound).max() <= 0.26 * 32767
    assert abs(int(sound[0])) < 50
    assert abs(int(sound[-1])) < 50
    assert find(np.append(sound, np.zeros(SAMPLE_RATE, np.int16)), 0) == 0


def test_the_brush_is_soft_and_does_not_click() -> None:
    sound = brush()
    assert 500 < np.abs(sound).max() <= 0.26 * 32767
    assert max(abs(int(sound[0])), abs(int(sound[-1]))) < 50
    assert len(sound) % BLOCK == 0


def test_times_of_the_threads_become_samples() -> None:
    now = 100.0
    trial = Trial(lambda: now)
    microphone_from = now - 0.25  # it was open before
    given_at = []
    for n, _ in enumerate(trial.blocks()):
        given_at.append(now)
        trial.hear(np.full(BLOCK, n % 100, np.int16), np.zeros(BLOCK, np.int16))
        now += BLOCK / SAMPLE_RATE
    heard = trial.hearing()
    assert heard is not None
    assert microphone_from < given_at[0]
    assert len(heard.raw) == len(heard.clean) == len(given_at) * BLOCK
    # Block n comes when the n + 1st is due: the first chirp is given 60 blocks and 10 ms after the first sample.
    assert [round(start / BLOCK) for start in heard.starts] == [start // BLOCK + 1 for start in starts()]


def test_without_a_microphone_there_is_nothing_to_judge() -> None:
    trial = Trial(lambda: 0.0)
    assert list(trial.blocks())
    assert trial.hearing() is None


def test_a_microphone_that_gives_for_ever_fills_no_memory() -> None:
    trial = Trial(lambda: 0.0)
    list(trial.blocks())
    for _ in range(5000):
        trial.hear(np.zeros(BLOCK, np.int16), np.zeros(BLOCK, np.int16))
    heard = trial.hearing()
    assert heard is not None
    assert len(heard.raw) <= (SECONDS + 1) * SAMPLE_RATE + BLOCK


async def test_it_ends_when_all_was_played_when_it_is_stopped_and_when_its_time_is_up() -> None:
    clock = ManualClock()
    played, stopped, late = (Trial(clock.monotonic) for _ in range(3))
    list(played.blocks())
    await played.ended(clock, 5)
    assert not played.stopped
    stopped.stop()
    await stopped.ended(clock, 5)
    assert stopped.stopped
    await late.ended(clock, 0)
    assert not late.stopped
