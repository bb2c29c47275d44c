"""The simulated sound card's clock: it may be off, and what it hears goes on while nobody reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from device.hardware.sim import device as sim_device
from device.hardware.sim.sound import SimMicrophone, SimSpeaker
from device.hardware.sim.speech import speech
from device.hardware.sound import silence

REAL = BLOCK / SAMPLE_RATE


class HandTurned:
    """In place of the thread: its ticks come when the test says so, and the test says what was left out."""

    made: list[HandTurned]

    def __init__(self, _name: str, period: float, work: Callable[[], None], _most_behind: int = 0) -> None:
        self.period, self.tick, self.skipped = period, work, 0
        self.made.append(self)

    def start(self) -> None:
        """Nothing turns by itself."""

    def stop(self) -> None:
        """Nothing turned."""


@pytest.fixture(scope="module", autouse=True)
def hand_turned() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        HandTurned.made = []
        patch.setattr(sim_device, "PacedThread", HandTurned)
        yield


@pytest.mark.parametrize("ppm", [-1000, -100, 0, 100, 1000])
def test_an_hour_of_a_clock_that_is_off_has_so_many_samples_more(tmp_path: Path, ppm: int) -> None:
    microphone, speaker = SimMicrophone(clock_ppm=ppm), SimSpeaker(tmp_path / "ring", clock_ppm=ppm)
    microphone.open(lambda _: None, lambda _: None)
    speaker.open(silence, lambda _: None)
    for thread in HandTurned.made[-2:]:
        assert 3600 / thread.period * REAL == pytest.approx(3600 * (1 + ppm / 1e6), abs=1e-6)
    speaker.close()


@pytest.mark.long
@given(st.lists(st.integers(0, 700), min_size=1, max_size=30))
def test_what_is_said_while_nobody_reads_is_lost_and_the_rest_is_in_its_time(missed: list[int]) -> None:
    said, heard = speech(), list[Block]()
    microphone = SimMicrophone()
    microphone.open(heard.append, lambda _: None)
    thread = HandTurned.made[-1]
    for more in missed:
        thread.skipped += more
        thread.tick()
    ticks = np.cumsum(np.asarray(missed) + 1) - 1
    for tick, block in zip(ticks, heard, strict=True):
        assert np.array_equal(block, said[(tick * BLOCK + np.arange(BLOCK)) % len(said)])


def test_a_microphone_that_is_opened_again_goes_on_where_it_was() -> None:
    said, heard = speech(), list[Block]()
    microphone = SimMicrophone()
    for left_out in (7, 0):
        microphone.open(heard.append, lambda _: None)
        HandTurned.made[-1].skipped = left_out
        HandTurned.made[-1].tick()
        microphone.close()
    assert np.array_equal(heard[1], said[8 * BLOCK : 9 * BLOCK]), "what was left out before it was shut counts once"
