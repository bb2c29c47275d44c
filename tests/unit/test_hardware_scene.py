"""The simulated camera's scene: something moves, a person can read the time, and painting is cheap."""

from __future__ import annotations

import statistics
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.hardware.sim import timecode
from device.hardware.sim.glyphs import GLYPH_HEIGHT, GLYPH_WIDTH, glyph, render
from device.hardware.sim.scene import Scene
from tests.kits.examples import examples

WALL = 1_800_000_000.5


@settings(max_examples=examples(20), deadline=None)
@given(st.integers(80, 700).map(lambda n: n * 2), st.integers(60, 500).map(lambda n: n * 2), st.floats(0, 4e9))
def test_any_size_at_any_time_is_a_whole_picture_with_its_time_code(width: int, height: int, wall: float) -> None:
    picture = Scene(width, height).paint(wall)
    assert picture.shape == (height * 3 // 2, width)
    assert picture.dtype == np.uint8
    assert timecode.read(picture[:height]) == int(wall * 1000) % timecode.MODULUS


@pytest.mark.parametrize("size", [(641, 480), (640, 481), (158, 480), (640, 118)])
def test_a_size_it_cannot_paint_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="even"):
        Scene(*size)


def read_clock(picture: np.ndarray, scale: int, margin: int, at: int) -> str:
    """Read the clock as a person would: by comparing each character with the digits one knows."""
    text = ""
    for place in range(8):
        left = at + margin + place * (GLYPH_WIDTH + 1) * scale
        top = at + margin
        dots = picture[top : top + GLYPH_HEIGHT * scale : scale, left : left + GLYPH_WIDTH * scale : scale] > 128
        text += next(letter for letter in "0123456789:" if np.array_equal(dots, glyph(letter)))
    return text


@pytest.mark.parametrize("wall", [WALL, WALL + 1, WALL + 4321.9, 0.0])
def test_the_clock_shows_the_time_of_day_and_is_large(wall: float) -> None:
    picture = Scene(1280, 720).paint(wall)
    assert read_clock(picture, scale=8, margin=16, at=24) == time.strftime("%H:%M:%S", time.localtime(wall))


def test_no_two_digits_look_alike() -> None:
    pairs = [(a, b) for a in "0123456789:" for b in "0123456789:" if a < b]
    assert min(int((glyph(a) != glyph(b)).sum()) for a, b in pairs) >= 3
    assert render("12", 2).shape == (GLYPH_HEIGHT * 2, (GLYPH_WIDTH * 2 + 1) * 2)


def test_the_person_moves_from_frame_to_frame_and_the_room_stands_still() -> None:
    scene = Scene(1280, 720)
    first, second = (scene.paint(WALL + n / 30)[:680].astype(int) for n in (0, 3))
    changed = np.abs(first - second) > 8
    assert changed[120:680, 400:880].mean() > 0.005
    assert not changed[:, 900:].any()


def test_a_picture_handed_out_is_never_painted_over() -> None:
    scene = Scene(640, 480)
    first = scene.paint(WALL)
    kept = first.copy()
    scene.paint(WALL + 1)
    assert np.array_equal(first, kept)


def test_painting_costs_well_under_one_and_a_half_milliseconds_of_cpu() -> None:
    scene = Scene(1280, 720)
    costs = []
    for number in range(60):
        before = time.thread_time()
        scene.paint(WALL + number / 30)
        costs.append(time.thread_time() - before)
    assert statistics.median(costs) < 0.0015
