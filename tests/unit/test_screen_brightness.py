"""How bright the resident's screen is by day and by night, and whose names stand on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk_ui.screen.brightness import LEAST, brightness
from kiosk_ui.screen.shown import Noticed, ScreenView
from kiosk_ui.screen.view import screen_view
from messaging.call import Devices
from messaging.local import AgentView, CallState
from messaging.settings import Night, Opening, Screen
from tests.kits.station.screen_scenes import NOW, agent_view, call_view

STATES: tuple[CallState, ...] = get_args(CallState)
NIGHT = Night(on=True, begins="22:00", ends="07:00", brightness=10)
RESTING = ("idle", "fault", "offline")


def at(hour: int, **noticed: float) -> Noticed:
    local = datetime.fromtimestamp(NOW, UTC).astimezone().replace(hour=hour, minute=5)
    return Noticed(local.timestamp(), **noticed)  # type: ignore[arg-type]


def shown(state: CallState, noticed: Noticed, agent: AgentView | None = None, **call: object) -> ScreenView:
    agent = agent or agent_view(screen=Screen(brightness=80), night=NIGHT)
    return screen_view(call_view(state, **call), agent, noticed)


@pytest.mark.parametrize("state", STATES)
def test_at_night_the_screen_is_dim_while_nothing_goes_on_and_as_bright_as_by_day_in_a_call(state: CallState) -> None:
    assert shown(state, at(14)).brightness == 80
    assert shown(state, at(2)).brightness == (10 if state in RESTING else 80)


def test_a_press_that_can_do_nothing_lights_the_screen_up_so_that_it_can_be_read() -> None:
    dark = shown("offline", at(2))
    lit = shown("offline", at(2, refused_ago=0.5))
    assert (dark.brightness, lit.brightness) == (10, 80)
    assert lit.notice


def test_a_night_of_darkness_is_dark_but_never_hides_that_something_is_wrong() -> None:
    dark = agent_view(night=replace(NIGHT, brightness=0))
    assert shown("idle", at(2), dark).brightness == 0
    assert shown("idle", at(2), dark, devices=Devices(camera="missing")).brightness == LEAST
    assert shown("offline", at(2), dark).brightness == LEAST
    assert shown("ringing", at(2), dark).brightness == 100


def test_a_clinic_that_is_closed_at_night_as_any_is_leaves_the_room_dark() -> None:
    closed = agent_view(night=replace(NIGHT, brightness=0), opening=Opening(closed=("2026-11-21",)))
    view = shown("idle", at(2), closed)
    assert "har åbent igen" in view.notice
    assert view.brightness == 0


def test_a_message_in_the_night_is_there_to_be_read_and_wakes_nobody() -> None:
    told = replace(agent_view(night=replace(NIGHT, brightness=0)), message="Vi kommer kl. 10")
    night, day = shown("idle", at(2), told), shown("idle", at(14), told)
    assert (night.headline, night.brightness, night.tone) == ("Vi kommer kl. 10", LEAST, "night")
    assert (day.brightness, day.tone) == (100, "calm")


def test_a_station_that_is_looked_for_at_night_can_be_found() -> None:
    assert shown("idle", at(2), identifying=True).brightness == 80


@pytest.mark.parametrize("call", [{"state": "offline"}, {"state": "fault", "fault": "internal"}])
def test_what_goes_wrong_at_night_is_told_in_the_night_s_colours(call: dict[str, str]) -> None:
    """Also where no night hours are set: somebody sleeps beside it."""
    said = {"state": "idle", **call}
    night = shown(said.pop("state"), at(2), agent_view(), **said)  # type: ignore[arg-type]
    assert (night.tone, night.bar) == ("night", "phone")
    pressed = shown(call["state"], at(2, refused_ago=0.5), agent_view(), **said)  # type: ignore[arg-type]
    assert pressed.tone == "trouble", "who has pressed is awake"
    assert shown(call["state"], at(14), agent_view(), **said).tone == "trouble"  # type: ignore[arg-type]
    away = screen_view(None, agent_view(), at(2, away_for=1.0))
    assert away.tone == "night"


def test_a_station_that_does_not_know_the_time_is_as_bright_as_by_day() -> None:
    unset = replace(agent_view(night=NIGHT), clock="unset")
    assert shown("idle", at(2), unset).brightness == 100


def test_the_colours_are_those_of_the_night_in_the_hours_that_are_set() -> None:
    late = agent_view(night=Night(on=True, begins="23:30", ends="06:00"))
    assert [shown("idle", at(hour), late).tone for hour in (22, 0, 5, 6)] == ["calm", "night", "night", "calm"]


percent = st.integers(0, 100)


@given(percent, percent, st.none() | st.times(), st.booleans(), st.booleans(), st.booleans())
def test_only_a_station_at_rest_at_night_with_nothing_to_say_is_ever_dark(
    day: int, night: int, moment: object, on: bool, resting: bool, well: bool
) -> None:
    hours = Night(on=on, brightness=night)
    level = brightness(Screen(brightness=day), hours, moment, resting=resting, well=well)  # type: ignore[arg-type]
    assert 0 <= level <= max(LEAST, day)
    if level < LEAST:
        assert (on, resting, well) == (True, True, True)


@pytest.mark.parametrize(
    ("hidden", "headline", "role"),
    [
        ({}, "Anna Holm ringer", "læge"),
        ({"caller_name": False}, "Lægerne ved Havnen ringer", "læge"),
        ({"caller_title": False}, "Anna Holm ringer", ""),
        ({"caller_name": False, "clinic": False, "caller_title": False}, "Lægen ringer", ""),
    ],
)
def test_the_names_of_who_calls_are_shown_as_far_as_the_home_wants(
    hidden: dict[str, bool], headline: str, role: str
) -> None:
    view = shown("ringing", at(14), agent_view(screen=Screen(**hidden)), outgoing=False)
    assert (view.headline, view.role) == (headline, role)


def test_room_site_and_clinic_can_be_left_out() -> None:
    everything = shown("idle", at(14), agent_view())
    assert everything.station == "Stue 12 · Plejehjemmet Solgården"
    bare = shown("idle", at(14), agent_view(screen=Screen(clinic=False, place=False)))
    assert (bare.station, bare.bar_text) == ("", "Tryk på knappen, så ringer vi til lægen")


def test_whom_to_phone_is_told_without_the_clinics_name_where_that_is_hidden() -> None:
    view = shown("offline", at(14), agent_view(screen=Screen(clinic=False)))
    assert view.bar_text.startswith("Ring til lægen på 70")
