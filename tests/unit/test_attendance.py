"""Who counts as there: whoever speaks or answers does, however seldom; whoever answers no question does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from messaging.status import Connection
from region.serving.attendance import ANSWER_WITHIN_S, ASK_AFTER_S, QUESTIONS, Attendance, Who

AGENT: Who = ("st-00000001", "agent")
CALL: Who = ("st-00000001", "call")
RUN = ("b1", 1)
AT = 1_800_000_000.0
MOST_S = ASK_AFTER_S + QUESTIONS * ANSWER_WITHIN_S
STEP_S = 2.0


def story(attendance: Attendance, begin: float, seconds: float, *, answers: bool, questions: list[Who]) -> float:
    """That many seconds of looks, as the region makes them; when the first was given up, or infinity."""
    now = begin
    while now <= begin + seconds:
        for one in list(attendance.missing(now)):
            attendance.give_up(one)
            return now
        for who in attendance.to_ask(now, 100):
            attendance.asked(who, now)
            questions.append(who)
            if answers:
                attendance.heard(who, now + 1, AT)
        now += STEP_S
    return float("inf")


def test_who_does_not_answer_is_given_up_within_four_minutes_and_with_when_it_was_last_heard() -> None:
    attendance, questions = Attendance(), []
    attendance.expect(CALL, RUN, 0.0, AT)
    at = story(attendance, 0.0, 3600, answers=False, questions=questions)
    assert MOST_S <= at <= MOST_S + (QUESTIONS + 1) * STEP_S <= 240
    assert questions == [CALL] * QUESTIONS


def test_an_hour_without_a_report_is_no_alarm_where_questions_are_answered() -> None:
    attendance, questions = Attendance(), []
    attendance.expect(AGENT, RUN, 0.0, AT)
    assert story(attendance, 0.0, 7200, answers=True, questions=questions) == float("inf")
    assert 50 <= len(questions) <= 7200 / ASK_AFTER_S


def test_who_reports_each_minute_is_never_asked() -> None:
    attendance = Attendance()
    attendance.expect(AGENT, RUN, 0.0, AT)
    for minute in range(1, 60):
        assert attendance.to_ask(60.0 * minute, 100) == []
        attendance.heard(AGENT, 60.0 * minute, AT)


def test_the_processes_of_a_station_are_looked_at_each_for_itself() -> None:
    attendance, questions = Attendance(), []
    attendance.expect(AGENT, RUN, 0.0, AT)
    attendance.expect(CALL, RUN, 0.0, AT)
    now = 0.0
    while not (missing := list(attendance.missing(now))):
        attendance.heard(AGENT, now, AT + now)
        for who in attendance.to_ask(now, 100):
            attendance.asked(who, now)
            questions.append(who)
        now += STEP_S
    assert [(one.who, one.since) for one in missing] == [(CALL, AT)]
    assert set(questions) == {CALL}


def test_a_region_that_was_away_or_has_just_begun_gives_everybody_their_time_anew() -> None:
    attendance, questions = Attendance(), []
    attendance.expect(CALL, RUN, 0.0, AT)
    story(attendance, 0.0, MOST_S - ANSWER_WITHIN_S, answers=False, questions=questions)
    attendance.begin(5000.0)  # nothing was looked at meanwhile
    assert list(attendance.missing(5000.0)) == []
    assert attendance.to_ask(5000.0 + ASK_AFTER_S - 1, 100) == []
    assert story(attendance, 5000.0, 3600, answers=False, questions=questions) >= 5000.0 + MOST_S


def test_a_machine_that_slept_gives_nobody_up_who_was_not_asked_and_had_time_to_answer() -> None:
    attendance = Attendance()
    attendance.expect(CALL, RUN, 0.0, AT)
    assert list(attendance.missing(1e6)) == [], "a long silence alone is no proof"
    attendance.asked(CALL, 1e6)
    assert list(attendance.missing(2e6)) == [], "one question neither"


def test_who_was_given_up_is_asked_now_and_then_and_is_there_again_once_it_is_heard() -> None:
    attendance, questions = Attendance(), []
    attendance.expect(CALL, RUN, 0.0, AT)
    at = story(attendance, 0.0, 3600, answers=False, questions=questions)
    questions.clear()
    assert story(attendance, at, 1200, answers=False, questions=questions) == float("inf"), "and is told of once"
    assert 8 <= len(questions) <= 10
    assert attendance.heard(CALL, at + 1200, AT)
    assert not attendance.heard(CALL, at + 1201, AT)
    assert story(attendance, at + 1200, 3600, answers=False, questions=questions) < float("inf")


def test_what_the_broker_had_kept_is_no_sign_of_life_and_another_connection_is() -> None:
    attendance, questions = Attendance(), []
    attendance.expect(CALL, RUN, 0.0, AT)
    attendance.connected(CALL, Connection("call", "online", "b1", 1, answers=True), 100.0, AT + 100)
    assert attendance.to_ask(ASK_AFTER_S, 10) == [CALL]
    at = story(attendance, ASK_AFTER_S, 3600, answers=False, questions=questions)
    attendance.connected(CALL, Connection("call", "online", "b1", 2, answers=True), at, AT + at)
    assert attendance.to_ask(at + ASK_AFTER_S - 1, 10) == []
    assert attendance.has_said(CALL, Connection("call", "online", "b1", 2, answers=True))


def test_the_longest_silent_are_asked_first_and_only_so_many() -> None:
    attendance = Attendance()
    for number in range(10):
        attendance.expect((f"st-0000000{number}", "call"), RUN, float(10 - number), AT)
    assert attendance.to_ask(ASK_AFTER_S + 20, 3) == [(f"st-0000000{number}", "call") for number in (9, 8, 7)]


def test_who_has_gone_is_neither_asked_nor_missing() -> None:
    attendance = Attendance()
    attendance.expect(CALL, RUN, 0.0, AT)
    attendance.forget(CALL)
    assert attendance.to_ask(1e6, 10) == []
    assert not attendance.heard(CALL, 1e6, AT)


@given(
    st.lists(
        st.tuples(st.sampled_from(["heard", "asked", "begin", "wait", "connected"]), st.floats(0, 400)), max_size=60
    )
)
def test_whatever_happens_nobody_is_missing_who_was_heard_since_the_last_three_questions(
    happens: list[tuple[str, float]],
) -> None:
    attendance, now, unanswered, last_asked = Attendance(), 0.0, 0, 0.0
    attendance.expect(CALL, RUN, 0.0, AT)
    for number, (what, seconds) in enumerate(happens):
        now += seconds
        if what == "asked":
            attendance.asked(CALL, now)
            unanswered, last_asked = unanswered + 1, now
        elif what == "heard":
            attendance.heard(CALL, now, AT + now)
            unanswered = 0
        elif what == "begin":
            attendance.begin(now)
            unanswered = 0
        elif what == "connected":
            attendance.connected(CALL, Connection("call", "online", "b1", number + 2, answers=True), now, AT + now)
            unanswered = 0
        missing = bool(list(attendance.missing(now)))
        assert missing == (unanswered >= QUESTIONS and now - last_asked >= ANSWER_WITHIN_S)
        assert not (missing and attendance.to_ask(now, 10))
