"""The play-out buffer: what a listener would notice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.ports import BLOCK
from device.media.playout import MOST, TARGET, Playout

RATE = 48_000
FRAME = 960


def tone(start: int, count: int = FRAME, hertz: float = 200.0) -> np.ndarray:
    time = (np.arange(count) + start) / RATE
    return np.asarray(10_000 * np.sin(2 * np.pi * hertz * time), np.int16)


def steepest(sound: np.ndarray) -> int:
    """The largest step between two samples: a click is a large one."""
    return int(np.max(np.abs(np.diff(sound.astype(int)))))


TONE_STEP = steepest(tone(0, RATE))


def play(playout: Playout, blocks: int) -> np.ndarray:
    return np.concatenate([playout.next_block() for _ in range(blocks)])


def test_sound_comes_out_as_it_went_in_after_sixty_milliseconds() -> None:
    playout = Playout()
    assert not play(playout, 3).any(), "silence until there is enough"
    for i in range(3):
        playout.put(tone(i * FRAME), i * FRAME)
    heard = []
    for i in range(3, 50):
        heard += [playout.next_block(), playout.next_block()]
        playout.put(tone(i * FRAME), i * FRAME)
    assert np.array_equal(np.concatenate(heard), tone(0, 47 * FRAME))
    assert (playout.concealed, playout.dropped, playout.inserted) == (0, 0, 0)


def test_a_position_that_wraps_is_no_gap() -> None:
    playout = Playout()
    start = (1 << 32) - 2 * FRAME
    for i in range(4):
        playout.put(tone(i * FRAME), (start + i * FRAME) % (1 << 32))
    assert np.array_equal(play(playout, 8), tone(0, 4 * FRAME))


def test_a_lost_packet_is_concealed_without_a_click_and_costs_no_time() -> None:
    playout = Playout()
    for i in (0, 1, 2, 4, 5):
        playout.put(tone(i * FRAME), i * FRAME)
    heard = play(playout, 12)
    assert playout.concealed == 2
    assert np.array_equal(heard[5 * FRAME :], tone(5 * FRAME)), "what follows the gap stands where it should"
    gap = heard[3 * FRAME : 4 * FRAME]
    assert np.abs(gap).max() > 1000, "the gap is filled"
    assert steepest(heard) < 3 * TONE_STEP


def test_when_nothing_comes_the_sound_fades_instead_of_stopping_dead() -> None:
    playout = Playout()
    for i in range(3):
        playout.put(tone(i * FRAME), i * FRAME)
    heard = play(playout, 60)
    assert steepest(heard) < 3 * TONE_STEP
    assert not heard[-BLOCK * 40 :].any()


def test_after_a_stall_it_fills_up_again_before_it_plays() -> None:
    playout = Playout()
    for i in range(3):
        playout.put(tone(i * FRAME), i * FRAME)
    play(playout, 30)
    playout.put(tone(3 * FRAME), 3 * FRAME)
    assert not play(playout, 1).any()
    for i in range(4, 6):
        playout.put(tone(i * FRAME), i * FRAME)
    assert play(playout, 6).any()


def test_a_burst_does_not_make_the_call_lag_for_ever() -> None:
    playout = Playout()
    for i in range(100):
        playout.put(tone(i * FRAME), i * FRAME)
    assert playout.buffered <= MOST
    heard = []
    for i in range(100, 1100):  # 20 s of ordinary arrival
        playout.put(tone(i * FRAME), i * FRAME)
        heard += [playout.next_block(), playout.next_block()]
    assert playout.buffered <= TARGET + 4
    assert steepest(np.concatenate(heard)[BLOCK * 4 :]) < 4 * TONE_STEP, "what was left out was cross-faded"


@pytest.mark.parametrize("speed", [0.999, 1.001])
def test_a_sender_whose_clock_differs_is_followed_without_running_dry_or_full(speed: float) -> None:
    playout = Playout()
    sent = 0
    heard = []
    for block in range(20_000):  # 200 s of 10 ms
        while sent * 2 < block * speed + 6:
            playout.put(tone(sent * FRAME), sent * FRAME)
            sent += 1
        heard.append(playout.next_block())
    changed = playout.inserted if speed < 1 else playout.dropped
    assert changed == pytest.approx(20, abs=8)
    assert all(block.any() for block in heard), "it never falls silent"
    assert steepest(np.concatenate(heard)) < 4 * TONE_STEP


def test_late_and_repeated_packets_are_dropped() -> None:
    playout = Playout()
    for i in (0, 1, 2, 1, 0, 3):
        playout.put(tone(i * FRAME), i * FRAME)
    assert np.array_equal(play(playout, 8), tone(0, 4 * FRAME))


def test_a_sender_that_begins_anew_is_followed() -> None:
    playout = Playout()
    for i in range(3):
        playout.put(tone(i * FRAME), i * FRAME)
    playout.put(tone(0), 3_000_000_000)
    playout.put(tone(FRAME), 3_000_000_000 + FRAME)
    assert playout.buffered == 10


def test_reset_is_silence_at_once() -> None:
    playout = Playout()
    for i in range(5):
        playout.put(tone(i * FRAME), i * FRAME)
    playout.next_block()
    playout.reset()
    assert not play(playout, 5).any()


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, (1 << 32) - 1), st.integers(0, 3000)),
            st.integers(1, 20),
        ),
        max_size=60,
    )
)
def test_whatever_comes_every_block_is_ten_milliseconds_and_the_buffer_is_bounded(
    steps: list[tuple[int, int] | int],
) -> None:
    playout = Playout()
    for step in steps:
        if isinstance(step, tuple):
            playout.put(np.ones(step[1], np.int16), step[0])
        else:
            for _ in range(step):
                block = playout.next_block()
                assert block.shape == (BLOCK,)
                assert block.dtype == np.int16
        assert playout.buffered <= MOST
