"""A resident's sound profile: desired by the region, judged by the agent, in force for the clinician's next word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from device.agent.desired import InForce, consider
from device.hardware.ports import BLOCK
from device.media.acoustics.shaping import Shaping
from messaging.codec import decode, encode
from messaging.twin import Config, Sound


def test_a_profile_that_is_desired_comes_into_force() -> None:
    wanted = {"version": 1, "config": {"sound": {"profile": "clear_speech", "boost_db": 9}}}
    verdict = consider(InForce(), wanted)
    assert verdict.refused == {}
    assert verdict.in_force.config.sound == Sound("clear_speech", 9)


@pytest.mark.parametrize(
    "sound", [{"profile": "loud"}, {"boost_db": 30}, {"boost_db": -1}, {"boost_db": 2.5}, "clear_speech", ["normal"], 7]
)
def test_a_profile_that_is_none_is_refused_and_the_rest_comes_into_force(sound: Any) -> None:
    before = InForce(1, Config(sound=Sound("clear_speech", 5)))
    verdict = consider(before, {"version": 2, "config": {"sound": sound, "volume": 40}})
    assert list(verdict.refused) == ["sound"]
    assert verdict.in_force.config.sound == Sound("clear_speech", 5)
    assert verdict.in_force.config.volume == 40


def test_a_region_that_knows_no_profiles_means_the_normal_one() -> None:
    assert decode(Config, {"volume": 50}).sound == Sound()
    assert decode(Config, encode(Config(sound=Sound("clear_speech")))).sound == Sound("clear_speech")


def test_a_profile_holds_from_the_next_block_and_can_be_taken_back() -> None:
    shaping = Shaping()
    said = (np.random.default_rng(2).normal(0, 300, BLOCK)).astype(np.int16)
    assert np.array_equal(shaping.apply(said), said)
    shaping.use(Sound("clear_speech"))
    assert not np.array_equal(shaping.apply(said), said)
    shaping.use(Sound())
    assert np.array_equal(shaping.apply(said), said)
