"""Freezes as the W3C counts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media.receiving.freezes import FreezeMeter


def shown(meter: FreezeMeter, since: float, count: int, rate: float = 30) -> float:
    """So many pictures; the time of the last."""
    for i in range(count):
        meter.picture(since + i / rate)
    return since + (count - 1) / rate


def test_a_steady_picture_never_freezes() -> None:
    meter = FreezeMeter()
    last = shown(meter, 0, 300)
    assert meter.total(last) == (0, 0.0)


def test_a_gap_of_a_second_is_one_freeze_of_a_second() -> None:
    meter = FreezeMeter()
    last = shown(meter, 0, 60)
    shown(meter, last + 1, 60)
    assert meter.total(last + 3) == pytest.approx((1, 1.0))


@pytest.mark.parametrize(("rate", "gap", "freezes"), [(30, 0.17, 0), (30, 0.19, 1), (8, 0.37, 0), (8, 0.39, 1)])
def test_a_freeze_is_three_intervals_and_150_ms_more_than_one(rate: float, gap: float, freezes: int) -> None:
    meter = FreezeMeter()
    last = shown(meter, 0, 60, rate)
    meter.picture(last + gap)
    assert meter.total(last + gap)[0] == freezes


def test_a_freeze_that_lasts_is_counted_before_it_ends() -> None:
    meter = FreezeMeter()
    last = shown(meter, 0, 60)
    assert meter.total(last + 0.1) == (0, 0.0)
    assert meter.total(last + 4) == pytest.approx((1, 4.0))
    assert meter.total(last + 5) == pytest.approx((1, 5.0))


def test_a_camera_that_was_switched_off_is_no_freeze() -> None:
    meter = FreezeMeter()
    last = shown(meter, 0, 60)
    meter.pause()
    assert meter.total(last + 20) == (0, 0.0)
    again = shown(meter, last + 30, 60, 8)
    assert meter.total(again) == (0, 0.0)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=100))
def test_freezes_never_last_longer_than_the_time_there_was(gaps: list[float]) -> None:
    meter, now = FreezeMeter(), 0.0
    for gap in gaps:
        now += gap
        meter.picture(now)
    count, seconds = meter.total(now)
    assert 0 <= seconds <= now + 1e-6
    assert 0 <= count <= len(gaps)
