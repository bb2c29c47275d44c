"""The judging of `make soak`, of runs made here, so that what the verdict must be is known."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.line_figures import Span
from tests.bench.line_scene import TALK_S, talk
from tests.bench.line_sound import place
from tests.bench.soak_figures import growth, judge, longest_freeze, loop_apart, table, trend, verdict, warm_s
from tests.bench.soak_watch import Pauses

HOUR = 3600


def run(
    seconds: int = HOUR,
    leak_mb: float = 0.0,
    files: float = 0.0,
    drift_ms: float = 0.0,
    scatter: float = 0.3,
    **more: Any,
) -> dict[str, Any]:
    """A run that leaks so much an hour, opens so many files an hour, and whose sound drifts so much in all."""
    draws = random.Random(1)

    def part(at: float) -> dict[str, float]:
        warming = 20 * min(1.0, at / warm_s(seconds))
        own = 60 + warming + leak_mb * at / HOUR + draws.gauss(0, scatter)
        return {"own_mb": own, "threads": 12, "fds": 30 + int(files * at / HOUR)}

    def way(at: float) -> dict[str, float | None]:
        lost = draws.random() < 0.1
        return {"skew_ms": None if lost else 40 + drift_ms * at / seconds + draws.gauss(0, 4)}

    return {
        "seconds": seconds, "cores": 2, "stirs": [], "ends": [], "pauses": {"out": [], "in": []},
        "looks": [{"at": at, "load": 1.0, "processes": {"call": part(at)}} for at in range(0, seconds, 10)],
        "probes": [{"at": at, "out": way(at), "in": way(at)} for at in range(15, seconds, 30)],
        **more,
    }  # fmt: skip


def missed(of: dict[str, Any]) -> set[str]:
    return {aim.name for aim in judge(of) if not aim.met}


def test_an_hour_in_which_nothing_grows_and_nothing_stops_meets_every_aim() -> None:
    told = verdict(run())
    assert told["met"]
    assert "MISSED" not in table(told)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"leak_mb": 4.0}, "memory of call"),
        ({"files": 6.0}, "fds of call, growth"),
        ({"drift_ms": 60.0}, "drift of sound and picture, out"),
        ({"pauses": {"out": [(900.0, 901.6)], "in": []}}, "longest freeze, out"),
        ({"pauses": {"out": [], "in": [(900.0, 901.6)]}}, "longest freeze, in"),
        ({"ends": [{"at": 5.0}]}, "the call ended, or a process died"),
        ({"stirs": [{"at": 60.0, "until": 100.0, "mended_s": None}]}, "not mended"),
    ],
)
def test_what_goes_wrong_is_named_and_the_run_is_missed(wrong: dict[str, Any], named: str) -> None:
    told = verdict(run(**wrong))
    assert not told["met"]
    assert named in missed(run(**wrong))
    assert any(named in line and "MISSED" in line for line in table(told).splitlines())


def test_what_the_warming_up_takes_is_no_leak() -> None:
    assert "memory of call" not in missed(run(leak_mb=1.0))


def test_a_few_odd_figures_bend_no_trend() -> None:
    one = run()
    for look in one["looks"][100::30]:
        look["processes"]["call"]["own_mb"] += 200
    assert missed(one) == set()


def test_a_short_run_does_not_call_its_own_scatter_a_leak_and_says_how_little_it_knows() -> None:
    short = run(seconds=300, leak_mb=3.0, scatter=1.0)
    memory = next(aim for aim in judge(short) if aim.name == "memory of call")
    assert memory.met
    assert memory.noise > 10


def test_what_could_not_be_judged_is_not_met() -> None:
    deaf = run()
    for probe in deaf["probes"]:
        probe["out"]["skew_ms"] = None
    assert missed(deaf) == {"drift of sound and picture, out"}


def test_a_run_that_was_broken_off_at_once_has_a_verdict_too() -> None:
    told = verdict(run(seconds=0))
    assert not told["met"]
    assert table(told)


def test_a_busy_machine_is_told() -> None:
    busy = run(looks=[{**look, "load": 9.0} for look in run()["looks"]])
    assert "busy" in table(verdict(busy))


@given(st.floats(-50, 50), st.floats(-1000, 1000), st.integers(5, 40))
def test_a_straight_line_is_its_own_trend(slope: float, base: float, count: int) -> None:
    found = trend([(10.0 * at, base + slope * at / 360) for at in range(count)])
    assert found is not None
    assert found.per_hour == pytest.approx(slope, abs=1e-6)
    assert found.noise == pytest.approx(0, abs=1e-6)
    assert (found.first, found.last) == pytest.approx((base, base + slope * (count - 1) / 360), abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(-1e6, 1e6)), max_size=20))
def test_no_figures_break_a_trend(points: list[tuple[float, float]]) -> None:
    found = trend(points)
    assert found is None or found.noise >= 0
    assert (growth(points) is None) == (len(points) < 5)


def test_a_freeze_that_was_made_on_purpose_is_none() -> None:
    stirs = [{"at": 100.0, "until": 110.0}]
    assert longest_freeze([(99.9, 104.0), (112.0, 114.0)], stirs) == 0
    assert longest_freeze([(99.9, 104.0), (117.0, 119.0)], stirs) == 2.0
    assert longest_freeze([(90.0, 99.0)], stirs) == 9.0


def test_a_pause_that_went_on_is_told_once_and_whole() -> None:
    pauses = Pauses()
    pauses.add([(1000_000.0, 1000_700.0)], 900.0)
    pauses.add([(1000_000.0, 1002_500.0), (1004_000.0, 1004_600.0)], 900.0)
    assert pauses.all() == [(100.0, 102.5), (104.0, 104.6)]


@given(st.floats(-1e5, 1e5))
def test_a_clock_that_goes_round_is_read_nearest_to_nought(seconds: float) -> None:
    near = loop_apart(seconds, TALK_S)
    assert -TALK_S / 2 <= near <= TALK_S / 2
    assert (near - seconds) / TALK_S == pytest.approx(round((near - seconds) / TALK_S), abs=1e-6)


@pytest.mark.parametrize("late_s", [0.0, 0.043, 0.31, 12.5, 29.9])
def test_sound_is_found_again_to_the_millisecond(late_s: float) -> None:
    sent, rate = talk(), 48_000
    span = Span(100.0, 105.0)
    began = round((5.0 + TALK_S - late_s) * rate)
    heard = np.take(sent, np.arange(began, began + 5 * rate), mode="wrap")
    blocks = [(100.01 + n / 100, block) for n, block in enumerate(np.split(heard, 500))]
    found = place(sent, blocks, span)
    assert found is not None
    assert loop_apart(5.0 - found, TALK_S) == pytest.approx(loop_apart(late_s, TALK_S), abs=0.001)


def test_silence_is_found_nowhere() -> None:
    assert place(talk(), [(100.0, np.zeros(480, np.int16))], Span(100.0, 105.0)) is None
