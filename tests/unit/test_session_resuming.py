"""What a resident and a clinician would notice of a line that is lost in a call."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.call import events as e
from device.call import state as s
from device.call.state import light, view
from messaging.call import Answer, Connected, Lost, Offer, Renew, Status
from messaging.local import ON_AIR
from tests.kits.examples import examples
from tests.unit.story import ALL_OK, Story, candidate


def lost() -> Story:
    """The line is lost, and the new offer beside the old connection is out."""
    return Story().resuming().happens(e.Offered(2, "new"))


class TestItIsLost:
    def test_it_is_told_and_a_new_connection_is_made_beside_the_one_that_is_silent(self) -> None:
        story = Story().resuming()
        assert (story.state, story.said()) == ("connecting", [Lost(1)])
        assert e.PreparePeer(2, (), beside=True) in story.fresh
        assert story.all(e.ClosePeer) == [], "its media may come back by itself"
        assert story.happens(e.Offered(2, "new")).said() == [Offer(2, "new")]

    def test_the_camera_stays_on_and_the_light_and_the_screen_say_so(self) -> None:
        story = Story().in_call()
        lost_at = 1_800_000_000 + story.mono
        story.happens(e.PeerLost(1)).passes(120)
        shown = view(story.session, "b", 70, 0)
        assert story.camera_open
        assert light(story.session) in ON_AIR
        assert (shown.resuming, shown.lost_since) == (True, lost_at)

    def test_a_press_leaves_at_any_time_and_nothing_goes_on_after_it(self) -> None:
        story = lost().passes(30).press()
        assert (story.state, story.session.reason, story.camera_open) == ("ending", "resident_left", False)
        assert "renew" not in story.timers
        story.happens(e.MediaClosed()).passes(8)
        assert view(story.session, "b", 70, 0).lost_since is None

    def test_it_is_given_up_after_ten_minutes(self) -> None:
        story = lost().passes(s.RESUMING_S)
        assert (story.state, story.session.reason) == ("ending", "media_lost")
        assert "renew" not in story.timers


class TestItComesBack:
    def test_by_itself_on_the_old_connection_and_the_new_one_is_dropped(self) -> None:
        story = lost().hear(Answer(2, "answer"))
        story.mono += 3
        story.happens(e.PeerBack(1))
        assert (story.state, story.said()) == ("in_call", [Connected(1, 3000.0)])
        assert e.DropPeer(2) in story.fresh
        assert e.KeepPeer(1) in story.fresh
        assert "renew" not in story.timers

    def test_on_the_new_connection_which_carries_the_call_from_then_on(self) -> None:
        story = lost().hear(Answer(2, "answer"))
        story.mono += 3
        story.happens(e.PeerConnected(2))
        assert (story.state, story.said()) == ("in_call", [Connected(2, 3000.0)])
        assert e.KeepPeer(2) in story.fresh
        story.happens(e.PeerLost(1), e.PeerBack(1), e.PeerBye(1))
        assert (story.state, story.session.call and story.session.call.carrier) == ("in_call", 2)

    def test_what_still_comes_about_the_dropped_one_is_late_and_costs_nothing(self) -> None:
        story = lost().happens(e.PeerBack(1))
        before = story.session
        for late in (Answer(2, "answer"), candidate(1, generation=2)):
            story.hear(late)
            assert (story.session, story.fresh) == (before, ())
        story.happens(e.PeerConnected(2), e.PeerFailed(2, "closed"), e.Offered(2, "late"))
        assert story.session == before

    def test_a_second_loss_after_it_came_back_by_itself_is_a_loss_like_the_first(self) -> None:
        story = lost().happens(e.PeerBack(1)).passes(10).happens(e.PeerLost(1))
        assert (story.state, story.generation, story.said()) == ("connecting", 3, [Lost(1)])

    def test_the_clinician_may_hang_up_on_either_connection(self) -> None:
        for generation in (1, 2):
            story = lost().happens(e.PeerBye(generation))
            assert (story.state, story.session.reason) == ("ending", "clinician_left")

    def test_the_two_have_spoken_since_they_first_met(self) -> None:
        story = Story().in_call()
        since = story.session.call and story.session.call.connected_since
        story.happens(e.PeerLost(1), e.Offered(2, "new")).passes(9).happens(e.PeerConnected(2))
        assert view(story.session, "b", 70, 0).connected_since == since


class TestTryingAgain:
    def test_an_answered_connection_that_does_not_come_about_is_followed_by_a_fresh_one(self) -> None:
        story = lost().hear(Answer(2, "answer")).passes(s.RENEW_S)
        assert e.PreparePeer(3, (), beside=True) in story.fresh

    def test_an_offer_that_nobody_has_answered_waits_until_it_grows_stale(self) -> None:
        story = lost().passes(s.UNANSWERED_S - 1)
        assert story.generation == 2
        story.passes(s.RENEW_S + 1)
        assert story.generation == 3

    def test_one_that_failed_is_followed_soon_but_not_in_the_same_breath(self) -> None:
        story = lost().happens(e.PeerFailed(2, "no address"))
        assert (story.generation, story.state) == (2, "connecting")
        story.passes(s.RENEW_APART_S)
        assert story.generation == 3

    def test_without_the_broker_nothing_is_made_and_with_it_at_once(self) -> None:
        story = Story().in_call().happens(e.LinkDown(), e.PeerLost(1)).passes(60)
        assert story.all(e.PreparePeer) == [e.PreparePeer(1, ())]
        story.happens(e.LinkUp())
        assert Status("connecting", 1, ALL_OK) in [s.message for s in story.fresh if isinstance(s, e.Say)]
        assert e.PreparePeer(2, (), beside=True) in story.fresh

    def test_without_the_broker_the_old_connection_may_still_come_back(self) -> None:
        story = Story().in_call().happens(e.LinkDown(), e.PeerLost(1)).passes(5).happens(e.PeerBack(1))
        assert story.state == "in_call"

    def test_a_page_that_asks_in_the_meantime_gets_a_fresh_one(self) -> None:
        story = lost().passes(2).hear(Renew())
        assert story.generation == 3


class TestThePageAsksWhileWeHearIt:
    def test_the_screen_says_nothing_and_the_call_moves_over_when_the_new_connection_is_there(self) -> None:
        story = Story().in_call().hear(Renew())
        assert (story.state, story.generation) == ("in_call", 2)
        story.happens(e.Offered(2, "new")).hear(Answer(2, "answer")).happens(e.PeerConnected(2))
        assert (story.state, e.KeepPeer(2) in story.fresh) == ("in_call", True)

    def test_if_it_is_gone_its_silence_tells_and_what_was_begun_is_gone_on_with(self) -> None:
        story = Story().in_call().hear(Renew())
        story.mono += 1.5
        story.happens(e.PeerLost(1))
        assert (story.state, story.generation, story.said()) == ("connecting", 2, [Lost(1)])

    def test_if_nothing_comes_of_it_the_region_is_told_that_the_call_goes_on(self) -> None:
        story = Story().in_call().hear(Renew()).happens(e.Offered(2, "new"), e.PeerFailed(2, "ice"))
        assert (story.state, story.said()) == ("in_call", [Connected(1, 0.0)])

    def test_right_after_the_last_one_it_waits_a_breath(self) -> None:
        story = Story().in_call().hear(Renew()).happens(e.Offered(2, "new"))
        story.hear(Renew())
        assert story.generation == 2
        story.passes(s.RENEW_APART_S)
        assert (story.state, story.generation) == ("in_call", 3)


class TestAnAddressOfTheMachine:
    def test_goes_in_a_call_that_goes_on_until_the_new_connection_is_there(self) -> None:
        story = Story().in_call().happens(e.AddressGone())
        assert (story.state, story.fresh) == ("in_call", (e.PreparePeer(2, (), beside=True),))
        story.happens(e.Offered(2, "new")).hear(Answer(2, "answer")).happens(e.PeerConnected(2))
        assert (story.state, story.session.call and story.session.call.carrier) == ("in_call", 2)

    @pytest.mark.parametrize("event", [e.AddressGone(), e.AddressCame()])
    def test_comes_or_goes_while_the_line_is_lost_and_a_fresh_one_is_made_at_once(self, event: e.Event) -> None:
        story = lost().passes(2).happens(event)
        assert story.generation == 3

    @pytest.mark.parametrize("way", [Story.idle, Story.calling, Story.ringing, Story.ending, Story.offline])
    def test_means_nothing_without_a_call_that_has_media(self, way: object) -> None:
        story = way(Story())  # type: ignore[operator]
        before = story.session
        assert story.happens(e.AddressGone(), e.AddressCame()).session == before

    def test_comes_in_a_call_that_needs_none(self) -> None:
        assert Story().in_call().happens(e.AddressCame()).fresh == ()


GENERATIONS = st.integers(1, 6)
HAPPENS = st.one_of(
    st.builds(e.PeerLost, GENERATIONS),
    st.builds(e.PeerBack, GENERATIONS),
    st.builds(e.PeerConnected, GENERATIONS),
    st.builds(e.PeerFailed, GENERATIONS, st.just("why")),
    st.builds(e.Offered, GENERATIONS, st.just("offer")),
    st.sampled_from([e.LinkUp(), e.LinkDown(), e.AddressGone(), e.AddressCame()]),
    st.builds(Renew),
    st.builds(Answer, GENERATIONS, st.just("answer")),
)


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.tuples(st.floats(0, 3), HAPPENS), max_size=60))
def test_however_the_line_behaves_new_connections_are_no_storm(happened: list[tuple[float, object]]) -> None:
    story, begun = Story().in_call(), []
    for seconds, event in happened:
        count = len(story.all(e.PreparePeer))
        story.passes(seconds)
        if isinstance(event, Renew | Answer):
            story.hear(event)
        else:
            story.happens(event)  # type: ignore[arg-type]
        begun += [story.mono] * (len(story.all(e.PreparePeer)) - count)
        assert story.state in ("connecting", "in_call")
        assert story.camera_open, "the room is seen as long as the call lasts"
        assert (story.state == "connecting") == story.session.resuming
        assert ("renew" in story.timers) == (story.session.renew_timer != 0)
    assert len(begun) <= 1 + sum(seconds for seconds, _ in happened) / s.RENEW_APART_S
    story.press()
    assert (story.state, story.camera_open) == ("ending", False)
