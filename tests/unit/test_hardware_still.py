"""A still is asked for by one thread and taken by another: everybody gets an answer, and once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from device.hardware.errors import DeviceFailed
from device.hardware.ports import Frame
from device.hardware.still import StillDesk

PICTURE = Frame(np.zeros((3, 2), np.uint8), 2, 2, 1.0)


def served(desk: StillDesk, take: object) -> None:
    """Serve until somebody has been."""
    for _ in range(500):
        if desk.serve(take):  # type: ignore[arg-type]
            return
        threading.Event().wait(0.01)
    raise AssertionError("nobody asked")


def test_who_asks_gets_the_picture_and_who_does_not_costs_nothing() -> None:
    desk, taken = StillDesk(), []

    def take() -> Frame:
        taken.append(1)
        return PICTURE

    assert not desk.serve(take)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(desk.ask, 5)
        served(desk, take)
        assert asked.result(5) is PICTURE
    assert not desk.serve(take)
    assert taken == [1]


def test_a_camera_that_cannot_says_why_to_who_asked_and_goes_on() -> None:
    desk = StillDesk()

    def take() -> Frame:
        raise DeviceFailed("no still today")

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(desk.ask, 5)
        served(desk, take)
        with pytest.raises(DeviceFailed, match="no still today"):
            asked.result(5)


def test_nobody_waits_longer_than_he_said_and_then_no_picture_is_taken_for_him() -> None:
    desk = StillDesk()
    with pytest.raises(DeviceFailed, match=r"no still within 0\.01 s"):
        desk.ask(0.01)
    assert not desk.serve(lambda: PICTURE)


def test_who_waits_while_the_camera_closes_is_told_and_who_comes_later_too() -> None:
    desk = StillDesk()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(desk.ask, 5)
        for _ in range(500):
            if desk._waiting:
                break
            threading.Event().wait(0.01)
        desk.shut()
        with pytest.raises(DeviceFailed, match="was closed"):
            asked.result(5)
    with pytest.raises(DeviceFailed, match="not open"):
        desk.ask(5)
