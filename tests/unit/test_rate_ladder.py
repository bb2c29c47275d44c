"""The ladder: what is worth looking at for how many bits, and that it does not flap."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.media.rate.ladder import CALM_S, Ladder, steps
from tests.kits.examples import examples


def sizes(width: int, height: int) -> list[tuple[int, int]]:
    return list(dict.fromkeys((step.width, step.height) for step in steps(width, height, 30)))


def walk(ladder: Ladder, rate: int, start: float, seconds: float) -> list[tuple[int, int]]:
    """Size and frame rate, five times a second."""
    seen = []
    for i in range(int(seconds * 5)):
        step = ladder.look(rate, start + i / 5)
        seen.append((step.height, step.fps))
    return seen


def test_the_sizes_are_the_camera_s_own_shape() -> None:
    assert sizes(1280, 720) == [(320, 180), (640, 360), (960, 540), (1280, 720)]
    assert sizes(640, 480) == [(320, 240), (480, 360), (640, 480)]
    assert sizes(1920, 1080) == sizes(1280, 720), "what every browser takes"
    assert sizes(160, 120) == [(160, 120)]


@given(st.integers(16, 4000), st.integers(16, 3000), st.integers(1, 60))
def test_any_camera_has_a_ladder_that_never_enlarges_and_always_has_a_lowest_step(
    width: int, height: int, fps: int
) -> None:
    ladder = steps(width, height, fps)
    assert ladder[0].need == 0
    for lower, higher in pairwise(ladder):
        assert lower.need < higher.need
        assert (lower.width * lower.height, lower.fps) < (higher.width * higher.height, higher.fps)
    for step in ladder:
        assert step.width <= max(2, width)
        assert step.height <= max(2, height)
        assert step.fps <= fps
        assert step.width % 2 == step.height % 2 == 0


@pytest.mark.parametrize(
    ("kbit", "expected"),
    [
        (30, (180, 30)), (90, (360, 8)), (100, (360, 15)), (120, (360, 30)), (220, (540, 15)), (300, (540, 30)),
        (400, (720, 15)), (500, (720, 30)),
    ],
)  # fmt: skip
def test_sharp_goes_before_fluent(kbit: int, expected: tuple[int, int]) -> None:
    step = Ladder(1280, 720, 30, kbit * 1000, 0.0).step
    assert (step.height, step.fps) == expected


@pytest.mark.parametrize(("rate", "lines"), [(60_000, 240), (100_000, 360), (200_000, 480)])
def test_a_size_whose_key_frame_would_block_the_line_is_not_taken(rate: int, lines: int) -> None:
    assert Ladder(640, 480, 30, rate, 0.0).step.height == lines


def test_down_is_at_once_and_up_only_after_a_while() -> None:
    ladder = Ladder(1280, 720, 30, 1_500_000, 0.0)
    assert ladder.look(110_000, 1.0).height == 360
    up = walk(ladder, 1_500_000, 1.2, CALM_S + 2)
    assert up[0] == (360, 30)
    assert up[int((CALM_S - 0.5) * 5)] == up[0]
    assert up[-1] == (720, 30), "in one step, not in five key frames"


def test_a_rate_on_the_edge_of_a_step_does_not_flap() -> None:
    ladder = Ladder(1280, 720, 30, 96_000, 0.0)
    need = 93_312
    seen = [ladder.look(int(need * (1.12 if i // 20 % 2 else 0.86)), i / 5) for i in range(600)]
    assert sum(a != b for a, b in pairwise(seen)) <= 2


def test_a_step_that_does_not_hold_is_tried_less_and_less_often() -> None:
    ladder, now, moves, last = Ladder(1280, 720, 30, 80_000, 0.0), 0.0, [], None
    for _ in range(600 * 5):
        now += 0.2
        height = ladder.step.height
        step = ladder.look(50_000 if height > 360 else 150_000, now)  # the larger picture always proves too much
        if last is not None and step != last:
            moves.append(now)
        last = step
    assert len([at for at in moves if at > 300]) <= 22, "in five minutes"


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.tuples(st.integers(50_000, 3_000_000), st.floats(0.05, 8.0)), min_size=1, max_size=60))
def test_no_step_is_kept_that_the_rate_cannot_feed(moves: list[tuple[int, float]]) -> None:
    ladder, now = Ladder(640, 480, 30, 1_000_000, 0.0), 0.0
    for rate, passed in moves:
        now += passed
        assert ladder.look(rate, now).need * 0.85 <= rate
