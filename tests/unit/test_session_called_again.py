"""A clinician who presses "Call" right after hanging up: the camera of the last call is still closing."""

from __future__ import annotations

from device.call import events as e
from messaging.call import Alerting, Hangup, Invite
from tests.unit.story import ALL_OK, FOREIGN, THEIRS, Story


def test_it_rings_as_soon_as_the_camera_is_closed() -> None:
    story = Story().ending().hear(Invite("Ann Demo"), THEIRS)
    assert (story.state, story.fresh) == ("ending", ()), "nobody is told that it is busy"
    story.happens(e.MediaClosed())
    assert (story.state, story.session.call.id, story.session.call.name) == ("ringing", THEIRS, "Ann Demo")
    assert e.Say(THEIRS, Alerting(ALL_OK)) in story.fresh
    assert not story.camera_open
    assert story.session.next_call is None


def test_a_camera_that_closes_late_is_waited_for() -> None:
    story = Story().ending().passes(2).hear(Invite("Ann Demo"), THEIRS)
    assert (story.state, story.fresh) == ("feedback", ())
    assert story.happens(e.MediaClosed()).state == "ringing"


def test_for_a_camera_that_never_closes_it_is_refused_in_the_end() -> None:
    story = Story().ending().hear(Invite("Ann Demo"), THEIRS).passes(2).passes(8)
    assert (story.state, story.session.fault) == ("fault", "no_devices")
    assert e.Say(THEIRS, Hangup("refused")) in story.fresh


def test_whoever_gives_up_meanwhile_is_not_rung_for() -> None:
    story = Story().ending().hear(Invite("Ann Demo"), THEIRS).hear(Hangup("cancelled"), THEIRS)
    assert story.happens(e.MediaClosed()).state == "feedback"
    assert not [one for one in story.fresh if isinstance(one, e.Say)]


def test_the_first_who_calls_waits_and_another_is_told_that_it_is_busy() -> None:
    story = Story().ending().hear(Invite("Ann Demo"), THEIRS).hear(Invite("Bo Demo"), FOREIGN)
    assert story.fresh == (e.Say(FOREIGN, Hangup("busy")),)
    assert story.happens(e.MediaClosed()).session.call.name == "Ann Demo"


def test_delivered_twice_it_rings_once() -> None:
    story = Story().ending().hear(Invite("Ann Demo"), THEIRS).hear(Invite("Ann Demo"), THEIRS)
    assert story.fresh == ()
    assert story.happens(e.MediaClosed()).fresh.count(e.Say(THEIRS, Alerting(ALL_OK))) == 1


def test_without_a_line_by_then_it_does_not_ring() -> None:
    story = Story().ending().hear(Invite("Ann Demo"), THEIRS).happens(e.LinkDown(), e.MediaClosed())
    assert e.Say(THEIRS, Hangup("link_down")) in story.fresh
    assert story.state == "feedback"


def test_a_station_put_out_of_use_meanwhile_does_not_ring() -> None:
    story = Story().ending().hear(Invite("Ann Demo"), THEIRS).happens(e.Configured(True, True, True))
    assert e.Say(THEIRS, Hangup("refused")) in story.happens(e.MediaClosed()).fresh
    assert story.state != "ringing"
