"""When a device is tried again: never too often, never not at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.media.attempts import MANY, STEADY_S, Attempts

LONGEST = 30.0
gaps = st.lists(st.floats(0, 100), min_size=1, max_size=40)


def test_the_first_failures_cost_no_time_and_those_that_follow_ever_more() -> None:
    attempts, waits = Attempts(), []
    for _ in range(9):
        attempts = attempts.failed(1000.0)
        waits.append(attempts.again - 1000.0)
    assert waits == [0, 0, 2, 4, 8, 16, 30, 30, 30]


@given(gaps)
def test_a_device_that_only_fails_is_broken_from_the_third_time_on_and_always_tried_again(steps: list[float]) -> None:
    attempts, now = Attempts(), 0.0
    for number, gap in enumerate(steps, 1):
        now += gap
        attempts = attempts.failed(now)
        assert attempts.broken is (number >= MANY)
        assert attempts.may_try(now + LONGEST)
        assert attempts.hurried().may_try(now)
        assert attempts.hurried().broken is attempts.broken, "plugging something in mends nothing by itself"


@given(st.lists(st.tuples(st.booleans(), st.floats(0.1, 4)), max_size=60))
def test_only_steady_work_makes_failures_forgotten(steps: list[tuple[bool, float]]) -> None:
    attempts, now, failures, since = Attempts(), 0.0, 0, None
    for works, gap in steps:
        now += gap
        if works:
            since = now if since is None else since
            failures = 0 if now - since >= STEADY_S else failures
            attempts = attempts.works(now)
        else:
            since, failures = None, failures + 1
            attempts = attempts.failed(now)
        assert attempts.failures == failures
