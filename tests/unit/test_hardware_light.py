"""The light's patterns, and the player that shows them."""

from __future__ import annotations

import logging
import math
import threading
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.errors import DeviceFailed
from device.hardware.light import PATTERNS, LightPlayer, level, plain
from messaging.local import ON_AIR, LightPattern

NAMES: tuple[LightPattern, ...] = get_args(LightPattern)
patterns = st.sampled_from(NAMES)


def timeline(pattern: LightPattern, seconds: float) -> list[tuple[float, float]]:
    """(time, level) at each moment at which the player would look."""
    at, seen = 0.0, []
    while at < seconds:
        value, hold = level(pattern, at)
        seen.append((at, value))
        at += hold
    return seen


def test_every_pattern_has_a_look_of_its_own() -> None:
    assert set(PATTERNS) == set(NAMES)
    looks = {tuple(round(level(name, t / 20)[0], 3) for t in range(80)) for name in NAMES}
    assert len(looks) == len(NAMES)


@given(patterns, st.floats(0, 1e6))
def test_a_level_is_a_level_at_any_time(pattern: LightPattern, elapsed: float) -> None:
    value, hold = level(pattern, elapsed)
    assert 0 <= value <= 1
    assert hold > 0


@pytest.mark.parametrize("pattern", NAMES)
def test_no_pattern_flashes_more_than_three_times_in_a_second(pattern: LightPattern) -> None:
    """Above that it may start a seizure in who is prone to them (WCAG 2.3.1)."""
    seen = timeline(pattern, 10)
    rises = [at for (_, before), (at, after) in pairwise(seen) if after >= 0.5 > before]
    assert all(sum(start <= other < start + 1 for other in rises) <= 3 for start in rises)


@pytest.mark.parametrize(
    ("pattern", "steady"),
    [
        ("off", True),
        ("ready", True),
        ("live", True),
        ("calling", False),
        ("ringing", False),
        ("fault", False),
        ("identify", False),
    ],
)
def test_steady_patterns_never_change_and_cost_nothing(pattern: LightPattern, steady: bool) -> None:
    assert math.isinf(level(pattern, 3.0)[1]) is steady


def test_calling_swells_smoothly_between_bright_and_brighter() -> None:
    values = [value for _, value in timeline("calling", 4.0)]
    assert (min(values), max(values) > 0.95) == (0.6, True)
    assert max(abs(after - before) for before, after in pairwise(values)) < 0.06


@given(st.sampled_from(sorted(ON_AIR)), st.floats(0, 1e6))
def test_a_light_that_says_camera_and_microphone_are_on_is_bright_at_any_moment(
    pattern: LightPattern, elapsed: float
) -> None:
    assert level(pattern, elapsed)[0] >= 0.6


@pytest.mark.parametrize("pattern", sorted(set(NAMES) - ON_AIR))
def test_a_light_that_does_not_say_so_is_dim_or_dark_for_part_of_each_two_seconds(pattern: LightPattern) -> None:
    assert min(value for _, value in timeline(pattern, 2.0)) <= 0.15


def test_fault_is_two_short_blinks_and_a_pause() -> None:
    seen = timeline("fault", 2.0)
    assert [round(at, 2) for at, value in seen if value == 1] == [0.0, 0.4]


def test_a_light_that_cannot_be_dimmed_is_steadily_on_when_and_only_when_they_are_on() -> None:
    always_on = {name for name in NAMES if all(plain(level(name, t / 50)[0]) for t in range(200))}
    assert always_on == ON_AIR


class Lamp:
    """Collects levels; fails while told to."""

    def __init__(self) -> None:
        self.levels: list[float] = []
        self.shares: list[float] = []
        self.broken = False
        self._changed = threading.Condition()

    def set_level(self, value: float, share: float) -> None:
        with self._changed:
            self.levels.append(value)
            self.shares.append(share)
            self._changed.notify_all()
        if self.broken:
            raise DeviceFailed("no lamp")

    def saw(self, *wanted: float) -> bool:
        def there() -> bool:
            rest = iter(self.levels)
            return all(any(math.isclose(value, one) for one in rest) for value in wanted)

        with self._changed:
            return self._changed.wait_for(there, 5)


def test_the_player_shows_what_it_is_told_and_ends_dark() -> None:
    lamp = Lamp()
    player = LightPlayer(lamp.set_level)
    player.show("ready")
    assert lamp.saw(0.15)
    player.show("live")
    assert lamp.saw(0.15, 1)
    player.close()
    assert lamp.levels[-1] == 0
    assert not [t for t in threading.enumerate() if t.name == "light"]


def test_the_player_tells_how_much_of_it_is_wanted_and_a_change_of_that_at_once() -> None:
    lamp = Lamp()
    player = LightPlayer(lamp.set_level)
    player.show("live", 40)
    assert lamp.saw(1)
    player.show("live", 10)
    assert lamp.saw(1, 1)
    player.close()
    assert lamp.shares[:2] == [0.4, 0.1]


def test_the_player_blinks_by_itself() -> None:
    lamp = Lamp()
    player = LightPlayer(lamp.set_level)
    player.show("fault")
    assert lamp.saw(1, 0, 1, 0)
    player.close()


def test_a_light_that_nobody_used_is_never_touched() -> None:
    lamp = Lamp()
    LightPlayer(lamp.set_level).close()
    assert lamp.levels == []


def test_a_broken_light_is_told_once_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    lamp = Lamp()
    lamp.broken = True
    player = LightPlayer(lamp.set_level)
    with caplog.at_level(logging.ERROR):
        player.show("ringing")
        assert lamp.saw(1, 0)
        player.show("fault")
        assert lamp.saw(1, 0, 1)
    lamp.broken = False
    player.show("live")
    assert lamp.saw(1, 0, 1, 1)
    player.close()
    assert [record.getMessage() for record in caplog.records] == ["the light does not work: no lamp"]
