"""Making a dark room visible, and telling it from a covered lens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media.viewing.lens import HEIGHT, WIDTH, LensWatch, judge
from device.media.viewing.light import DARK, STRONGEST, curve, exponent_for

NOISE = np.random.default_rng(7)


def room(level: float, contrast: float = 1.0) -> np.ndarray:
    """A wall, a window, a door and a lamp, seen at this level of light."""
    picture = np.full((HEIGHT, WIDTH), 0.5)
    picture[5:25, 8:25] = 1.0
    picture[15:45, 50:62] = 0.2
    picture[10:14, 70:74] = 0.9
    return level * (1 + contrast * (picture - 0.5))


def taken(scene: np.ndarray, noise: float = 1.5) -> np.ndarray:
    """A picture of it, with the sensor's noise."""
    return np.clip(scene + NOISE.normal(0, noise, scene.shape), 0, 255).astype(np.uint8)


def watched(scene: np.ndarray, looks: int = 30, noise: float = 1.5) -> str:
    watch = LensWatch()
    for _ in range(looks):
        watch.look(taken(scene, noise))
    return watch.state


class TestLens:
    def test_a_room_in_daylight_is_clear(self) -> None:
        assert watched(room(130)) == "clear"

    def test_a_room_at_night_is_dark_and_not_covered(self) -> None:
        assert watched(room(24)) == "dark"

    @pytest.mark.parametrize("level", [3, 20, 90, 200])
    def test_a_cap_or_a_finger_is_told_however_light_it_is(self, level: float) -> None:
        finger = level + np.linspace(-10, 10, WIDTH)[np.newaxis] * np.ones((HEIGHT, 1))
        assert watched(finger) == "covered"

    def test_the_noise_of_a_sensor_in_the_dark_is_not_taken_for_a_room(self) -> None:
        # Each of these pixels is the mean of sixty of the camera's, whose noise is eight times as strong.
        assert watched(np.full((HEIGHT, WIDTH), 12.0), noise=3.0) == "covered"

    def test_somebody_who_passes_close_by_does_not_cover_it(self) -> None:
        watch = LensWatch()
        for _ in range(20):
            watch.look(taken(room(130)))
        for _ in range(3):
            watch.look(np.full((HEIGHT, WIDTH), 60, np.uint8))
        assert watch.state == "clear"

    def test_when_it_is_uncovered_that_is_seen_within_seconds(self) -> None:
        watch = LensWatch()
        for _ in range(40):
            watch.look(np.full((HEIGHT, WIDTH), 60, np.uint8))
        assert watch.state == "covered"
        for _ in range(15):  # three seconds
            watch.look(taken(room(130)))
        assert watch.state == "clear"

    @given(st.integers(0, 255))
    def test_an_even_picture_is_a_covered_lens(self, level: int) -> None:
        assert judge(np.full((HEIGHT, WIDTH), level, np.float32)) == "covered"


class TestLight:
    def test_a_room_in_daylight_is_left_as_it_is(self) -> None:
        assert exponent_for(DARK + 1) == 1.0
        assert (curve(1.0) == np.arange(256)).all()

    def test_a_dark_room_is_brightened_in_small_steps_until_it_is_seen(self) -> None:
        exponent, steps = 1.0, []
        for _ in range(60):
            before, exponent = exponent, exponent_for(30.0, exponent)
            steps.append(abs(exponent - before))
        assert max(steps) <= 0.0501
        assert curve(exponent)[30] > 60

    def test_and_back_when_the_light_is_switched_on(self) -> None:
        exponent = STRONGEST
        for _ in range(60):
            exponent = exponent_for(140.0, exponent)
        assert exponent == 1.0

    @given(st.lists(st.floats(48, 52), min_size=30, max_size=60))
    def test_a_light_that_flickers_a_little_does_not_make_the_picture_flicker(self, means: list[float]) -> None:
        exponent = 1.0
        for _ in range(60):
            exponent = exponent_for(50.0, exponent)
        for mean in means:
            assert exponent_for(mean, exponent) == exponent

    @given(st.floats(0, 255), st.floats(STRONGEST, 1.0))
    def test_it_is_never_stronger_than_it_may_be(self, mean: float, present: float) -> None:
        assert STRONGEST <= exponent_for(mean, present) <= 1.0

    @given(st.floats(STRONGEST, 1.0))
    def test_lighter_stays_lighter_and_black_and_white_stay(self, exponent: float) -> None:
        lifted = curve(exponent).astype(int)
        assert (np.diff(lifted) >= 0).all()
        assert (lifted >= np.arange(256) - 1).all()
        assert (lifted[16], lifted[235], lifted[0], lifted[255]) == (16, 235, 0, 255)
