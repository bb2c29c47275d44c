"""The clinic does not answer, and there is another to call: what a resident who has pressed once notices."""

from __future__ import annotations

import pytest

from device.call import events as e
from device.call.state import FALLBACK_AFTER_S, NO_ANSWER_S, REPLY_S, light, view
from messaging.call import Answer, Devices, EndReason, Hangup, RefusalCode, Refused, Request, Ringing
from tests.unit.story import OURS, Story

OTHER = OURS + "2"
ALL_OK = Devices()


def at_rest(*, closed: bool = False) -> Story:
    return Story().idle().happens(e.Configured(True, True, fallback=True, closed=closed))


def ringing_at_the_clinic() -> Story:
    story = at_rest().press().happens(e.MediaOpened(ALL_OK))
    return story.hear(Ringing("Doctors Demo")).happens(e.Offered(1, "our offer"))


def test_a_clinic_that_does_not_answer_is_given_a_minute_and_then_the_other_is_called() -> None:
    story = ringing_at_the_clinic().passes(FALLBACK_AFTER_S - 1)
    assert story.session.running_call == OURS
    story.passes(1)
    assert (story.state, story.session.running_call) == ("calling", OTHER)
    assert [(one.call, one.message) for one in story.all(e.Say)][-2:] == [
        (OURS, Hangup("no_answer")), (OTHER, Request(ALL_OK, fallback=True)),
    ]  # fmt: skip
    assert view(story.session, "b", 70, 0).fallback
    assert story.camera_open and light(story.session) == "calling", "the light goes on saying what is open"


def test_the_other_answers_and_it_is_a_call_as_any() -> None:
    story = ringing_at_the_clinic().passes(FALLBACK_AFTER_S)
    story.hear(Ringing("Out of hours")).happens(e.Offered(1, "another offer"))
    story.hear(Answer(1, "answer", "Bo Demo", "GP")).happens(e.PeerConnected(1))
    assert (story.state, story.session.call.name) == ("in_call", "Bo Demo")  # type: ignore[union-attr]
    assert len(story.all(e.OpenMedia)) == 1, "the camera was opened by the one press, and once"
    assert story.press().said() == [Hangup("resident_left")]


def test_when_the_other_does_not_answer_either_it_is_over_and_said() -> None:
    story = ringing_at_the_clinic().passes(FALLBACK_AFTER_S).hear(Ringing("Out of hours"))
    story.passes(NO_ANSWER_S)
    assert (story.state, story.session.reason, story.said()) == ("ending", "no_answer", [Hangup("no_answer")])
    story.happens(e.MediaClosed()).passes(700)
    assert (story.state, story.camera_open) == ("idle", False)
    assert len([one for one in story.all(e.Say) if isinstance(one.message, Request)]) == 2


@pytest.mark.parametrize("reason", ["no_answer", "busy", "closed", "declined"])
def test_a_clinic_that_turns_the_call_away_is_followed_by_the_other(reason: EndReason) -> None:
    story = ringing_at_the_clinic().hear(Hangup(reason))
    assert story.session.running_call == OTHER
    assert story.said() == [Request(ALL_OK, fallback=True)], "who has hung up is not told of it"


@pytest.mark.parametrize(("code", "follows"), [("busy", True), ("closed", True), ("rate_limited", False)])
def test_a_call_that_is_refused_is_followed_by_the_other_where_that_may_help(code: RefusalCode, follows: bool) -> None:
    story = at_rest().press().hear(Refused(code))
    assert (story.session.running_call == OTHER) is follows


@pytest.mark.parametrize("reason", ["cancelled", "error", "station_offline", "taken"])
def test_any_other_end_is_the_end(reason: EndReason) -> None:
    story = ringing_at_the_clinic().hear(Hangup(reason))
    assert story.session.running_call is None


def test_without_the_region_nothing_else_is_tried() -> None:
    story = at_rest().press().passes(REPLY_S)
    assert (story.session.running_call, story.session.reason) == (None, "link_down")


def test_a_press_ends_it_also_while_the_other_is_called() -> None:
    story = ringing_at_the_clinic().passes(FALLBACK_AFTER_S).press()
    assert story.said() == [Hangup("cancelled")]
    story.happens(e.MediaClosed()).passes(700)
    assert (story.state, story.camera_open) == ("idle", False)


def test_a_closed_clinic_is_not_waited_for() -> None:
    story = at_rest(closed=True).press()
    assert Request(ALL_OK, fallback=True) in story.said()
    story.hear(Ringing("Out of hours")).passes(FALLBACK_AFTER_S + 1)
    assert story.session.running_call == OURS, "there is no third"
    assert story.passes(NO_ANSWER_S - FALLBACK_AFTER_S - 1).session.reason == "no_answer"


def test_a_closed_clinic_without_another_is_called_all_the_same() -> None:
    story = Story().idle().happens(e.Configured(True, True, closed=True)).press()
    assert Request(ALL_OK) in story.said()


def test_without_another_the_clinic_has_its_three_minutes() -> None:
    story = Story().waiting().passes(NO_ANSWER_S - 1)
    assert story.state == "calling"
    assert story.passes(1).session.reason == "no_answer"


def test_what_still_comes_of_the_first_call_is_late_and_changes_nothing() -> None:
    story = ringing_at_the_clinic().passes(FALLBACK_AFTER_S)
    before = story.session
    story.hear(Answer(1, "late", "Ann Demo"), OURS)
    assert (story.session, story.fresh) == (before, ())
