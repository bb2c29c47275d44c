"""Where there is no echo, nothing is taken away; where there is one, however odd the room, that is never believed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.hardware.ports import BLOCK, Block
from device.hardware.sim.speech import speech
from device.hardware.sound import silence
from device.media.acoustics.apart import HOLDS, LATEST, Apart
from tests.kits.examples import examples

SPEECH = speech()
OTHER = np.roll(SPEECH, 7 * BLOCK)[::-1].copy()


def block(sound: np.ndarray[tuple[int], np.dtype[np.int16]], number: int) -> Block:
    """A block of a sound that goes on for ever."""
    at = number * BLOCK % len(sound)
    return np.resize(sound[at : at + BLOCK], BLOCK)


def listen(
    apart: Apart, blocks: int, echo: float = 0.0, late: int = 0, near: bool = True, noise: float = 0.0,
    steady: bool = True, gap_at: int | None = None,
) -> bool:  # fmt: skip
    """Both talk, and the microphone hears `echo` of what was played `late` blocks ago. Whether it was ever believed
    that there is none. At `gap_at` 200 ms are lost on their way from the microphone.
    """
    believed = False
    room = np.random.default_rng(1)
    for number in range(blocks):
        heard = block(OTHER, number) * float(near) + echo * block(SPEECH, number - late) + room.normal(0, noise, BLOCK)
        if gap_at is not None and gap_at <= number < gap_at + 20:
            heard = heard * 0
        believed |= apart.hear(block(SPEECH, number), np.clip(heard, -32768, 32767).astype(np.int16), steady)
    return believed


def test_within_seconds_of_talking_at_once_it_is_known_that_there_is_no_echo() -> None:
    assert listen(Apart(), 1000)


def test_a_room_that_hums_softly_hides_no_echo_worth_the_name() -> None:
    assert listen(Apart(), 1000, noise=3)


@settings(max_examples=examples(15), deadline=None)
@given(st.floats(0.05, 0.9), st.integers(0, LATEST - 2), st.booleans())
def test_an_echo_is_never_overheard(echo: float, late: int, near: bool) -> None:
    assert not listen(Apart(), 800, echo, late, near)


@settings(max_examples=examples(15), deadline=None)
@given(st.integers(100, 700), st.integers(0, LATEST - 2))
def test_a_gap_in_the_sound_is_not_the_silence_of_the_room(gap_at: int, late: int) -> None:
    assert not listen(Apart(), 800, 0.4, late, gap_at=gap_at)


def test_a_machine_that_is_late_tells_nothing() -> None:
    assert not listen(Apart(), 800, steady=False)


def test_a_loud_room_tells_nothing() -> None:
    assert not listen(Apart(), 800, noise=300)


def test_a_microphone_that_is_switched_off_tells_nothing() -> None:
    assert not listen(Apart(), 800, near=False)


@pytest.mark.parametrize("echo", [0.1, 0.5])
def test_who_turns_the_speaker_up_is_cancelled_again_before_long(echo: float) -> None:
    apart = Apart()
    assert listen(apart, 1000)
    listen(apart, HOLDS * 2, echo, late=8)  # the volume of a speaker that has a knob of its own: nobody tells
    assert not listen(apart, 300, echo, late=8)


def test_another_device_has_to_be_heard_anew() -> None:
    apart = Apart()
    assert listen(apart, 1000)
    apart.forget()
    assert not apart.hear(block(SPEECH, 0), block(OTHER, 0), steady=True)
    assert listen(apart, 1000)


def test_what_is_known_lasts_while_nobody_speaks() -> None:
    apart = Apart()
    assert listen(apart, 1000)
    for _ in range(3 * HOLDS):
        apart.hear(silence(), silence(), steady=True)
    assert apart.hear(silence(), silence(), steady=True)
