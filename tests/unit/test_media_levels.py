"""Meters: what a technician reads."""

from __future__ import annotations

import numpy as np
import pytest

from device.hardware.ports import BLOCK
from device.media.levels import LevelMeter, RateMeter


def test_the_meter_rises_at_once_and_falls_slowly() -> None:
    meter = LevelMeter()
    assert meter.db == -96
    meter.feed(np.full(BLOCK, 32767, np.int16))
    assert meter.db == pytest.approx(0, abs=0.1)
    meter.feed(np.zeros(BLOCK, np.int16))
    assert meter.db == pytest.approx(-3, abs=0.1)
    for _ in range(100):
        meter.feed(np.zeros(BLOCK, np.int16))
    assert meter.db == -96


def test_the_meter_reads_what_a_sound_engineer_would() -> None:
    meter = LevelMeter()
    meter.feed((3277 * np.sin(np.arange(BLOCK) * 2 * np.pi / 48)).astype(np.int16))
    assert meter.db == pytest.approx(-23, abs=0.1)
    meter.reset()
    assert meter.db == -96


def test_pictures_are_counted_a_second() -> None:
    now = 100.0
    meter = RateMeter(lambda: now)
    for _ in range(90):
        now += 1 / 30
        meter.count()
    assert meter.per_second == pytest.approx(30, abs=1)
    now += 1
    assert meter.per_second == pytest.approx(15, abs=1)
    now += 2
    assert meter.per_second == 0
