"""The desk's table: what a clinician and a resident would notice, and a walk through everything that can happen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.call import (
    MAX_CANDIDATES,
    Accept,
    Alerting,
    Answer,
    Candidate,
    Connected,
    Devices,
    Hangup,
    Lost,
    Media,
    Offer,
    Rejected,
    Renew,
    Request,
    Status,
)
from region.desk.room import (
    DESERTED,
    LIMITS,
    LOST_LONG,
    PAGE_GRACE,
    SIGNED_OUT,
    TIMED_OUT,
    UNSEEN,
    Answered,
    Claimed,
    Count,
    Effect,
    Event,
    Heard,
    Left,
    LinkUp,
    PageBack,
    PageGone,
    PageSeen,
    PassOffer,
    Refuse,
    Rejoined,
    Room,
    RoomState,
    Say,
    Show,
    SignedOut,
    StationBack,
    StationGone,
    Superseded,
    Tick,
    Trickled,
)
from region.desk.routing import invited, requested, restored, step
from tests.kits.examples import examples

PAGE, OTHER_PAGE = "p" * 16, "q" * 16
CLINICIAN = 7
OFFER = Offer(1, "v=0 offer")


class Walk:
    """A room, led from event to event."""

    def __init__(self, room: Room, now: float = 0.0) -> None:
        self.room = room
        self.now = now
        self.effects: tuple[Effect, ...] = ()

    def __call__(self, *events: Event) -> Walk:
        for event in events:
            self.room, self.effects = step(self.room, event, self.now)
        return self

    def hear(self, *messages: object) -> Walk:
        return self(*(Heard(message) for message in messages))  # type: ignore[arg-type]

    def later(self, seconds: float) -> Walk:
        self.now += seconds
        return self(Tick())

    @property
    def said(self) -> list[object]:
        return [effect.message for effect in self.effects if isinstance(effect, Say)]

    @property
    def refused(self) -> list[str]:
        return [effect.code for effect in self.effects if isinstance(effect, Refuse)]

    @property
    def counted(self) -> list[str]:
        return [effect.code for effect in self.effects if isinstance(effect, Count)]


def waiting() -> Walk:
    return Walk(requested("call0001", "st-00000001", 3, Devices(), 0.0)).hear(OFFER)


def calling() -> Walk:
    return Walk(invited("call0001", "st-00000001", 3, CLINICIAN, PAGE, 0.0))


def answered() -> Walk:
    return waiting()(Claimed(CLINICIAN, PAGE), Answered(PAGE, 1, "v=0 answer", "Anna Holm", "GP"))


def in_call() -> Walk:
    return answered().hear(Connected(1, 130.0))


def candidates(count: int, generation: int = 1) -> Trickled:
    return Trickled(PAGE, tuple(Candidate(generation, f"candidate:{i}") for i in range(count)))


IN: dict[RoomState, Walk] = {
    "waiting": waiting(),
    "inviting": calling(),
    "alerting": calling().hear(Alerting(Devices())),
    "connecting": answered(),
    "in_call": in_call(),
    "resuming": in_call().hear(Lost(1)),
    "ended": in_call().hear(Hangup("resident_left")),
}


def led_to(state: RoomState) -> Walk:
    return Walk(IN[state].room, IN[state].now)


# A press


def test_the_station_s_offer_is_kept_until_somebody_answers() -> None:
    walk = waiting()
    assert walk.effects == ()
    walk(Claimed(CLINICIAN, PAGE))
    assert walk.effects == (PassOffer(PAGE, OFFER), Show())
    assert walk.room.state == "connecting"


def test_an_offer_that_comes_after_the_answer_click_goes_to_that_page_at_once() -> None:
    walk = Walk(requested("call0001", "st-00000001", 3, Devices(), 0.0))(Claimed(CLINICIAN, PAGE)).hear(OFFER)
    assert walk.effects == (PassOffer(PAGE, OFFER),)


def test_the_resident_sees_who_answered() -> None:
    assert answered().said == [Answer(1, "v=0 answer", "Anna Holm", "GP")]


def test_media_makes_it_a_call_without_a_time_limit() -> None:
    walk = in_call()
    assert walk.room.state == "in_call"
    assert walk.later(3600.0).room.state == "in_call"


def test_the_resident_may_hang_up_in_any_state_and_is_not_told_of_it_again() -> None:
    for state in LIMITS:
        walk = led_to(state).hear(Hangup("resident_left"))
        assert (walk.room.state, walk.room.reason, walk.said) == ("ended", "resident_left", []), state


def test_a_call_that_was_claimed_cannot_be_claimed_again() -> None:
    assert answered()(Claimed(8, OTHER_PAGE)).refused == ["not_now"]
    assert answered().room.clinician == CLINICIAN


# A clinician calls


def test_the_browser_answers_while_it_rings_and_the_call_begins_when_the_resident_accepts() -> None:
    walk = calling().hear(Alerting(Devices(camera="missing")), OFFER)
    assert walk.effects == (PassOffer(PAGE, OFFER),)
    walk(Answered(PAGE, 1, "v=0 answer", "Anna Holm", "GP"))
    assert walk.room.state == "alerting"
    assert walk.hear(Accept()).room.state == "connecting"
    assert walk.hear(Connected(1, 90.0)).room.state == "in_call"
    assert walk.room.devices.camera == "missing"


def test_media_before_the_resident_has_accepted_is_not_believed() -> None:
    walk = calling().hear(Alerting(Devices()), OFFER, Connected(1, 5.0))
    assert walk.room.state == "alerting"
    assert walk.said == [Rejected("unexpected")]
    assert walk.counted == ["unexpected"]


def test_a_call_off_before_the_answer_is_cancelled_and_one_after_it_is_a_hang_up() -> None:
    assert calling().hear(Alerting(Devices()))(Left()).said == [Hangup("cancelled")]
    assert in_call()(Left()).said == [Hangup("clinician_left")]


def test_a_station_that_is_not_there_is_given_up_soon() -> None:
    walk = calling().later(LIMITS["inviting"])
    assert walk.room.reason == "station_offline"
    assert walk.said == [Hangup("station_offline")]


# Lost media, reloaded pages, a station that comes back


def test_a_reloaded_page_asks_for_a_new_offer_and_goes_on() -> None:
    walk = in_call()(PageGone(PAGE), Rejoined(PAGE))
    assert walk.said == [Renew()]
    assert walk.room.state == "resuming"
    walk.hear(Offer(2, "v=0 again"))
    assert walk.effects == (PassOffer(PAGE, Offer(2, "v=0 again")),)
    walk(Answered(PAGE, 2, "v=0 answer", "Anna Holm", "GP")).hear(Connected(2, 60.0))
    assert walk.room.state == "in_call"


def test_a_lost_call_that_comes_back_on_its_old_connection_goes_on_and_the_newer_offer_is_not_wanted() -> None:
    walk = in_call().hear(Lost(1), Offer(2, "new"), Connected(1, 900.0))
    assert walk.room.state == "in_call"
    assert walk(Rejoined(PAGE)).said == [Renew()], "a page that still hears nothing gets a fresh one"
    walk = in_call().hear(Lost(1), Offer(2, "new"), Connected(2, 900.0))
    assert (walk.room.state, walk.room.generation) == ("in_call", 2)
    assert walk.hear(Connected(3, 1.0)).effects == (Count("stale"),)


def test_the_clinic_sees_a_call_as_lost_when_its_line_has_been_away_for_a_minute() -> None:
    walk = in_call().hear(Lost(1))
    assert walk.room.lost_for(walk.now) == 0
    began = walk.now
    walk.later(30).hear(Lost(1), Status("connecting", 2, Devices()))
    assert walk.said == [], "the station offers by itself"
    walk.later(30)
    assert walk.room.lost_for(walk.now) == walk.now - began == LOST_LONG
    assert in_call().room.lost_for(1e6) == 0


def test_a_lost_line_is_waited_for_a_little_longer_than_the_station_does() -> None:
    walk = in_call().hear(Lost(1)).later(600)
    assert walk.room.state == "resuming"
    assert walk.later(30).room.reason == "media_lost"


def test_a_station_that_has_lost_its_line_offers_by_itself_and_a_page_may_ask_for_more() -> None:
    walk = in_call().hear(Lost(1))
    assert (walk.room.state, walk.said) == ("resuming", [])
    assert walk(Rejoined(PAGE)).said == [Renew()]
    assert walk(Rejoined(PAGE)).said == []
    walk.now += 3.0
    assert walk(Rejoined(PAGE)).said == [Renew()]


def test_lost_media_while_the_page_is_away_waits_for_the_page() -> None:
    walk = in_call()(PageGone(PAGE)).hear(Lost(1))
    assert walk.said == []
    assert walk.room.state == "resuming"
    assert walk(PageBack(PAGE), Rejoined(PAGE)).said == [Renew()]


def test_a_page_that_missed_the_offer_gets_it_when_it_is_back() -> None:
    walk = in_call()(Rejoined(PAGE), PageGone(PAGE)).hear(Offer(2, "v=0 again"))
    assert walk.effects == ()
    assert walk(PageBack(PAGE)).effects == (PassOffer(PAGE, Offer(2, "v=0 again")), Show())


def test_a_page_that_no_process_tells_of_any_more_has_gone_and_one_that_is_told_of_has_not() -> None:
    unseen = answered()
    assert unseen.later(UNSEEN - 1).room.away is None
    assert unseen(PageSeen(PAGE)).later(UNSEEN - 1).room.away is None
    assert unseen.later(1).room.away == unseen.now
    assert unseen(PageSeen(OTHER_PAGE)).room.away is not None
    assert unseen(PageSeen(PAGE)).room.away is None
    assert in_call().later(3600.0)(PageSeen(PAGE)).room.state == "in_call"


def test_an_offer_delivered_again_is_passed_on_again_until_it_is_answered() -> None:
    claimed = waiting()(Claimed(CLINICIAN, PAGE))
    assert claimed.hear(OFFER).effects == (PassOffer(PAGE, OFFER),)
    assert waiting().hear(OFFER).effects == ()


def test_another_tab_may_take_the_call_over_and_the_first_is_refused_from_then_on() -> None:
    walk = in_call()(Rejoined(OTHER_PAGE))
    assert walk.room.page == OTHER_PAGE
    assert walk.hear(Offer(2, "v=0"))(Answered(PAGE, 2, "v=0", "", "")).refused == ["not_yours"]


def test_a_browser_that_vanished_ends_what_had_not_begun_but_not_a_call_with_media() -> None:
    gone = answered()(PageGone(PAGE)).later(PAGE_GRACE)
    assert (gone.room.state, gone.said) == ("ended", [Hangup("clinician_left")])
    assert in_call()(PageGone(PAGE)).later(600.0).room.state == "in_call"


def test_a_call_that_both_ends_have_deserted_does_not_stay_for_ever() -> None:
    walk = in_call()(PageGone(PAGE)).later(DESERTED)
    assert walk.room.reason == "media_lost"


def test_whoever_was_signed_out_is_out_of_the_call_and_the_station_is_told() -> None:
    for state in LIMITS:
        walk = led_to(state)(SignedOut(PAGE, 0.0)).later(SIGNED_OUT - 1)
        assert walk.room.reason is None, state
        walk(SignedOut(PAGE, walk.now)).later(1)  # told again: it gives no more time
        assert walk.said == ([] if state == "waiting" else [Hangup("clinician_left")]), state


def test_a_page_that_is_signed_in_again_under_another_token_goes_on() -> None:
    for back in (PageBack(PAGE), Rejoined(PAGE), Rejoined(OTHER_PAGE)):
        assert in_call()(SignedOut(PAGE, 0.0), PageGone(PAGE)).later(4)(back).later(8).room.reason is None, back
    walk = in_call().later(2)(PageGone(PAGE), PageBack(PAGE), SignedOut(PAGE, 1.0))
    assert walk.later(9).room.reason is None, "it was back before that was heard"
    assert in_call()(SignedOut(OTHER_PAGE, 99.0)).later(60.0).room.state == "in_call", "the call is at another page"


def test_a_station_without_broker_loses_its_ringing_calls_but_not_its_running_one() -> None:
    for state, walk in ((state, led_to(state)(StationGone())) for state in LIMITS):
        if state in ("waiting", "inviting", "alerting"):
            assert walk.room.reason == "station_offline", state
        else:
            assert walk.room.reason is None, state


def test_a_restarted_station_ends_what_it_had() -> None:
    walk = in_call()(StationBack(None, same_run=False))
    assert walk.room.reason == "station_restarted"
    assert in_call()(StationBack("call0001", same_run=True)).room.state == "in_call"


def test_an_invitation_that_crosses_with_the_station_s_birth_goes_on() -> None:
    assert calling()(StationBack(None, same_run=True)).room.state == "inviting"


def test_a_new_request_of_the_same_station_replaces_the_old_call() -> None:
    walk = in_call()(Superseded())
    assert (walk.room.reason, walk.said) == ("replaced", [])


@pytest.mark.parametrize(
    ("state", "says", "becomes"),
    [
        ("inviting", "ringing", "alerting"),
        ("alerting", "connecting", "connecting"),
        ("connecting", "in_call", "in_call"),
        ("resuming", "in_call", "in_call"),
        ("in_call", "connecting", "resuming"),
        ("waiting", "calling", "waiting"),
    ],
)
def test_a_status_brings_the_desk_to_where_the_station_is(state: RoomState, says: str, becomes: RoomState) -> None:
    walk = led_to(state).hear(Status(says, 1, Devices(speaker="fault")))  # type: ignore[arg-type]
    assert walk.room.state == becomes
    assert walk.room.devices.speaker == "fault"


def test_an_answer_lost_on_the_way_is_made_good_by_a_new_offer() -> None:
    assert answered().hear(Status("calling", 1, Devices())).said == [Renew()]


def test_a_station_in_a_call_that_nobody_answered_is_told_to_hang_up() -> None:
    assert waiting().hear(Status("in_call", 1, Devices())).said == [Hangup("error")]


def test_a_region_that_was_restarted_asks_for_an_offer_only_where_no_media_can_be_disturbed() -> None:
    lost = replace(waiting().room, offer=None)
    assert Walk(restored(lost, 50.0), 50.0)(LinkUp()).said == [Renew()]
    running = Walk(restored(in_call().room, 50.0), 50.0)(LinkUp())
    assert running.said == []
    assert running(PageBack(PAGE)).effects == (Show(),)
    assert running(Left()).said == [Hangup("clinician_left")]


# What is not taken


def test_a_flood_of_candidates_is_refused_and_the_call_goes_on() -> None:
    walk = answered()(candidates(MAX_CANDIDATES))
    assert len(walk.said) == MAX_CANDIDATES
    walk(candidates(1))
    assert (walk.refused, walk.counted, walk.said) == (["flood"], ["flood"], [])
    assert walk.hear(Connected(1, 100.0)).room.state == "in_call"


def test_candidates_and_answers_of_another_generation_or_page_are_refused() -> None:
    for late in (candidates(1, generation=2), Answered(PAGE, 1, "v=0", "", "")):
        walk = answered()(late)
        assert (walk.refused, walk.counted[-1:]) == ([], ["stale"]), "a newer offer has overtaken it: nobody's fault"
    assert answered()(Trickled(OTHER_PAGE, (Candidate(1, "x"),))).refused == ["not_yours"]


def test_an_offer_of_the_past_is_refused() -> None:
    walk = in_call().hear(OFFER)
    assert (walk.said, walk.counted) == ([Rejected("stale")], ["stale"])


def test_a_second_request_in_the_same_call_is_unexpected_in_every_state() -> None:
    for state in LIMITS:
        walk = led_to(state).hear(Request(Devices()))
        assert (walk.room.state, walk.counted) == (state, ["unexpected"])


def test_an_ended_call_answers_stragglers_with_its_end() -> None:
    walk = led_to("ended")
    assert walk.hear(OFFER).said == [Hangup("resident_left")]
    assert walk.hear(Hangup("error")).effects == ()
    assert walk.hear(Rejected("stale")).effects == ()
    assert walk(Left()).effects == ()


def test_a_refusal_is_never_answered_with_a_refusal() -> None:
    for state in LIMITS:
        assert led_to(state).hear(Rejected("malformed")).said == []
    assert led_to("in_call").hear(Rejected("foreign_call")).room.reason == "station_restarted"


# The whole table


def test_every_state_that_waits_has_a_time_limit_and_a_reason_for_it() -> None:
    assert LIMITS.keys() == TIMED_OUT.keys()
    for state, limit in LIMITS.items():
        walk = led_to(state)
        assert walk.room.state == state
        walk.later(limit - 0.5)
        assert walk.room.state == state
        walk.later(1.0)
        assert (walk.room.state, walk.room.reason) == ("ended", TIMED_OUT[state])


pages = st.sampled_from([PAGE, OTHER_PAGE])
generations = st.integers(1, 4)
devices = st.builds(Devices, camera=st.sampled_from(["ok", "missing"]))
messages = st.one_of(
    st.builds(Request, devices),
    st.builds(Alerting, devices),
    st.just(Accept()),
    st.builds(Offer, generations, st.just("v=0")),
    st.builds(Connected, generations, st.just(1.0)),
    st.builds(Lost, generations),
    st.builds(Media, devices),
    st.builds(Status, st.sampled_from(["calling", "ringing", "connecting", "in_call"]), generations, devices),
    st.builds(Hangup, st.sampled_from(["resident_left", "media_lost"])),
    st.builds(Rejected, st.sampled_from(["malformed", "foreign_call"])),
)
events = st.one_of(
    st.builds(Heard, messages),
    st.builds(Claimed, st.sampled_from([CLINICIAN, 8]), pages),
    st.builds(Answered, pages, generations, st.just("v=0"), st.just("A"), st.just("")),
    st.builds(
        lambda page, generation, count: Trickled(page, (Candidate(generation, "c"),) * count),
        pages,
        generations,
        st.integers(1, 40),
    ),
    st.builds(Rejoined, pages),
    st.just(Left()),
    st.builds(PageGone, pages),
    st.builds(SignedOut, pages, st.floats(0, 300)),
    st.builds(PageBack, pages),
    st.builds(PageSeen, pages),
    st.just(StationGone()),
    st.builds(StationBack, st.sampled_from(["call0001", None]), st.booleans()),
    st.just(Superseded()),
    st.just(LinkUp()),
    st.just(Tick()),
)


@settings(max_examples=examples(400))
@given(st.booleans(), st.lists(st.tuples(events, st.sampled_from([0.0, 0.4, 5.0, 40.0])), max_size=40))
def test_whatever_happens_the_room_stays_whole(outgoing: bool, story: list[tuple[Event, float]]) -> None:
    walk = calling() if outgoing else waiting()
    for event, pause in story:
        before = walk.room
        walk.now += pause
        walk(event)
        room = walk.room
        assert (room.reason is not None) == (room.state == "ended")
        assert (room.deadline is not None) == (room.state in LIMITS)
        assert room.candidates <= MAX_CANDIDATES
        assert room.answered <= room.generation
        assert room.generation >= before.generation
        if room.state in ("connecting", "in_call", "resuming"):
            assert room.clinician is not None
        if before.clinician is not None:
            assert room.clinician == before.clinician
        if before.state == "ended":
            assert room == before
        for said in walk.said:
            assert not isinstance(said, Answer) or said.generation == room.generation
        if walk.refused:
            assert not walk.said


@given(st.lists(events, max_size=30))
def test_however_long_nothing_more_happens_a_call_without_media_ends(story: list[Event]) -> None:
    walk = waiting()(*story)
    if walk.room.state != "in_call":
        walk.later(300.0)
        assert walk.room.state == "ended"
