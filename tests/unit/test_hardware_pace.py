"""Pacing: absolute deadlines, so that errors never add up."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.pace import Pace, PacedThread

PERIOD = 0.01


@given(st.lists(st.floats(0, 0.009), min_size=1, max_size=200))
def test_work_of_any_length_below_the_period_never_drifts(works: list[float]) -> None:
    pace, now = Pace(PERIOD, 100.0), 100.0
    for number, work in enumerate(works):
        now += pace.wait(now)
        assert now == pytest.approx(100.0 + number * PERIOD)
        now += work
    assert pace.skipped == 0


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=50), st.integers(0, 10))
def test_ticks_done_and_skipped_add_up_to_the_time_that_passed(works: list[float], most_behind: int) -> None:
    pace, now = Pace(PERIOD, 0.0, most_behind), 0.0
    for number, work in enumerate(works):
        before = now
        now += pace.wait(now)
        tick = number + pace.skipped  # the tick this was for
        assert now == pytest.approx(max(before, tick * PERIOD)), "never early, and late only when called late"
        assert now - tick * PERIOD <= (most_behind + 1) * PERIOD + 1e-9, "never further behind than allowed"
        now += work


def test_a_latecomer_catches_up_without_waiting_and_leaves_out_the_oldest() -> None:
    pace = Pace(PERIOD, 0.0, most_behind=3)
    pace.wait(0.0)
    assert [pace.wait(0.1001) for _ in range(4)] == [0, 0, 0, 0]
    assert pace.wait(0.1001) == pytest.approx(0.0099)
    assert pace.skipped == 6


def test_the_first_tick_is_at_once() -> None:
    assert Pace(PERIOD, 5.0).wait(5.0) == 0


def test_nothing_is_called_after_stop() -> None:
    called, enough = [], threading.Event()

    def work() -> None:
        called.append(None)
        if len(called) == 5:
            enough.set()

    thread = PacedThread("test", 0.001, work)
    thread.start()
    assert enough.wait(5)
    thread.stop()
    count = len(called)
    assert not [t for t in threading.enumerate() if t.name == "test"]
    assert len(called) == count


def test_work_may_stop_its_own_thread() -> None:
    stopped = threading.Event()

    def work() -> None:
        thread.stop()
        stopped.set()

    thread = PacedThread("test", 0.001, work)
    thread.start()
    assert stopped.wait(5)
    thread.stop()
    assert not [t for t in threading.enumerate() if t.name == "test"]
