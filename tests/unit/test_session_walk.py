"""Walks the session's table: no state is a dead end, none is unreachable, and none opens the camera by itself."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.call import events as e
from device.call.manner import Manner, tone
from device.call.session import begin
from device.call.state import Moment, Session, light, view
from messaging.call import (
    Answer,
    Candidate,
    Devices,
    Hangup,
    Invite,
    Refused,
    Rejected,
    Renew,
    Ringing,
    from_station,
    to_data,
)
from messaging.local import ON_AIR, CallState, from_line, to_line
from tests.kits.examples import examples
from tests.unit.story import ALL_OK, FOREIGN, NOTHING, OURS, THEIRS, WAYS, Story

STATES: tuple[CallState, ...] = get_args(CallState)
WAITS_FOR_A_CONDITION = {
    "idle": [e.LinkDown()],
    "in_call": [e.PeerLost(1)],
    "fault": [e.DevicesChanged(ALL_OK)],
    "offline": [e.LinkUp()],
}


def test_there_is_a_way_to_every_state() -> None:
    assert {state: way(Story()).state for state, way in WAYS.items()} == {state: state for state in STATES}


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_left_by_itself(state: str) -> None:
    story = WAYS[state](Story())
    if state in WAITS_FOR_A_CONDITION:
        assert "state" not in story.timers
        story.happens(*WAITS_FOR_A_CONDITION[state])
    else:
        story.passes(200)
    assert story.state != state


@pytest.mark.parametrize("state", STATES)
def test_every_state_takes_the_button(state: str) -> None:
    story = WAYS[state](Story())
    before = story.session
    story.press()
    on_its_way = state == "ending"
    assert on_its_way or story.session != before


@pytest.mark.parametrize("state", STATES)
def test_a_press_can_be_undone_by_a_press(state: str) -> None:
    story = WAYS[state](Story()).press("1" * 16)
    for number in range(4):
        story.happens(e.MediaClosed())  # the devices close in their own time
        if story.state in ("idle", "offline", "fault", "feedback") and not story.session.media_open:
            break
        story.press(f"{number + 2}" * 16)
    assert not story.camera_open
    assert story.state in ("idle", "offline", "fault", "feedback")


@pytest.mark.parametrize("state", STATES)
def test_left_alone_the_station_comes_to_rest(state: str) -> None:
    story = WAYS[state](Story())
    if state == "in_call":
        story.happens(e.PeerLost(1))
    for _ in range(4):
        story.passes(700).happens(e.MediaClosed())
    assert story.state in ("idle", "offline", "fault")
    assert not story.camera_open


@pytest.mark.parametrize("state", STATES)
def test_the_light_says_that_the_room_may_be_seen_in_these_states_and_in_no_other(state: str) -> None:
    """`media_open` stands from the press until the devices have said that they are closed."""
    session = WAYS[state](Story()).session
    assert (light(session) in ON_AIR) == session.media_open == (state in ("calling", "connecting", "in_call", "ending"))


def test_devices_that_do_not_close_keep_the_light_on_past_the_end_of_the_call() -> None:
    story = Story().ending().passes(2)
    assert (story.state, light(story.session)) == ("feedback", "live")
    story.happens(e.MediaClosed())
    assert light(story.session) == "off"


calls = st.sampled_from([OURS, THEIRS, FOREIGN])
generations = st.integers(1, 4)
devices = st.sampled_from([ALL_OK, NOTHING, Devices(camera="missing"), Devices(speaker="fault")])
messages = st.one_of(
    st.builds(Ringing, st.just("Doctors Demo")),
    st.builds(Refused, st.sampled_from(["closed", "busy", "no_clinic"])),
    st.builds(Invite, st.just("Ann Demo")),
    st.builds(Answer, generations, st.just("answer")),
    st.builds(Candidate, generations, st.just("candidate:1")),
    st.builds(Renew),
    st.builds(Hangup, st.sampled_from(["clinician_left", "taken", "cancelled"])),
    st.builds(Rejected, st.just("unexpected")),
)
# Presses, and what follows from our own effects, are as frequent as everything a stranger may send.
events = st.one_of(
    st.builds(e.Pressed, calls),
    st.builds(e.Heard, calls, messages),
    st.builds(e.Heard, calls, messages),
    st.builds(e.Offered, generations, st.just("offer")),
    st.builds(e.Unusable, generations),
    st.builds(e.MediaOpened, devices),
    st.just(e.MediaClosed()),
    st.builds(e.DevicesChanged, devices),
    st.sampled_from([e.LinkUp(), e.LinkUp(), e.LinkDown()]),
    st.builds(
        e.Configured,
        st.booleans(),
        st.just(True),
        st.booleans(),
        st.booleans(),
        fallback=st.booleans(),
        closed=st.booleans(),
    ),
    st.builds(e.Which, st.floats(5, 120)),
    st.builds(e.TimerFired, st.integers(0, 30)),
    st.builds(e.PeerConnected, generations),
    st.builds(e.PeerLost, generations),
    st.builds(e.PeerBack, generations),
    st.builds(e.PeerFailed, generations, st.just("why")),
    st.builds(e.PeerMedia, generations, st.booleans(), st.booleans()),
    st.builds(e.PeerBye, generations),
)


@settings(max_examples=examples(400), deadline=None)
@given(start=st.sampled_from(STATES), happened=st.lists(events, max_size=40))
def test_whatever_happens_the_promises_hold(start: str, happened: list[e.Event]) -> None:
    story = WAYS[start](Story())
    for event in happened:
        before = story.session
        story.happens(event)
        _promises(story, before, event)


def _promises(story: Story, before: Session, event: e.Event) -> None:
    session = story.session
    opened = any(isinstance(effect, e.OpenMedia) for effect in story.fresh)
    counted_down = isinstance(event, e.TimerFired) and before.call is not None and before.call.by_itself
    assert not opened or isinstance(event, e.Pressed) or counted_down, "only a press or a countdown opens the camera"
    if opened and counted_down:
        assert (before.state, before.answers_itself, before.devices.speaker) == ("ringing", True, "ok")
    if session.state in ("ringing", "idle", "fault", "offline", "feedback", "ending"):
        assert not story.camera_open, "the camera was told to close before this state"
    if story.camera_open:
        assert session.state in ("calling", "connecting", "in_call")
    assert (light(session) in ON_AIR) == session.media_open, "the light tells, and never tells what is not so"
    for effect in story.fresh:
        if isinstance(effect, e.OpenGate):
            assert session.call.accepted, "nothing of the room is let through before the resident agreed"
        if isinstance(effect, e.Say):
            assert from_station(to_data(effect.message)) == effect.message, "the region can read it"
    if isinstance(event, e.Heard) and event.call == FOREIGN and session.call and session.call.id != FOREIGN:
        assert session.state == before.state, "another call costs this one nothing"
    assert ("state" in story.timers) == (session.timer != 0), "a state that should time out has its timer"
    assert from_line(to_line(view(session, "boot", 70, 0))) is not None
    assert (tone(session, Manner()) in ("ring", "countdown")) == (session.state == "ringing")
    assert ("identify" in story.timers) == session.identifying, "it stops showing itself by itself"
    assert not session.identifying or session.state in ("idle", "fault", "offline"), "never over a call"
    assert session.next_call is None or session.closing, "whoever calls waits for the devices alone"
    if session.locked and before.state in ("idle", "fault", "offline", "feedback"):
        assert session.running_call is None, "a station out of use begins no call"


@given(enrolled=st.booleans(), clinic=st.booleans(), locked=st.booleans(), present=devices)
def test_a_process_that_starts_has_no_call(enrolled: bool, clinic: bool, locked: bool, present: Devices) -> None:
    session = begin(present, Moment(0, 0), enrolled=enrolled, clinic=clinic, locked=locked)
    assert session.state in ("offline", "fault")
    assert (session.running_call, session.media_open) == (None, False)
