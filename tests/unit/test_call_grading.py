"""Three steps and a reason: what makes a direction fair or poor, and that the mark does not flicker."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.call.grading import WINDOW, Grader, Verdict, judge_in, judge_out, worse
from device.call.samples import Flow, Second, without_line
from messaging.quality import Grade, Reason

WELL = Second(1.0, Flow(fps=30, room_kbps=1800), Flow(fps=30), rtt_s=0.04)


def out(**changes: float) -> Second:
    return replace(WELL, out=replace(WELL.out, **changes))  # type: ignore[arg-type]


def into(**changes: float) -> Second:
    return replace(WELL, into=replace(WELL.into, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("second", "grade", "reason"),
    [
        (WELL, "good", "none"), (out(loss=0.019), "good", "none"), (out(loss=0.03), "fair", "loss"),
        (out(loss=0.1), "poor", "loss"), (replace(WELL, rtt_s=0.4), "fair", "delay"),
        (replace(WELL, rtt_s=1.0), "poor", "delay"), (out(room_kbps=300), "fair", "narrow"),
        (out(room_kbps=100), "poor", "narrow"), (out(fps=14), "good", "none"),
        (out(fps=8), "fair", "picture"), (out(fps=2), "poor", "picture"),
        (out(fps=0, room_kbps=50, pictured=False), "good", "none"), (out(loss=0.1, room_kbps=100), "poor", "loss"),
        (replace(WELL, rtt_s=None), "good", "none"),
    ],
)  # fmt: skip
def test_what_the_station_sends(second: Second, grade: Grade, reason: Reason) -> None:
    assert judge_out([second] * 5) == Verdict(grade, reason)


@pytest.mark.parametrize(
    ("second", "grade", "reason"),
    [
        (WELL, "good", "none"), (replace(WELL, concealed_ms=30), "fair", "sound"),
        (replace(WELL, concealed_ms=20, unheard_ms=80), "poor", "sound"), (into(loss=0.05), "fair", "loss"),
        (into(fps=7), "fair", "picture"), (into(fps=0), "poor", "picture"), (into(frozen=0.5), "poor", "picture"),
        (into(fps=0, pictured=False), "good", "none"),
        (replace(into(frozen=0.9), unheard_ms=500), "poor", "sound"),
    ],
)  # fmt: skip
def test_what_the_station_receives(second: Second, grade: Grade, reason: Reason) -> None:
    assert judge_in([second] * 5) == Verdict(grade, reason)


def test_worse_is_told_within_seconds_and_better_only_when_it_lasts() -> None:
    grader = Grader("out")
    for _ in range(WINDOW):
        assert grader.look(WELL).grade == "good"
    told = [grader.look(out(loss=0.3)).grade for _ in range(3)]
    assert told[1] == "poor", "one second of it may be chance, two are not"
    told = [grader.look(WELL).grade for _ in range(4 * WINDOW)]
    assert told[: WINDOW - 1] == ["poor"] * (WINDOW - 1)
    assert told[-1] == "good"


def test_a_reason_may_change_while_the_grade_stays() -> None:
    grader = Grader("out")
    for _ in range(WINDOW):
        grader.look(out(loss=0.04))
    for _ in range(WINDOW):
        verdict = grader.look(out(room_kbps=300))
    assert verdict == Verdict("fair", "narrow")


def test_of_two_reasons_that_take_turns_each_is_told_for_five_seconds_at_least() -> None:
    grader = Grader("in")
    told = [grader.look(each) for _ in range(20) for each in (into(frozen=1.0), replace(WELL, concealed_ms=990))]
    reasons = [verdict.reason for verdict in told]
    changes = [at for at in range(1, len(reasons)) if reasons[at] != reasons[at - 1]]
    assert all(later - earlier >= WINDOW for earlier, later in pairwise(changes))


def test_the_first_seconds_of_a_call_are_not_judged() -> None:
    grader = Grader("out")
    assert [grader.look(out(fps=0)).grade for _ in range(2)] == ["good", "good"]


def test_what_was_before_a_lost_line_counts_no_more_after_it() -> None:
    grader = Grader("out")
    for _ in range(WINDOW):
        grader.look(out(loss=0.3))
    grader.look(without_line(1.0))
    told = [grader.look(WELL).grade for _ in range(2 * WINDOW)]
    assert told[-1] == "good"


@given(st.lists(st.sampled_from([WELL, out(loss=0.05), out(loss=0.3), without_line(1.0)]), max_size=80))
def test_the_mark_never_gets_better_twice_within_five_seconds(seconds: list[Second]) -> None:
    grader = Grader("out")
    grades = ["good", *(grader.look(second).grade for second in seconds)]
    better = [at for at in range(1, len(grades)) if worse(grades[at], grades[at - 1]) != grades[at]]  # type: ignore[arg-type]
    assert all(later - earlier >= WINDOW for earlier, later in pairwise(better))


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_loss_is_never_a_better_grade(less: float, more: float) -> None:
    low, high = sorted((less, more))
    assert worse(judge_out([out(loss=low)] * 5).grade, judge_out([out(loss=high)] * 5).grade) == (
        judge_out([out(loss=high)] * 5).grade
    )
