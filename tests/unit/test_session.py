"""What a resident and a clinician would notice of the call session."""

from __future__ import annotations

import pytest

from device.call import events as e
from device.call.manner import Manner, tone
from device.call.state import light, view
from messaging.call import (
    MAX_CANDIDATES,
    Accept,
    Alerting,
    Answer,
    Connected,
    Devices,
    Hangup,
    IceServer,
    Invite,
    Lost,
    Media,
    Offer,
    Refused,
    Rejected,
    Renew,
    Request,
    Ringing,
    Status,
)
from tests.unit.story import ALL_OK, FOREIGN, NOTHING, OURS, THEIRS, WAYS, Story, candidate

TURN = (IceServer(("turn:192.0.2.7",), "user", "secret"),)


class TestTheResidentCalls:
    def test_a_press_opens_the_devices_and_asks_the_region(self) -> None:
        story = Story().idle().press()
        assert story.state == "calling"
        assert e.OpenMedia() in story.fresh
        assert story.said() == [Request(ALL_OK)]

    def test_the_offer_is_prepared_while_it_rings(self) -> None:
        story = Story().calling().hear(Ringing("Doctors Demo", TURN))
        assert e.PreparePeer(1, TURN) in story.fresh
        story.happens(e.Offered(1, "our offer"))
        assert story.said() == [Offer(1, "our offer")]
        assert view(story.session, "b", 70, 0).peer_name == "Doctors Demo"

    def test_an_answer_connects_and_opens_the_gate(self) -> None:
        story = Story().waiting().hear(Answer(1, "answer", "Ann Demo", "GP"))
        assert story.state == "connecting"
        assert story.fresh[-2:] == (e.ApplyAnswer(1, "answer"), e.OpenGate())
        assert (view(story.session, "b", 70, 0).peer_name, view(story.session, "b", 70, 0).peer_role) == (
            "Ann Demo", "GP",
        )  # fmt: skip

    def test_media_makes_it_a_call_and_the_wait_is_told(self) -> None:
        story = Story().connecting()
        story.mono += 0.25
        story.happens(e.PeerConnected(1))
        assert story.state == "in_call"
        assert story.said() == [Connected(1, 250.0)]
        assert view(story.session, "b", 70, 0).connected_since == 1_800_000_000 + story.mono

    def test_a_press_while_it_rings_takes_the_call_back(self) -> None:
        story = Story().waiting().press()
        assert story.state == "ending"
        assert story.said() == [Hangup("cancelled")]
        assert not story.camera_open

    def test_a_press_in_the_call_ends_it_and_tells_the_clinician_both_ways(self) -> None:
        story = Story().in_call().press()
        assert story.state == "ending"
        assert story.said() == [Hangup("resident_left")]
        assert e.ClosePeer(bye=True) in story.fresh
        assert not story.camera_open

    @pytest.mark.parametrize(
        ("code", "reason"),
        [("closed", "closed"), ("busy", "busy"), ("no_clinic", "refused"), ("rate_limited", "refused")],
    )
    def test_a_refusal_is_shown_with_its_reason(self, code: str, reason: str) -> None:
        story = Story().calling().hear(Refused(code)).happens(e.MediaClosed())  # type: ignore[arg-type]
        assert (story.state, story.session.reason) == ("feedback", reason)

    def test_without_a_word_from_the_region_it_is_over_in_five_seconds(self) -> None:
        story = Story().calling().passes(5).happens(e.MediaClosed())
        assert (story.state, story.session.reason) == ("feedback", "link_down")
        assert Hangup("link_down") in [s.message for s in story.all(e.Say)]

    def test_a_clinic_that_does_not_answer_is_given_three_minutes(self) -> None:
        story = Story().waiting().passes(179)
        assert story.state == "calling"
        story.passes(1)
        assert story.session.reason == "no_answer"

    def test_a_connection_that_does_not_come_about_is_given_twenty_seconds(self) -> None:
        story = Story().connecting().passes(20).happens(e.MediaClosed())
        assert (story.state, story.session.reason) == ("feedback", "connection_failed")

    def test_the_first_word_of_the_region_is_shown_without_restarting_the_clock_on_the_screen(self) -> None:
        story = Story().calling()
        since = story.session.since
        story.mono += 2
        story.hear(Ringing("Doctors Demo"))
        assert story.session.since == since

    def test_the_same_word_twice_prepares_one_offer(self) -> None:
        story = Story().waiting().hear(Ringing("Doctors Demo"))
        assert story.fresh == ()

    @pytest.mark.parametrize("outgoing", [True, False])
    def test_a_region_that_lets_calls_go_by_relays_only_is_obeyed_in_every_generation(self, outgoing: bool) -> None:
        if outgoing:
            story = Story().calling().hear(Ringing("Doctors Demo", TURN, relay_only=True))
        else:
            story = Story().idle().hear(Invite("Ann Demo", "GP", TURN, relay_only=True), THEIRS)
        assert e.PreparePeer(1, TURN, relay_only=True) in story.fresh
        story.happens(e.PeerFailed(1, "a relay died"))
        made = [effect for effect in story.fresh if isinstance(effect, e.PreparePeer)]
        assert all(effect.relay_only for effect in made)


class TestTheClinicianCalls:
    def test_it_rings_with_nothing_open(self) -> None:
        story = Story().idle().hear(Invite("Ann Demo", "GP", TURN), THEIRS)
        assert story.state == "ringing"
        assert story.said() == [Alerting(ALL_OK)]
        assert e.PreparePeer(1, TURN) in story.fresh
        assert not story.camera_open
        assert tone(story.session, Manner()) == "ring"

    def test_the_answer_connects_the_transports_and_the_gate_stays_shut(self) -> None:
        story = Story().ringing().hear(Answer(1, "answer")).happens(e.PeerConnected(1))
        assert story.state == "ringing"
        assert story.all(e.ApplyAnswer) == [e.ApplyAnswer(1, "answer")]
        assert story.all(e.OpenGate) == []
        assert not story.camera_open

    def test_a_press_then_opens_everything_at_once(self) -> None:
        story = Story().ringing().hear(Answer(1, "answer")).happens(e.PeerConnected(1)).press()
        assert story.state == "in_call"
        assert story.said() == [Accept(), Connected(1, 0.0)]
        assert {e.OpenMedia(), e.OpenGate()} <= set(story.fresh)

    def test_a_press_before_the_answer_opens_the_gate_when_the_answer_comes(self) -> None:
        story = Story().ringing().press()
        assert story.state == "connecting"
        assert (story.said(), story.all(e.OpenGate), story.camera_open) == ([Accept()], [], True)
        story.hear(Answer(1, "answer"))
        assert story.fresh == (e.ApplyAnswer(1, "answer"), e.OpenGate())

    def test_nobody_presses_and_it_is_over_after_45_seconds(self) -> None:
        story = Story().ringing().passes(45)
        assert (story.state, story.session.reason, story.said()) == ("feedback", "no_answer", [Hangup("no_answer")])

    def test_the_clinician_takes_it_back(self) -> None:
        story = Story().ringing().hear(Hangup("cancelled"))
        assert (story.state, story.session.reason, story.said()) == ("feedback", "cancelled", [])

    def test_the_same_invitation_after_the_end_does_not_ring_again(self) -> None:
        story = Story().ringing().hear(Hangup("cancelled")).press().hear(Invite("Ann Demo"), THEIRS)
        assert story.state == "idle"

    def test_a_new_invitation_rings_even_over_how_the_last_call_ended(self) -> None:
        story = Story().feedback().hear(Invite("Ann Demo"), THEIRS)
        assert story.state == "ringing"
        assert story.session.reason is None

    def test_a_station_without_a_clinic_can_still_be_called(self) -> None:
        story = Story().idle().happens(e.Configured(True, False)).hear(Invite("Ann Demo"), THEIRS)
        assert story.state == "ringing"

    def test_a_station_with_nothing_to_call_with_says_no(self) -> None:
        story = Story().fault().hear(Invite("Ann Demo"), THEIRS)
        assert story.fresh == (e.Say(THEIRS, Hangup("refused")),)


class TestAnotherCall:
    @pytest.mark.parametrize("state", ["calling", "ringing", "connecting", "in_call"])
    def test_a_second_invitation_is_busy_and_costs_the_running_call_nothing(self, state: str) -> None:
        story = WAYS[state](Story())
        before = story.session
        story.hear(Invite("Somebody Else"), FOREIGN)
        assert story.fresh == (e.Say(FOREIGN, Hangup("busy")),)
        assert story.session == before

    @pytest.mark.parametrize("state", sorted(WAYS))
    @pytest.mark.parametrize("message", [Answer(1, "sdp"), candidate(1), Renew(), Ringing("x"), Refused("busy")])
    def test_a_message_about_another_call_is_refused(self, state: str, message: Answer) -> None:
        story = WAYS[state](Story())
        before = story.session
        story.hear(message, FOREIGN)
        assert story.fresh == (e.Refuse(FOREIGN, "foreign_call"),)
        assert story.session == before

    @pytest.mark.parametrize("state", sorted(WAYS))
    @pytest.mark.parametrize("message", [Hangup("cancelled"), Rejected("foreign_call")])
    def test_the_end_of_another_call_is_not_answered(self, state: str, message: Hangup) -> None:
        story = WAYS[state](Story())
        before = story.session
        story.hear(message, FOREIGN)
        assert (story.session, story.fresh) == (before, ())

    def test_what_still_comes_about_the_last_call_is_late_and_not_foreign(self) -> None:
        story = Story().feedback().press().hear(candidate(1), OURS)
        assert (story.state, story.fresh) == ("idle", ())


class TestBadInput:
    @pytest.mark.parametrize("state", ["calling", "ringing", "connecting", "in_call"])
    @pytest.mark.parametrize("message", [Answer(7, "sdp"), candidate(1, generation=7), Invite("x")])
    def test_what_does_not_fit_is_refused_and_changes_nothing(self, state: str, message: Answer) -> None:
        story = WAYS[state](Story())
        before = story.session
        story.hear(message)
        assert story.fresh == (e.Refuse(before.call.id, "unexpected"),)
        assert story.session == before

    def test_an_answer_before_the_offer_is_refused(self) -> None:
        story = Story().calling().hear(Ringing("Doctors Demo")).hear(Answer(1, "answer"))
        assert (story.state, story.fresh) == ("calling", (e.Refuse(OURS, "unexpected"),))

    def test_a_second_answer_is_refused(self) -> None:
        story = Story().connecting().hear(Answer(1, "another"))
        assert story.fresh == (e.Refuse(OURS, "unexpected"),)

    def test_garbage_for_an_answer_is_refused_and_a_proper_one_may_follow(self) -> None:
        story = Story().connecting().happens(e.Unusable(1))
        assert story.fresh == (e.Refuse(OURS, "malformed"),)
        story.hear(Answer(1, "a proper answer")).happens(e.PeerConnected(1))
        assert story.state == "in_call"

    def test_a_candidate_flood_is_refused_past_its_bound(self) -> None:
        story = Story().in_call()
        for number in range(MAX_CANDIDATES + 20):
            story.hear(candidate(number))
        assert len(story.all(e.AddCandidate)) == MAX_CANDIDATES
        assert story.all(e.Refuse) == [e.Refuse(OURS, "flood")] * 20
        assert story.state == "in_call"

    @pytest.mark.parametrize("event", [e.PeerLost(1), e.PeerBye(1), e.PeerFailed(1, "old"), e.Offered(1, "old")])
    def test_a_word_of_the_previous_peer_connection_is_ignored(self, event: e.PeerEvent) -> None:
        story = Story().in_call().hear(Renew()).happens(e.Offered(2, "new")).hear(Answer(2, "answer"))
        story.happens(e.PeerConnected(2))
        before = story.session
        story.happens(event)
        assert (story.session, story.fresh) == (before, ())

    def test_a_timer_of_the_past_does_not_fire_into_the_present(self) -> None:
        story = Story().calling()
        old = story.timers["state"]
        story.hear(Ringing("Doctors Demo")).happens(e.TimerFired(old.token))
        assert story.state == "calling"

    def test_offers_without_end_end_the_call(self) -> None:
        story = Story().in_call()
        for generation in range(2, 1001):
            story.mono += 1
            story.hear(Renew()).happens(e.Offered(generation, "sdp"))
        assert story.state == "in_call"
        story.mono += 1
        story.hear(Renew())
        assert (story.state, story.session.reason) == ("ending", "error")


class TestTheCallIsDisturbed:
    def test_a_reloaded_page_gets_a_new_offer_in_the_same_call(self) -> None:
        story = Story().in_call().happens(e.PeerFailed(1, "closed by the other side")).passes(1).hear(Renew(TURN))
        assert (story.state, story.session.resuming) == ("connecting", True)
        assert e.PreparePeer(2, (), beside=True) in story.done
        assert story.camera_open
        story.happens(e.Offered(2, "new")).hear(Answer(2, "answer")).happens(e.PeerConnected(2))
        assert (story.state, story.session.resuming) == ("in_call", False)

    def test_a_page_reloaded_while_it_rings_gets_a_new_offer_and_it_rings_on(self) -> None:
        story = Story().ringing().hear(Renew())
        assert (story.state, story.generation) == ("ringing", 2)

    def test_a_second_renewal_waits_for_the_offer_that_is_being_made(self) -> None:
        story = Story().in_call().hear(Renew()).hear(Renew())
        assert (story.generation, story.fresh) == (2, ())

    def test_a_renewal_keeps_how_long_the_two_have_spoken(self) -> None:
        story = Story().in_call()
        since = story.session.call.connected_since
        story.mono += 60
        story.hear(Renew()).happens(e.Offered(2, "new")).hear(Answer(2, "answer")).happens(e.PeerConnected(2))
        assert story.session.call.connected_since == since

    def test_silence_is_told_and_the_camera_stays_on_while_it_is_looked_for(self) -> None:
        story = Story().in_call().happens(e.PeerLost(1))
        assert (story.state, story.session.resuming, story.said()) == ("connecting", True, [Lost(1)])
        assert story.camera_open

    def test_the_clinician_comes_back(self) -> None:
        story = Story().resuming()
        story.mono += 2
        story.happens(e.PeerBack(1))
        assert (story.state, story.said()) == ("in_call", [Connected(1, 2000.0)])

    def test_the_clinician_does_not_come_back_within_ten_minutes(self) -> None:
        story = Story().resuming().passes(599)
        assert story.state == "connecting"
        story.passes(1)
        assert (story.state, story.session.reason) == ("ending", "media_lost")

    def test_a_broken_peer_connection_in_the_call_is_lost_and_not_the_end(self) -> None:
        story = Story().in_call().happens(e.PeerFailed(1, "ice"))
        assert (story.state, story.session.resuming, story.said()) == ("connecting", True, [Lost(1)])
        story.happens(e.PeerFailed(1, "again"))
        assert story.state == "connecting"

    def test_a_peer_connection_that_cannot_be_made_ends_the_call(self) -> None:
        story = Story().calling().hear(Ringing("Doctors Demo")).happens(e.PeerFailed(1, "no port"))
        assert (story.state, story.session.reason) == ("ending", "connection_failed")

    def test_a_page_reloaded_while_it_connects_finds_a_new_offer(self) -> None:
        story = Story().connecting()
        story.mono += 1
        story.happens(e.PeerFailed(1, "closed by the other side"))
        assert (story.state, story.fresh) == ("connecting", (e.PreparePeer(2, ()),))
        story.happens(e.Offered(2, "new")).hear(Answer(2, "answer")).happens(e.PeerConnected(2))
        assert (story.state, story.said()) == ("in_call", [Connected(2, 1000.0)])

    def test_a_connection_that_fails_again_and_again_is_given_no_more_than_its_time(self) -> None:
        story = Story().connecting()
        for generation in range(1, 5):
            story.happens(e.PeerFailed(generation, "ice"), e.Offered(generation + 1, "new"))
            story.hear(Answer(generation + 1, "answer"))
        story.passes(20)
        assert (story.state, story.session.reason) == ("ending", "connection_failed")

    @pytest.mark.parametrize("gone", [e.PeerFailed(1, "closed by the other side"), e.PeerLost(1)])
    def test_a_page_reloaded_while_it_rings_does_not_end_the_ringing(self, gone: e.PeerEvent) -> None:
        story = Story().ringing().hear(Answer(1, "answer")).happens(e.PeerConnected(1)).happens(gone)
        assert (story.state, story.generation) == ("ringing", 2)
        story.press()
        assert story.state == "connecting"  # nobody is there yet

    def test_the_clinician_hangs_up_over_the_peer_connection(self) -> None:
        story = Story().in_call().happens(e.PeerBye(1))
        assert (story.state, story.session.reason) == ("ending", "clinician_left")
        assert story.said() == [Hangup("clinician_left")]

    def test_the_clinician_switches_the_camera_off_and_the_screen_knows(self) -> None:
        story = Story().in_call().happens(e.PeerMedia(1, camera=False, microphone=True))
        shown = view(story.session, "b", 70, 0)
        assert (shown.peer_camera, shown.peer_microphone) == (False, True)


class TestTheBroker:
    def test_a_press_without_it_is_refused_at_once_and_never_queued(self) -> None:
        story = Story().offline().press()
        assert (story.state, story.session.presses_refused) == ("offline", 1)
        story.happens(e.LinkUp())
        assert story.state == "idle"
        assert story.all(e.Say) == []

    def test_a_short_absence_while_calling_is_waited_out(self) -> None:
        story = Story().waiting().happens(e.LinkDown()).passes(4).happens(e.LinkUp())
        assert (story.state, story.said()) == ("calling", [Status("calling", 1, ALL_OK)])
        story.passes(10)
        assert story.state == "calling"

    @pytest.mark.parametrize("way", [Story.waiting, Story.ringing])
    def test_a_longer_one_ends_it(self, way: object) -> None:
        story = way(Story()).happens(e.LinkDown()).passes(5)  # type: ignore[operator]
        assert story.session.reason == "link_down"

    def test_failing_tries_to_reconnect_do_not_lengthen_the_wait(self) -> None:
        story = Story().waiting().happens(e.LinkDown())
        first = story.timers["link"]
        story.happens(e.LinkDown())
        assert story.timers["link"] == first

    @pytest.mark.parametrize("way", [Story.connecting, Story.in_call, Story.resuming])
    def test_a_call_goes_on_without_it_and_says_where_it_stands_afterwards(self, way: object) -> None:
        story = way(Story())  # type: ignore[operator]
        state, generation = story.state, story.generation
        story.happens(e.LinkDown())
        assert (story.state, story.fresh) == (state, ())
        story.happens(e.LinkUp())
        assert Status(state, generation, ALL_OK) in story.said()

    def test_after_the_call_the_station_is_offline(self) -> None:
        story = Story().in_call().happens(e.LinkDown()).press().happens(e.MediaClosed()).passes(8)
        assert story.state == "offline"

    def test_the_grace_of_an_accepted_call_is_over(self) -> None:
        story = Story().ringing().happens(e.LinkDown()).press().passes(6)
        assert story.state == "connecting"


class TestDevices:
    def test_a_missing_camera_is_said_and_the_call_is_made(self) -> None:
        blind = Devices(camera="missing")
        story = Story().idle().happens(e.DevicesChanged(blind)).press()
        assert (story.state, story.said()) == ("calling", [Request(blind)])

    def test_a_camera_that_does_not_open_is_said(self) -> None:
        story = Story().idle().press().happens(e.MediaOpened(Devices(camera="fault")))
        assert (story.state, story.said()) == ("calling", [Media(Devices(camera="fault"))])

    def test_with_nothing_that_opens_there_is_no_call(self) -> None:
        story = Story().idle().press().happens(e.MediaOpened(NOTHING), e.MediaClosed()).passes(8)
        assert (story.state, story.session.fault) == ("fault", "no_devices")

    def test_a_camera_pulled_out_in_the_call_is_said_and_the_call_goes_on(self) -> None:
        story = Story().in_call().happens(e.DevicesChanged(Devices(camera="missing")))
        assert (story.state, story.said()) == ("in_call", [Media(Devices(camera="missing"))])

    def test_the_fault_is_over_when_a_device_is_back(self) -> None:
        story = Story().fault().happens(e.DevicesChanged(Devices(camera="missing", microphone="missing")))
        assert story.state == "idle"

    def test_devices_that_do_not_close_end_the_process(self) -> None:
        story = Story().ending().passes(2)
        assert (story.state, light(story.session)) == ("feedback", "live")
        story.passes(8)
        assert e.GiveUp() in story.fresh
        assert (story.state, story.session.fault) == ("fault", "no_devices"), "a press would be lost with the process"

    def test_devices_that_close_late_are_given_their_time_whoever_presses(self) -> None:
        story = Story().ending().passes(2).press()
        assert (story.state, story.fresh) == ("feedback", ())
        story.happens(e.MediaClosed()).press()
        assert story.state == "idle"
        assert e.GiveUp() not in story.fresh


class TestFaults:
    @pytest.mark.parametrize(
        ("event", "fault"),
        [
            (e.Configured(False, True), "not_enrolled"),
            (e.Configured(True, False), "no_clinic"),
            (e.DevicesChanged(NOTHING), "no_devices"),
        ],
    )
    def test_the_station_says_what_it_lacks(self, event: e.Event, fault: str) -> None:
        story = Story().idle().happens(event)
        assert (story.state, story.session.fault, light(story.session)) == ("fault", fault, "fault")

    def test_a_press_then_tries_again_and_says_so(self) -> None:
        story = Story().fault().press()
        assert (story.state, story.session.presses_refused, story.fresh) == ("fault", 1, (e.Recheck(),))

    def test_a_config_that_comes_in_a_call_waits_for_its_end(self) -> None:
        story = Story().in_call().happens(e.Configured(True, False))
        assert story.state == "in_call"
        story.press().happens(e.MediaClosed()).press()
        assert (story.state, story.session.fault) == ("fault", "no_clinic")


class TestWhatIsShown:
    @pytest.mark.parametrize(
        ("state", "pattern", "sound"),
        [
            ("idle", "ready", "none"), ("calling", "calling", "calling"), ("ringing", "ringing", "ring"),
            ("connecting", "live", "none"), ("in_call", "live", "none"), ("ending", "live", "none"),
            ("feedback", "off", "none"), ("fault", "fault", "none"), ("offline", "fault", "none"),
        ],
    )  # fmt: skip
    def test_light_and_tone_of_every_state(self, state: str, pattern: str, sound: str) -> None:
        session = WAYS[state](Story()).session
        assert (light(session), tone(session, Manner())) == (pattern, sound)

    def test_nothing_of_a_call_is_left_on_the_screen_after_it(self) -> None:
        story = Story().feedback()
        assert view(story.session, "b", 70, 0).peer_name == "Ann Demo"
        story.press()
        shown = view(story.session, "b", 70, 0)
        assert (shown.call, shown.peer_name, shown.reason, shown.connected_since) == (None, "", None, None)

    def test_the_screen_is_told_which_way_the_call_went(self) -> None:
        assert view(Story().calling().session, "b", 70, 0).outgoing
        assert not view(Story().ringing().session, "b", 70, 0).outgoing
