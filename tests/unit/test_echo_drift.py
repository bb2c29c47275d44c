"""How fast the echo moves: rooms whose crystals differ, and everything that must not be taken for that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from device.hardware.sound import silence
from device.media.acoustics.drift import MOST_PPM, SURE_PPM, EchoDrift
from tests.bench.echo_room import Room, Scene, voice
from tests.kits.examples import examples

pytestmark = pytest.mark.long
SAID = voice(14)  # the clinician
ANSWERED = voice(14, faster=0.9)  # the resident


class Home:
    """A room, and what its station makes of the echo. `far` and `near`: who speaks."""

    def __init__(self, scene: Scene) -> None:
        self.drift = EchoDrift()
        self._room = Room(scene)
        self._blocks = 0
        self.told: list[float] = []

    def live(self, seconds: float, *, far: bool = True, near: bool = False, slipped: int = 0) -> float:
        """What is told at the end of it."""
        for _ in range(round(seconds * 100)):
            part = slice(self._blocks * BLOCK, (self._blocks + 1) * BLOCK)
            played = SAID[part] if far else silence()
            heard = self._room.hear(played) + (ANSWERED[part] if near else 0)
            self.drift.hear(played, np.clip(heard, -32768, 32767).astype(np.int16), slipped)
            self._blocks += 1
            self.told.append(self.drift.ppm)
        return self.drift.ppm


@pytest.mark.parametrize("ppm", [100.0, -60.0, 25.0])
@pytest.mark.parametrize("delay_ms", [41.3, 160.0])
def test_what_two_crystals_differ_by_is_known_within_seconds_of_speech(ppm: float, delay_ms: float) -> None:
    home = Home(Scene(delay_ms=delay_ms, drift_ppm=ppm))
    assert home.live(7) == pytest.approx(ppm, abs=30)
    assert home.live(6) == pytest.approx(ppm, abs=15)


@pytest.mark.parametrize("scene", [Scene(delay_ms=40), Scene(delay_ms=60, saturates=True)])
def test_crystals_that_agree_cost_nothing(scene: Scene) -> None:
    home = Home(scene)
    home.live(8)
    assert set(home.told) == {0.0}


def test_what_was_already_put_right_is_still_known_as_drift() -> None:
    """The far end follows by 48 samples in ten seconds: the echo stands still, and the crystals differ as before."""
    home = Home(Scene(delay_ms=60))
    for second in range(9):
        home.live(1, slipped=round(-100e-6 * SAMPLE_RATE * second))
    assert home.drift.ppm == pytest.approx(100, abs=6)


def test_a_resident_who_speaks_alone_is_no_room() -> None:
    home = Home(Scene(delay_ms=60, drift_ppm=100))
    home.live(8, far=False, near=True)
    assert set(home.told) == {0.0}


def test_what_was_known_holds_while_the_resident_answers() -> None:
    home = Home(Scene(delay_ms=60, drift_ppm=100))
    home.live(7)
    home.live(6, far=False, near=True)
    assert min(home.told[700:]) > 75
    assert max(home.told[700:]) < 125


def test_while_both_speak_nothing_wild_is_told() -> None:
    home = Home(Scene(delay_ms=60, drift_ppm=50))
    home.live(5)
    home.live(7, near=True)
    assert all(30 < ppm < 70 for ppm in home.told[500:])


def test_a_microphone_that_is_moved_is_no_drift_and_the_drift_is_found_again() -> None:
    home = Home(Scene(delay_ms=60, drift_ppm=80, moved_s=5))
    home.live(13)
    assert all(30 < ppm < 110 for ppm in home.told[500:]), "a window in which it moved is half wrong"
    assert home.told[-1] == pytest.approx(80, abs=10)


def test_another_device_has_another_crystal() -> None:
    home = Home(Scene(delay_ms=60, drift_ppm=100))
    home.live(5)
    home.drift.forget()
    assert home.drift.ppm == 0.0
    home.drift.hear(silence(), silence(), 0)
    assert home.drift.ppm == 0.0


def test_a_box_in_somebodys_hands_is_no_crystal() -> None:
    home = Home(replace(Scene(delay_ms=60), drift_ppm=2000))
    home.live(8)
    assert set(home.told) == {0.0}


@settings(max_examples=examples(20), deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 32767]), st.integers(-500, 500))
def test_whatever_is_heard_what_is_told_is_a_difference_of_crystals(seed: int, loud: int, slipped: int) -> None:
    random, drift = np.random.default_rng(seed), EchoDrift()
    for n in range(500):
        far: Block = random.integers(-loud - 1, loud + 1, BLOCK).astype(np.int16)
        drift.hear(far, np.roll(far, n // 2) if n % 3 else silence(), slipped * n // 100)
        assert drift.ppm == 0.0 or SURE_PPM < abs(drift.ppm) <= MOST_PPM
