"""A call of the clinic that is answered by itself: who has agreed, the countdown, and the no that always works."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.call import events as e
from device.call.answering import HOLDS_S
from device.call.consent import answers_itself
from device.call.manner import LEAST_HEARD, Manner, loudness, tone
from device.call.state import COUNTDOWN_S, RINGING_S, light, view
from messaging.call import Accept, Devices, Hangup, Invite
from messaging.envelope import ClockTrust
from messaging.local import ON_AIR
from messaging.settings import AutoAnswer, Night
from messaging.twin import Config
from tests.kits.station.call import living
from tests.unit.story import THEIRS, Story

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AGREED = AutoAnswer(True, consent_by="Resident", consent_recorded_by="Nurse", consent_until="2026-12-31")
CONFIG = Config(auto_answer=AGREED)
MUTE = Devices(speaker="fault")


def agreed() -> Story:
    """At rest, at a resident's who has agreed."""
    return Story().idle().happens(e.Configured(True, True, answers_itself=True))


def counting() -> Story:
    return agreed().hear(Invite("Ann Demo", "GP"), THEIRS).happens(e.Offered(1, "our offer"))


# Who has agreed


def test_who_has_agreed_is_answered_for_until_the_consents_last_day_is_over() -> None:
    for day, holds in ((date(2026, 12, 31), True), (date(2027, 1, 1), False)):
        now = datetime(day.year, day.month, day.day, 12, 0, tzinfo=UTC)
        assert answers_itself(CONFIG, now, "ntp", screen=True) is holds


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(auto_answer=replace(AGREED, on=False)),
        Config(auto_answer=replace(AGREED, consent_by="")),
        Config(auto_answer=replace(AGREED, consent_recorded_by="")),
        Config(auto_answer=replace(AGREED, consent_until="")),
    ],
)
def test_without_a_whole_consent_nothing_is_answered_by_itself(config: Config) -> None:
    assert not answers_itself(config, NOON, "ntp", screen=True)


@pytest.mark.parametrize("trust", ["unset", "floor"])
def test_a_station_that_does_not_know_the_date_does_not_know_of_the_consent(trust: ClockTrust) -> None:
    assert not answers_itself(CONFIG, NOON, trust, screen=True)


def test_where_nobody_could_see_the_countdown_there_is_none() -> None:
    assert not answers_itself(CONFIG, NOON, "ntp", screen=False)


def test_in_a_silent_night_nobody_is_answered_for() -> None:
    night = Night(on=True, begins="22:00", ends="07:00", quiet=True)
    late = NOON.replace(hour=23)
    assert not answers_itself(replace(CONFIG, night=night), late, "ntp", screen=True)
    assert answers_itself(replace(CONFIG, night=night), NOON, "ntp", screen=True)
    assert answers_itself(replace(CONFIG, night=replace(night, quiet=False)), late, "ntp", screen=True)


@given(st.builds(AutoAnswer, st.booleans(), st.sampled_from(["", "A"]), st.sampled_from(["", "B"]),
                 st.sampled_from(["", "2026-11-21", "2026-11-22", "2026-11-23"])),
       st.sampled_from(get_args(ClockTrust)), st.booleans(), st.integers(-2, 2))  # fmt: skip
def test_it_takes_all_of_it_to_be_a_yes(agreement: AutoAnswer, trust: ClockTrust, screen: bool, days: int) -> None:
    now = NOON + timedelta(days=days)
    if answers_itself(Config(auto_answer=agreement), now, trust, screen=screen):
        assert agreement.on
        assert agreement.consent_by and agreement.consent_recorded_by
        assert (trust, screen) == ("ntp", True)
        assert now.date().isoformat() <= agreement.consent_until


# The countdown


def test_it_rings_counts_down_and_opens_the_camera_only_then() -> None:
    story = counting()
    assert (story.state, light(story.session), tone(story.session, Manner())) == ("ringing", "ringing", "countdown")
    assert view(story.session, "b", 70, 0).answers_at == story.session.since + COUNTDOWN_S
    story.passes(COUNTDOWN_S - 0.1)
    assert story.state == "ringing"
    assert not story.camera_open
    assert light(story.session) not in ON_AIR
    story.passes(0.1)
    assert (story.state, story.camera_open, light(story.session)) == ("connecting", True, "live")
    assert Accept(by_itself=True) in [effect.message for effect in story.all(e.Say)]
    assert view(story.session, "b", 70, 0).answers_at is None


def test_a_press_in_the_countdown_says_no_and_nothing_is_opened() -> None:
    story = counting().press()
    assert story.said() == [Hangup("declined")]
    assert (story.state, story.session.reason) == ("feedback", "declined")
    story.passes(700)
    assert story.all(e.OpenMedia) == []


def test_a_press_in_an_ordinary_ring_says_yes() -> None:
    story = Story().ringing().press()
    assert (story.state, story.camera_open) == ("connecting", True)
    assert Accept() in story.said()


def test_a_press_after_it_was_answered_by_itself_ends_the_call() -> None:
    story = counting().passes(COUNTDOWN_S).press()
    assert story.said() == [Hangup("resident_left")]
    assert not story.camera_open


def test_a_no_holds_for_a_while_and_the_next_call_rings_in_the_ordinary_way() -> None:
    story = counting().press().passes(60)
    story.hear(Invite("Ann Demo", "GP"), "1" * 16)
    assert (story.state, tone(story.session, Manner())) == ("ringing", "ring")
    story.passes(RINGING_S)
    assert story.session.reason == "no_answer"
    assert not story.all(e.OpenMedia)
    story.passes(HOLDS_S).hear(Invite("Ann Demo", "GP"), "2" * 16).passes(COUNTDOWN_S)
    assert story.state == "connecting"


@pytest.mark.parametrize(
    "ended", [e.Configured(True, True), e.Configured(True, True, True, True), e.DevicesChanged(MUTE)]
)
def test_a_consent_that_ends_or_a_speaker_that_falls_silent_makes_it_an_ordinary_ring(ended: e.Event) -> None:
    story = counting().passes(10).happens(ended)
    assert tone(story.session, Manner()) == "ring"
    assert view(story.session, "b", 70, 0).answers_at is None
    story.happens(e.Configured(True, True, answers_itself=True), e.DevicesChanged(Devices())).passes(RINGING_S - 1)
    assert story.state == "ringing", "it is not taken up again half-way, and it rings for as long as any call"
    story.passes(1)
    assert (story.session.reason, story.all(e.OpenMedia)) == ("no_answer", [])


def test_a_station_without_a_speaker_never_counts_down() -> None:
    story = agreed().happens(e.DevicesChanged(MUTE)).hear(Invite("Ann Demo"), THEIRS)
    assert view(story.session, "b", 70, 0).answers_at is None


def test_a_consent_that_comes_while_it_rings_begins_no_countdown() -> None:
    story = Story().ringing().happens(e.Configured(True, True, answers_itself=True)).passes(RINGING_S)
    assert (story.session.reason, story.all(e.OpenMedia)) == ("no_answer", [])


def test_a_clinician_who_gives_up_in_the_countdown_opens_nothing() -> None:
    story = counting().hear(Hangup("cancelled")).passes(700)
    assert (story.state, story.all(e.OpenMedia)) == ("idle", [])


def test_the_residents_own_call_is_never_answered_by_itself() -> None:
    story = agreed().press().happens(e.MediaOpened(Devices())).passes(1)
    assert not story.session.call.by_itself  # type: ignore[union-attr]


async def test_the_house_hears_the_countdown_before_anything_is_opened_and_may_stop_it() -> None:
    async with living() as house:
        house.service.happened(e.Configured(True, True, answers_itself=True))
        house.service.behave(Manner(voice=80, ring=10))
        await house.invited()
        assert (house.media.volume, house.media.done[-1]) == (LEAST_HEARD, "countdown")
        await house.clock.advance(COUNTDOWN_S - 1)
        assert "open" not in house.media.done
        await house.clock.advance(1)
        assert (house.state, house.media.volume, house.media.light_at_open) == ("connecting", 80, "live")
        assert house.said()[-1] == Accept(by_itself=True)
        await house.press()
        await house.settle()
        assert house.said()[-1] == Hangup("resident_left")


@given(st.integers(0, 100), st.booleans())
def test_a_countdown_is_heard_whatever_is_set(ring: int, silent: bool) -> None:
    manner = Manner(ring=ring, silent=silent)
    session = counting().session
    assert tone(session, manner) == "countdown"
    assert loudness(session, manner) >= LEAST_HEARD
