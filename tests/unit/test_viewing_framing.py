"""Framing people: where the frame goes, how late and how slowly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.ports import WHOLE, Crop
from device.media.viewing.framing import (
    CLOSEST,
    GONE_S,
    PATIENCE_S,
    Box,
    Framing,
    Seen,
    move,
    observe,
    wanted_crop,
)

LEFT = Seen(faces=(Box(0.2, 0.3, 0.05, 0.08),))
RIGHT = Seen(faces=(Box(0.75, 0.3, 0.05, 0.08),))
NOBODY = Seen()
NEAR = Seen(faces=(Box(0.35, 0.2, 0.3, 0.5),))

BEGUN = Framing()

any_box = st.tuples(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.01, 1), st.floats(0.01, 1)).map(
    lambda b: Box(b[0], b[1], min(b[2], 1 - b[0]), min(b[3], 1 - b[1]))
)
any_seen = st.builds(Seen, st.lists(any_box, max_size=4).map(tuple), st.none() | any_box)


def live(seen: Seen, seconds: float, start: Framing = BEGUN, at: float = 0.0) -> Framing:
    """See the same thing for a while, five times a second, and let thirty pictures a second go by."""
    framing = start
    for tick in range(round(seconds * 30)):
        now = at + tick / 30
        if tick % 6 == 0:
            framing = observe(framing, seen, now)
        framing = move(framing, now)
    return framing


def holds(crop: Crop, face: Box) -> bool:
    half = crop.size / 2
    return (
        crop.x - half <= face.left
        and face.left + face.width <= crop.x + half
        and crop.y - half <= face.top
        and face.top + face.height <= crop.y + half
    )


def test_somebody_across_the_room_is_brought_near_with_face_and_shoulders() -> None:
    framing = live(LEFT, 8)
    assert framing.shown.size == pytest.approx(CLOSEST, abs=0.01)
    assert holds(framing.shown, LEFT.faces[0])


def test_two_people_are_both_in_the_frame() -> None:
    both = Seen(faces=LEFT.faces + RIGHT.faces)
    shown = live(both, 8).shown
    assert all(holds(shown, face) for face in both.faces)


def test_somebody_near_the_camera_is_left_as_they_are() -> None:
    assert live(NEAR, 8).shown == WHOLE


def test_somebody_whose_face_is_not_seen_is_found_by_moving() -> None:
    shown = live(Seen(moving=Box(0.7, 0.3, 0.15, 0.5)), 8).shown
    assert shown.size < 0.8
    assert shown.x > 0.6


def test_a_face_outranks_what_moves() -> None:
    curtain = Box(0.8, 0.0, 0.1, 0.3)
    assert wanted_crop(Seen(LEFT.faces, curtain)) == wanted_crop(LEFT)


def test_the_frame_waits_before_it_goes_after_somebody() -> None:
    framing = live(LEFT, 8)
    early = live(RIGHT, PATIENCE_S - 0.3, framing, 8)
    late = live(RIGHT, 8, framing, 8)
    assert early.shown == framing.shown
    assert holds(late.shown, RIGHT.faces[0])


def test_leaning_forward_for_a_moment_moves_nothing() -> None:
    framing = live(LEFT, 8)
    leaning = Seen(faces=(Box(0.22, 0.33, 0.055, 0.09),))
    assert live(leaning, 5, framing, 8).shown == framing.shown


def test_when_nobody_is_seen_for_a_while_the_whole_room_is_shown_again() -> None:
    framing = live(LEFT, 8)
    assert live(NOBODY, GONE_S - 1, framing, 8).shown == framing.shown
    assert live(NOBODY, GONE_S + 8, framing, 8).shown == WHOLE


def test_the_frame_never_jumps() -> None:
    framing, now = live(LEFT, 8), 8.0
    for tick in range(300):
        now += 1 / 30
        if tick % 6 == 0:
            framing = observe(framing, RIGHT, now)
        before, framing = framing.shown, move(framing, now)
        assert abs(framing.shown.x - before.x) < 0.03
        assert abs(framing.shown.size - before.size) < 0.03


def test_after_a_long_pause_the_frame_still_moves_by_one_step_only() -> None:
    framing = observe(observe(Framing(), LEFT, 0.0), LEFT, PATIENCE_S)
    assert framing.target != WHOLE
    after = move(framing, 3600.0).shown
    assert abs(after.x - framing.shown.x) < 0.1
    assert abs(after.size - framing.shown.size) < 0.15


@given(st.lists(st.tuples(any_seen, st.floats(0, 3)), max_size=30))
def test_whatever_is_seen_the_frame_lies_in_the_picture_and_is_never_too_close(
    story: list[tuple[Seen, float]],
) -> None:
    framing, now = Framing(), 0.0
    for seen, pause in story:
        now += pause
        framing = move(observe(framing, seen, now), now)
        for crop in (framing.shown, framing.target):
            assert crop.inside() == crop or crop == pytest.approx(crop.inside())
            assert crop.size >= CLOSEST - 1e-9


@given(any_seen)
def test_what_is_seen_for_long_is_come_to_rest_at(seen: Seen) -> None:
    settled = live(seen, 15)
    assert settled.shown == settled.target
    assert live(seen, 3, settled, 15).shown == settled.shown
