"""How the station behaves towards its room, by day and by night: how loud, how bright, and what is always seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.call import events as e
from device.call.manner import LEAST_LAMP, Manner, lamp, loudness, manner_of, tone
from device.call.state import light
from messaging.call import Devices
from messaging.local import ON_AIR, CallState
from messaging.settings import Levels, Night
from messaging.twin import Config
from tests.kits.station.call import House, living
from tests.unit.story import WAYS, Story

DAY, NIGHT = datetime(2026, 11, 22, 14, 5, tzinfo=UTC), datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
STATES: tuple[CallState, ...] = get_args(CallState)
CONFIG = Config(
    volume=80, levels=Levels(ring=60, prompts=50, light=90),
    night=Night(on=True, begins="22:00", ends="07:00", volume=30, brightness=10),
)  # fmt: skip
percent = st.integers(0, 100)
configs = st.builds(
    Config, volume=percent, levels=st.builds(Levels, percent, percent, percent),
    night=st.builds(Night, on=st.booleans(), quiet=st.booleans(), volume=percent, brightness=percent),
)  # fmt: skip
moments = st.none() | st.datetimes()
ways = st.sampled_from(STATES)


def test_by_day_each_sound_has_its_own_loudness_and_the_lamp_its_own_light() -> None:
    assert manner_of(CONFIG, DAY) == Manner(voice=80, ring=60, prompts=50, lamp=90, resting_lamp=90)


def test_at_night_what_the_station_plays_is_quiet_and_a_voice_is_not() -> None:
    assert manner_of(CONFIG, NIGHT) == Manner(voice=80, ring=30, prompts=30, lamp=90, resting_lamp=10)


def test_a_station_that_does_not_know_the_time_behaves_as_by_day() -> None:
    assert manner_of(CONFIG, None) == manner_of(CONFIG, DAY)


def test_a_silent_night_rings_by_light_alone() -> None:
    silent = manner_of(replace(CONFIG, night=replace(CONFIG.night, quiet=True)), NIGHT)
    ringing = Story().ringing().session
    assert tone(ringing, silent) == "none"
    assert lamp(ringing, silent) == ("ringing", 90)
    assert tone(ringing, manner_of(CONFIG, NIGHT)) == "ring"
    assert tone(Story().calling().session, silent) == "calling", "who has pressed hears that it is calling"


@pytest.mark.parametrize(
    ("state", "percent"), [("idle", 80), ("ringing", 60), ("calling", 50), ("connecting", 80), ("in_call", 80)]
)
def test_the_speaker_is_as_loud_as_what_it_plays(state: str, percent: int) -> None:
    assert loudness(WAYS[state](Story()).session, manner_of(CONFIG, DAY)) == percent


@given(configs, moments, ways)
def test_whatever_is_set_the_lamp_is_seen_when_the_room_may_be_seen_or_heard_and_when_it_rings(
    config: Config, now: datetime | None, state: str
) -> None:
    session = WAYS[state](Story()).session
    pattern, shine = lamp(session, manner_of(config, now))
    assert pattern == light(session)
    if pattern in ON_AIR or pattern == "ringing":
        assert shine >= LEAST_LAMP
    else:
        assert shine <= config.levels.light


@given(configs, moments, ways)
def test_at_night_nothing_is_louder_than_by_day_and_a_call_sounds_the_same(
    config: Config, now: datetime | None, state: str
) -> None:
    session = WAYS[state](Story()).session
    there, by_day = manner_of(config, now), manner_of(config, None)
    assert loudness(session, there) <= loudness(session, by_day)
    if state == "in_call":
        assert loudness(session, there) == config.volume
        assert tone(session, there) == "none"


clock_times = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@given(clock_times, clock_times, st.times())
def test_a_night_covers_what_lies_between_also_past_midnight(begins: time, ends: time, at: time) -> None:
    night = Night(on=True, begins=f"{begins:%H:%M}", ends=f"{ends:%H:%M}")
    minutes = [60 * one.hour + one.minute for one in (begins, ends, at)]
    if begins == ends:
        return  # refused where it is set: a night has a length
    inside = (minutes[2] - minutes[0]) % 1440 < (minutes[1] - minutes[0]) % 1440
    assert night.covers(at) is inside
    assert not replace(night, on=False).covers(at)


# What light and speaker are told


async def test_the_speaker_has_the_configs_volume_from_the_start_also_where_it_is_the_ordinary_one() -> None:
    async with living() as house:
        assert (house.media.volume, house.views[-1].volume) == (70, 70)


async def test_a_ring_has_its_own_loudness_and_the_voice_after_it_the_calls() -> None:
    async with living() as house:
        house.service.behave(manner_of(CONFIG, DAY))
        await house.invited()
        assert (house.media.volume, house.media.done[-1]) == (60, "ring")
        await house.press()
        await house.settle()
        assert house.media.volume == 80
        assert house.media.done.index("none") < house.media.done.index("open")


async def test_when_the_night_begins_the_lamp_is_dimmed_and_a_ring_that_sounds_falls_silent() -> None:
    silent = replace(CONFIG, night=replace(CONFIG.night, quiet=True))
    async with living() as house:
        house.service.behave(manner_of(silent, DAY))
        assert (house.light.pattern, house.light.percent) == ("ready", 90)
        house.service.behave(manner_of(silent, NIGHT))
        assert (house.light.pattern, house.light.percent) == ("ready", 10)
        house.service.behave(manner_of(silent, DAY))
        await house.invited()
        house.service.behave(manner_of(silent, NIGHT))
        await house.settle()
        assert house.media.done[-2:] == ["ring", "none"]
        assert (house.light.pattern, house.light.percent) == ("ringing", 90)


async def test_a_press_at_night_calls_as_by_day() -> None:
    async with living() as house:
        house.service.behave(manner_of(replace(CONFIG, night=replace(CONFIG.night, quiet=True)), NIGHT))
        await house.press()
        await house.settle()
        assert house.state == "calling"
        assert (house.light.pattern, house.media.volume) == ("calling", 30)
        assert house.media.done[-1] in ("calling", "open")


async def test_a_lamp_that_is_set_dark_is_seen_in_a_call() -> None:
    async with living(House(begin_with=Devices())) as house:
        house.service.behave(manner_of(replace(CONFIG, levels=Levels(light=0)), DAY))
        assert house.light.percent == 0
        await house.in_call()
        assert (house.light.pattern, house.light.percent) == ("live", LEAST_LAMP)
        house.service.happened(e.PeerBye(1))
        await house.settle()
