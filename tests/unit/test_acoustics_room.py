"""Who cancels the echo, and what is sent when nobody does."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from device.hardware.ports import BLOCK, Block
from device.media.acoustics.room import RoomSound
from device.media.errors import CancellerFailed

SAID: Block = np.full(BLOCK, 100, np.int16)
PLAYED: Block = np.full(BLOCK, 40, np.int16)


class Taking:
    """A canceller that takes away what was played, at once."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self.broken = False

    def process(self, far: Block, near: Block, delay_ms: float) -> Block:
        if self.broken:
            raise CancellerFailed("no more")
        self.delays.append(delay_ms)
        return np.asarray(near - far, np.int16)


def room(canceller: Taking | None = None) -> RoomSound:
    made = RoomSound(lambda: 0.0)
    if canceller is not None:
        made.load(lambda: canceller)
    return made


def test_until_the_canceller_is_loaded_the_room_is_sent_as_it_is() -> None:
    waiting = room()
    assert waiting.state == "loading"
    waiting.played(PLAYED)
    assert np.array_equal(waiting.heard(SAID), SAID)


def test_what_is_played_is_taken_out_of_what_is_heard() -> None:
    canceller = Taking()
    ready = room(canceller)
    assert ready.state == "station"
    for _ in range(6):
        ready.played(PLAYED)
    assert np.array_equal(ready.heard(SAID), SAID - PLAYED)
    assert 0 <= canceller.delays[0] <= 60


def test_a_speakerphone_that_cancels_its_own_echo_is_left_to_it(caplog: pytest.LogCaptureFixture) -> None:
    canceller = Taking()
    ready = room(canceller)
    with caplog.at_level(logging.INFO):
        ready.stand_aside(True)
        ready.stand_aside(True)
    assert caplog.text.count("speakerphone itself") == 1
    assert ready.state == "device"
    ready.played(PLAYED)
    ready.played(PLAYED)
    assert np.array_equal(ready.heard(SAID), SAID)
    assert canceller.delays == []
    ready.stand_aside(False)
    assert ready.state == "station"


def test_a_canceller_that_cannot_be_loaded_is_said_loudly_and_told(caplog: pytest.LogCaptureFixture) -> None:
    def make() -> Taking:
        raise CancellerFailed("there is none for this machine")

    lacking = room()
    lacking.load(make)
    assert lacking.state == "failed"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "with its echo" in caplog.text
    assert np.array_equal(lacking.heard(SAID), SAID)


def test_a_canceller_that_fails_in_a_call_costs_the_echo_and_not_the_call(caplog: pytest.LogCaptureFixture) -> None:
    canceller = Taking()
    ready = room(canceller)
    canceller.broken = True
    for _ in range(3):
        assert np.array_equal(ready.heard(SAID), SAID)
    assert ready.state == "failed"
    assert len(caplog.records) == 1


def test_the_clinician_yields_to_the_resident_only_while_the_echo_is_cancelled() -> None:
    loud: Block = (np.random.default_rng(1).normal(0, 3000, BLOCK)).astype(np.int16)
    quiet: Block = loud // 300
    ready = room(Taking())
    for block in [quiet] * 60 + [loud] * 20:
        ready.heard(block)
        played = ready.soften(PLAYED)
    assert played[-1] < PLAYED[-1] / 2
    ready.stand_aside(True)
    for _ in range(40):
        ready.heard(loud)
        played = ready.soften(PLAYED)
    assert np.array_equal(played, PLAYED)


def without_echo(listening: RoomSound, blocks: int = 600) -> list[Block]:
    """What is sent of a resident with pauses while the clinician speaks without one, and neither hears the other."""
    sent = []
    listening.played(np.full(BLOCK, 3000, np.int16))
    for number in range(blocks):
        listening.played(listening.soften(np.full(BLOCK, 3000, np.int16)))
        sent.append(listening.heard(np.full(BLOCK, 0 if number % 40 < 8 else 2000, np.int16)))
    return sent


def test_where_there_is_no_echo_the_resident_is_heard_whole_and_the_clinician_as_loud_as_ever() -> None:
    listening = room(Taking())
    assert without_echo(listening)[19].max() < 2000  # not known yet: what was played is taken away
    assert without_echo(listening, 40)[19].max() == 2000
    assert listening.soften(np.full(BLOCK, 3000, np.int16)).min() == 3000


def test_after_a_change_of_devices_or_volume_an_echo_is_expected_again() -> None:
    listening = room(Taking())
    without_echo(listening)
    listening.changed()
    assert without_echo(listening, 1)[0].max() < 0
