"""A station that is out of use, and one that shows which it is: what a resident and a technician would notice."""

from __future__ import annotations

import pytest

from device.call import events as e
from device.call.manner import Manner, tone
from device.call.state import light, view
from messaging.call import Hangup, Invite
from messaging.local import CallState
from tests.unit.story import ALL_OK, NOTHING, THEIRS, WAYS, Story

OUT = e.Configured(True, True, locked=True)
IN_USE = e.Configured(True, True)
RESTING = ("idle", "fault", "offline")


class TestOutOfUse:
    def test_a_press_makes_no_call_and_says_so(self) -> None:
        story = Story().idle().happens(OUT).press()
        assert (story.state, story.session.fault) == ("fault", "locked")
        assert (story.session.presses_refused, story.said(), story.camera_open) == (1, [], False)

    def test_nobody_is_called_by_its_light(self) -> None:
        assert light(Story().idle().happens(OUT).session) == "off"

    def test_the_clinic_cannot_ring_there_and_is_told(self) -> None:
        story = Story().idle().happens(OUT).hear(Invite("Ann Demo"), THEIRS)
        assert (story.state, story.said()) == ("fault", [Hangup("refused")])

    def test_nor_while_the_end_of_a_call_is_read(self) -> None:
        story = WAYS["feedback"](Story()).happens(OUT).hear(Invite("Ann Demo"), THEIRS)
        assert story.said() == [Hangup("refused")]

    @pytest.mark.parametrize("state", ["calling", "ringing", "connecting", "in_call"])
    def test_a_call_goes_on_and_only_the_next_one_does_not_begin(self, state: CallState) -> None:
        story = WAYS[state](Story())
        before = story.session
        story.happens(OUT)
        assert (story.state, story.fresh) == (state, ())
        assert story.session.call == before.call
        story.press().passes(60).happens(e.MediaClosed()).passes(60)
        if state == "ringing":  # that press took the call, and the next one leaves it
            story.press().happens(e.MediaClosed()).passes(60)
        assert (story.state, story.session.fault) == ("fault", "locked")

    @pytest.mark.parametrize("lost", [e.LinkDown(), e.DevicesChanged(NOTHING)])
    def test_it_is_said_before_what_else_is_missing(self, lost: e.Event) -> None:
        assert Story().idle().happens(OUT, lost).session.fault == "locked"

    def test_in_use_again_the_button_calls(self) -> None:
        assert Story().idle().happens(OUT, IN_USE).press().state == "calling"


class TestWhichOneItIs:
    @pytest.mark.parametrize("state", RESTING)
    def test_light_and_voice_say_so_for_a_while(self, state: CallState) -> None:
        story = WAYS[state](Story()).happens(e.Which(20))
        assert (light(story.session), tone(story.session, Manner())) == ("identify", "identify")
        shown = view(story.session, "b", 70, 0)
        assert (shown.identifying, shown.identified, shown.state) == (True, 1, state)
        story.passes(19)
        assert story.session.identifying
        story.passes(2)
        assert (story.session.identifying, story.state) == (False, state)
        assert tone(story.session, Manner()) == "none"
        assert story.all(e.OpenMedia) == WAYS[state](Story()).all(e.OpenMedia), "and opens nothing"

    def test_asked_again_it_begins_anew(self) -> None:
        story = Story().idle().happens(e.Which(20)).passes(15).happens(e.Which(20)).passes(15)
        assert (story.session.identifying, story.session.identified) == (True, 2)

    @pytest.mark.parametrize("state", sorted(set(WAYS) - set(RESTING)))
    def test_whoever_is_in_a_call_is_left_alone(self, state: CallState) -> None:
        story = WAYS[state](Story())
        before = story.session
        assert story.happens(e.Which(20)).session == before

    def test_the_press_of_somebody_in_need_is_a_press(self) -> None:
        story = Story().idle().happens(e.Which(60)).press()
        assert (story.state, story.session.identifying, light(story.session)) == ("calling", False, "calling")

    def test_a_press_that_can_do_nothing_ends_it_too(self) -> None:
        story = WAYS["offline"](Story()).happens(e.Which(60)).press()
        assert (story.session.identifying, story.session.presses_refused) == (False, 1)

    def test_a_call_from_the_clinic_comes_before_it(self) -> None:
        story = Story().idle().happens(e.Which(60)).hear(Invite("Ann Demo"), THEIRS)
        assert (story.state, story.session.identifying, tone(story.session, Manner())) == ("ringing", False, "ring")

    def test_it_goes_on_when_the_line_is_lost_meanwhile(self) -> None:
        story = Story().idle().happens(e.Which(60), e.LinkDown(), e.DevicesChanged(ALL_OK))
        assert (story.state, story.session.identifying) == ("offline", True)
