"""Size and frame rate by what the encoder had to leave out."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from device.media.rate.sharpness import FINE_S, SETTLE_S, Sharpness, usual_quantiser
from tests.kits.examples import examples


class Room:
    """A scene that takes so much: `quantiser` at full size and 30 pictures a second, less with fewer pixels."""

    def __init__(self, quantiser: float) -> None:
        self.sharpness = Sharpness()
        self.quantiser = quantiser
        self.now = 0.0
        self.shown: list[tuple[int, int]] = []
        self.sharpness.key_frame(0.0)

    def run(self, seconds: float) -> tuple[int, int]:
        """Play on; the lines and pictures a second at the end."""
        for _ in range(int(seconds * 15)):
            self.now += 1 / 15
            step = self.sharpness.fit(640, 480, 30)
            if self.shown and self.shown[-1][0] != step.height:
                self.sharpness.key_frame(self.now)
            self.shown.append((step.height, step.fps))
            smaller = 3.0 * (1 - step.width / 640) * 3 + (1.8 if step.fps < 30 else 0)
            self.sharpness.encoded(self.quantiser - smaller, self.now)
        return self.shown[-1]

    @property
    def moves(self) -> int:
        return sum(a != b for a, b in pairwise(self.shown))


def test_a_calm_room_is_shown_whole_and_fluent() -> None:
    assert Room(33.0).run(60) == (480, 30)


def test_the_first_coarse_second_after_a_key_frame_is_no_reason() -> None:
    room = Room(50.0)
    room.run(SETTLE_S + 0.3)
    room.quantiser = 28.0
    assert room.run(20) == (480, 30)
    assert room.moves == 0


def test_what_is_too_much_loses_pictures_before_it_loses_size_and_both_come_back() -> None:
    room = Room(38.0)
    assert room.run(20) == (480, 15), "lips can be read at 15, and a wound is as sharp as it can be"
    room.quantiser = 44.0
    assert room.run(40)[0] < 480
    room.quantiser = 20.0
    assert room.run(FINE_S * 12) == (480, 30)


def test_a_scene_on_the_edge_does_not_flap() -> None:
    room = Room(37.5)
    for i in range(30):
        room.quantiser = 39.0 if i % 2 else 30.5
        room.run(10)
    assert room.moves <= 16, "in five minutes"


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.tuples(st.floats(0, 70), st.floats(0, 5), st.booleans()), max_size=60), st.integers(16, 1280))
def test_it_is_never_more_than_the_budget_and_never_nothing(seen: list[tuple[float, float, bool]], width: int) -> None:
    sharpness, now = Sharpness(), 0.0
    for quantiser, passed, key in seen:
        now += passed
        if key:
            sharpness.key_frame(now)
        sharpness.encoded(quantiser, now)
        step = sharpness.fit(width, width // 2 + 2, 30)
        assert 2 <= step.width <= width
        assert 1 <= step.fps <= 30


def test_an_encoder_that_does_not_say_is_taken_to_have_a_noisy_scene() -> None:
    assert 36 < usual_quantiser(68_000 / (640 * 480 * 30)) < 38.5, "measured: 37.5"
    assert 26 < usual_quantiser(476_000 / (640 * 480 * 30)) < 28, "measured: 27"
    assert usual_quantiser(0.0) == 51
