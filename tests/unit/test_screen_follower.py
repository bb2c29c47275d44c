"""What the screen remembers between two messages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk_ui.screen.follower import Follower, language_of
from messaging.local import CallState
from messaging.twin import Language
from tests.kits.station.screen_scenes import NOW, agent_view, call_view


@pytest.fixture
def follower() -> Follower:
    follower = Follower("da", 100.0)
    follower.agent_said(agent_view("da"))
    return follower


def test_until_station_call_has_been_heard_it_asks_for_a_moment(follower: Follower) -> None:
    assert follower.view(101.0, NOW).headline == "Vent et øjeblik"


def test_the_wait_for_station_call_is_counted_from_when_it_went(follower: Follower) -> None:
    follower.call_said(call_view("idle"), 500.0)
    follower.call_gone(600.0)
    follower.call_gone(614.0)  # the socket is tried again and again
    assert follower.view(614.9, NOW).headline == "Vent et øjeblik"
    assert follower.view(615.1, NOW).headline == "Knappen virker ikke lige nu"


def test_station_call_coming_back_is_shown_at_once(follower: Follower) -> None:
    follower.call_gone(100.0)
    follower.call_said(call_view("idle"), 130.0)
    assert follower.view(130.0, NOW).layout == "idle"


def test_what_station_agent_said_holds_while_it_is_away(follower: Follower) -> None:
    follower.call_said(call_view("offline"), 100.0)
    assert "Lægerne ved Havnen" in follower.view(9_000.0, NOW).bar_text


def test_the_agents_language_replaces_the_environments(follower: Follower) -> None:
    follower.call_said(call_view("offline"), 100.0)
    follower.agent_said(agent_view("en"))
    assert follower.view(100.0, NOW).headline == "The button cannot call just now"


def test_a_refused_press_is_reacted_to_at_once_and_for_a_while(follower: Follower) -> None:
    offline = call_view("offline", presses_refused=3)
    follower.call_said(offline, 100.0)
    assert not follower.view(100.0, NOW).refused  # presses of before the screen was there
    follower.call_said(replace(offline, presses_refused=4), 110.0)
    assert follower.view(110.0, NOW).refused
    assert follower.view(113.9, NOW).refused
    assert not follower.view(114.1, NOW).refused


def test_a_second_refused_press_is_reacted_to_anew(follower: Follower) -> None:
    for at, count in ((100.0, 0), (110.0, 1), (113.0, 2)):
        follower.call_said(call_view("offline", presses_refused=count), at)
    assert follower.view(116.0, NOW).refused


def test_the_count_of_another_run_of_station_call_is_no_press(follower: Follower) -> None:
    follower.call_said(call_view("offline", presses_refused=0), 100.0)
    follower.call_said(call_view("offline", presses_refused=7, boot="boot2"), 110.0)
    assert not follower.view(110.0, NOW).refused


@pytest.mark.parametrize(
    "state", ["idle", "calling", "ringing", "connecting", "ending", "feedback", "fault", "offline"]
)
def test_a_picture_of_the_other_side_is_wanted_in_a_call_only(follower: Follower, state: CallState) -> None:
    follower.call_said(call_view(state), 100.0)
    assert not follower.remote_picture(100.0)
    follower.call_said(call_view("in_call"), 101.0)
    assert follower.remote_picture(101.0)


def test_no_picture_is_wanted_while_station_call_is_away(follower: Follower) -> None:
    assert not follower.remote_picture(100.0)


def test_a_picture_ages_until_the_next_comes(follower: Follower) -> None:
    follower.call_said(call_view("in_call", call="c1"), 100.0)
    follower.remote_picture(100.0)
    assert not follower.view(101.0, NOW).dimmed
    assert follower.view(102.5, NOW).dimmed
    follower.remote_picture(102.6)
    assert not follower.view(102.7, NOW).dimmed


def test_the_picture_of_one_call_is_never_shown_in_the_next(follower: Follower) -> None:
    follower.call_said(call_view("in_call", call="c1"), 100.0)
    follower.remote_picture(100.0)
    assert follower.view(100.0, NOW).remote
    follower.call_said(call_view("in_call", call="c2"), 100.1)
    assert not follower.view(100.1, NOW).remote


def test_the_picture_of_a_run_that_died_is_not_shown_by_its_successor(follower: Follower) -> None:
    follower.call_said(call_view("in_call", call="c1"), 100.0)
    follower.remote_picture(100.0)
    follower.call_gone(100.5)
    follower.call_said(call_view("in_call", call="c1"), 101.0)
    assert not follower.view(101.0, NOW).remote


def test_own_pictures_light_the_sign_until_they_stop(follower: Follower) -> None:
    follower.call_said(call_view("idle"), 100.0)
    follower.own_picture(100.0)
    assert follower.view(100.5, NOW).live
    assert not follower.view(101.5, NOW).live


@pytest.mark.parametrize(
    ("state", "due"),
    [
        ("idle", False), ("calling", True), ("ringing", False), ("connecting", True), ("in_call", True),
        ("ending", False), ("feedback", False), ("fault", False), ("offline", False),
    ],
)  # fmt: skip
def test_pictures_are_looked_for_only_while_they_can_come(follower: Follower, state: CallState, due: bool) -> None:
    follower.call_said(call_view(state), 100.0)
    assert follower.pictures_due() == due


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ("da_DK.UTF-8", "da"), ("da", "da"), ("en_GB.UTF-8", "en"), ("EN_us", "en"),
        ("C.UTF-8", None), ("", None), ("dansk", None), ("de_DE", None),
    ],
)  # fmt: skip
def test_the_environments_language_is_read_or_left(environment: str, language: Language | None) -> None:
    assert language_of(environment) == language
