"""The figures, counted by hand from calls made by hand; weeks at their borders; every end reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.call import EndReason
from region.evaluation import weeks
from region.evaluation.errors import BadPeriod, NoTimeZone
from region.evaluation.figures import OUTCOMES, Times, figures, outcome, times
from region.evaluation.weeks import MOST_WEEKS, Week, last_finished, parse_week, period, week_of
from region.registry.records import CallFacts

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
W47 = Week(date(2026, 11, 16))
CALL = CallFacts("st-00000001", 1, 1, "resident", 1000.0, 1020.0, 1022.0, 1322.0, "resident_left")


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=COPENHAGEN).timestamp()


def test_a_week_as_counted_by_hand() -> None:
    calls = [
        CALL,  # waited 20 s, talked 300 s
        replace(CALL, answered_at=1005.0, connected_at=1006.0, ended_at=1016.0, end_reason="clinician_left"),
        replace(CALL, station_id="st-00000002", answered_at=None, connected_at=None, end_reason="no_answer"),
        replace(CALL, answered_at=None, connected_at=None, end_reason="cancelled"),
        replace(CALL, answered_at=1090.0, connected_at=None, end_reason="connection_failed"),
        replace(CALL, station_id="st-00000003", direction="clinic", answered_at=1008.0, end_reason="media_lost"),
        replace(CALL, direction="clinic", answered_at=None, connected_at=None, end_reason="no_answer"),
    ]
    exact = figures(calls, stations=9)
    assert (exact.stations, exact.stations_calling, exact.calls) == (9, 2, 7)
    assert (exact.residents.calls, exact.residents.answered, exact.residents.not_answered) == (5, 3, 2)
    assert exact.residents.waits == Times(3, 20.0, 90.0)
    assert (exact.clinicians.calls, exact.clinicians.answered, exact.clinicians.waits) == (2, 1, Times(1, 8.0, 8.0))
    assert exact.talk == Times(3, 300.0, 300.0)
    assert exact.grades == {"good": 0, "fair": 0, "poor": 0}
    assert exact.outcomes == {"completed": 2, "nobody_answered": 2, "technical_fault": 2, "cancelled": 1}


def test_a_week_without_calls_has_no_times_and_nothing_but_noughts() -> None:
    empty = figures([], stations=4)
    assert (empty.stations, empty.stations_calling, empty.calls) == (4, 0, 0)
    assert empty.residents.waits == empty.clinicians.waits == empty.talk == Times(0, None, None)
    assert set(empty.outcomes.values()) == {0}


@pytest.mark.parametrize(
    ("spans", "median", "p90"),
    [
        ([7.0], 7.0, 7.0),
        ([10.0, 1.0], 5.5, 10.0),
        ([float(n) for n in range(1, 10)], 5.0, 9.0),
        ([float(n) for n in range(1, 11)], 5.5, 9.0),
        ([float(n) for n in range(1, 12)], 6.0, 10.0),
        ([float(n) for n in range(100, 0, -1)], 50.5, 90.0),
    ],
)
def test_the_median_is_between_the_middle_two_and_the_percentile_by_nearest_rank(
    spans: list[float], median: float, p90: float
) -> None:
    assert times(spans) == Times(len(spans), median, p90)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_nine_in_ten_are_within_the_percentile_and_not_within_anything_less(spans: list[float]) -> None:
    p90 = times(spans).p90
    assert p90 in spans
    assert 10 * sum(span <= p90 for span in spans) >= 9 * len(spans)
    assert 10 * sum(span < p90 for span in spans) < 9 * len(spans)


def test_a_clock_that_was_set_back_costs_the_time_and_not_the_call() -> None:
    exact = figures([replace(CALL, answered_at=900.0, connected_at=2000.0)], stations=1)
    assert (exact.residents.answered, exact.residents.waits.count, exact.talk.count) == (1, 0, 0)
    assert exact.outcomes["completed"] == 1


def test_a_time_in_the_very_same_second_is_a_time() -> None:
    assert figures([replace(CALL, answered_at=1000.0)], stations=1).residents.waits == Times(1, 0.0, 0.0)


@pytest.mark.parametrize("reason", get_args(EndReason))
def test_every_end_reason_comes_out_somewhere(reason: EndReason) -> None:
    for connected_at in (None, 1022.0):
        assert outcome(replace(CALL, end_reason=reason, connected_at=connected_at)) in OUTCOMES


@pytest.mark.parametrize(
    ("reason", "before", "after"),
    [
        ("resident_left", "cancelled", "completed"),
        ("clinician_left", "cancelled", "completed"),
        ("cancelled", "cancelled", "completed"),
        ("no_answer", "nobody_answered", "technical_fault"),
        ("declined", "nobody_answered", "technical_fault"),
        ("replaced", "cancelled", "technical_fault"),
        ("media_lost", "technical_fault", "technical_fault"),
        ("station_restarted", "technical_fault", "technical_fault"),
        ("refused", "technical_fault", "technical_fault"),
    ],
)
def test_how_a_call_came_out_depends_on_whether_there_was_picture_or_sound(
    reason: EndReason, before: str, after: str
) -> None:
    assert outcome(replace(CALL, end_reason=reason, connected_at=None)) == before
    assert outcome(replace(CALL, end_reason=reason)) == after


@st.composite
def _calls(draw: st.DrawFn) -> list[CallFacts]:
    when = st.none() | st.floats(0, 5000)
    return draw(
        st.lists(
            st.builds(
                CallFacts, st.sampled_from(["st-a", "st-b", "st-c"]), st.just(1), st.just(1),
                st.sampled_from(["resident", "clinic"]), st.floats(0, 5000), when, when, st.floats(0, 5000),
                st.sampled_from(get_args(EndReason)),
            ),
            max_size=40,
        )
    )  # fmt: skip


@given(_calls())
def test_every_call_is_counted_once_on_its_side_and_once_by_how_it_came_out(calls: list[CallFacts]) -> None:
    exact = figures(calls, stations=3)
    assert exact.calls == len(calls) == sum(exact.outcomes.values())
    for side in (exact.residents, exact.clinicians):
        assert side.answered + side.not_answered == side.calls
        assert 0 <= side.waits.count <= side.answered
    assert exact.stations_calling <= min(3, exact.residents.calls)


# Weeks


@pytest.mark.parametrize(
    ("moment", "label"),
    [
        ("2026-11-16T00:00:00", "2026-W47"),
        ("2026-11-15T23:59:59", "2026-W46"),
        ("2026-11-22T23:59:59", "2026-W47"),
        ("2027-01-03T23:59:59", "2026-W53"),  # a long year: 53 weeks
        ("2027-01-04T00:00:00", "2027-W01"),
        ("2024-12-30T00:00:00", "2025-W01"),  # January's week begins in December
        ("2026-03-29T03:00:00", "2026-W13"),  # the hour after summer time began
        ("2026-10-25T23:30:00", "2026-W43"),  # after it ended: by UTC it is 22:30
    ],
)
def test_a_moment_is_in_the_week_of_the_clock_on_the_wall(moment: str, label: str) -> None:
    week = parse_week(label)
    assert week.label == label
    assert week.since <= _at(moment) < week.before
    assert not week.later(-1).since <= _at(moment) < week.later(-1).before


@pytest.mark.parametrize(("label", "hours"), [("2026-W12", 168), ("2026-W13", 167), ("2026-W43", 169)])
def test_a_week_in_which_the_clocks_change_is_an_hour_shorter_or_longer(label: str, hours: int) -> None:
    week = parse_week(label)
    assert week.before - week.since == hours * 3600


@given(st.dates(date(2000, 1, 3), date(2999, 12, 20)))
def test_weeks_leave_no_gap_and_find_themselves_again(day: date) -> None:
    week = week_of(day)
    assert week.before == week.later(1).since
    assert week.monday <= day <= week.last_day
    assert parse_week(week.label) == parse_week(day.isoformat()) == week


@given(st.text(max_size=20) | st.from_regex(r"-?\d{1,5}-?W?\d{1,2}(-\d{1,2})?", fullmatch=True))
def test_what_is_no_week_is_refused_in_plain_words(text: str) -> None:
    try:
        week = parse_week(text)
    except BadPeriod as error:
        assert "2026-W47" in str(error)
        assert error.exit_code == 2
    else:
        assert week.monday.isoweekday() == 1
        assert week.since < week.before


def test_only_weeks_that_are_over_are_counted() -> None:
    assert last_finished(W47.before - 1) == W47.later(-1)
    assert last_finished(W47.before) == W47
    assert period("2026-W46", "2026-W50", W47.before) == (W47.later(-1), W47)
    assert period("2026-W48", "2026-W50", W47.before) == ()


def test_twelve_weeks_are_meant_when_nothing_is_said() -> None:
    usual = period("", "  ", W47.before + 3600)
    assert (len(usual), usual[0].label, usual[-1].label) == (12, "2026-W36", "2026-W47")
    assert [week.label for week in period("", "2026-W03", W47.before)][-3:] == ["2026-W01", "2026-W02", "2026-W03"]
    assert period("2026-11-11", "", W47.before) == (W47.later(-1), W47)


@pytest.mark.parametrize(
    ("first", "last", "fault"),
    [
        ("2026-W40", "2026-W39", "wrong_way_round"),
        ("2024-W01", "2026-W47", "too_long"),
        ("W47", "", "not_a_week"),
        ("", "1999-12-31", "not_a_week"),
        ("2026-W54", "", "not_a_week"),
        ("2026-02-30", "", "not_a_week"),
    ],
)
def test_a_period_that_cannot_be_meant_is_refused(first: str, last: str, fault: str) -> None:
    with pytest.raises(BadPeriod) as refused:
        period(first, last, W47.before)
    assert refused.value.word == f"evaluation.error.{fault}"


def test_two_years_are_the_most() -> None:
    first = W47.later(1 - MOST_WEEKS)
    assert len(period(first.label, "", W47.before)) == MOST_WEEKS
    with pytest.raises(BadPeriod):
        period(first.later(-1).label, "", W47.before)


def test_a_machine_without_the_time_zone_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> ZoneInfo:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(weeks, "ZoneInfo", unknown)
    weeks._zone.cache_clear()
    with pytest.raises(NoTimeZone, match="tzdata"):
        last_finished(W47.before)
