"""What may be read: never a group under five, nor one by subtraction; and no formula in a spreadsheet."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, replace
from datetime import date
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.call import EndReason
from messaging.quality import Grade
from region.evaluation.figures import OUTCOMES, figures
from region.evaluation.publishing import UNDER, Place, Row, count, publish, share
from region.evaluation.table import COLUMNS, to_csv
from region.evaluation.weeks import Week
from region.registry.records import CallFacts, Direction

WEEK = Week(date(2026, 11, 16))
SITE = Place("site", 3, "Solgården")
CALL = CallFacts("st-00000001", 3, 1, "resident", 1000.0, 1020.4, 1022.0, 1322.5, "resident_left")
COUNTS = tuple(name for name, kind in Row.__annotations__.items() if kind == "Count")
assert len(COUNTS) == 15
NEVER = CallFacts("st-00000001", 3, 1, "resident", 1000.0, None, None, 1180.0, "no_answer")


def _row(*calls: CallFacts, stations: int = 8) -> Row:
    return publish(WEEK, SITE, figures(calls, stations))


def test_a_row_says_which_week_and_place_it_is_of() -> None:
    row = _row()
    assert (row.week, row.first_day, row.last_day) == ("2026-W47", "2026-11-16", "2026-11-22")
    assert (row.scope, row.name, row.stations) == ("site", "Solgården", 8)


def test_a_site_with_few_calls_shows_nothing_of_them() -> None:
    told = asdict(_row(CALL, CALL, CALL, CALL))
    hidden = [value for name, value in told.items() if name not in COLUMNS[:6]]
    assert hidden == [UNDER] * 24
    assert asdict(_row()) == told, "four calls look as none"


def test_a_site_with_enough_calls_shows_counts_to_the_nearest_five_and_times() -> None:
    row = _row(*[CALL] * 28, *[NEVER] * 9)
    assert (row.calls, row.residents_calls, row.residents_answered, row.residents_not_answered) == (35, 35, 30, 10)
    assert row.residents_answered_share == 0.75
    assert (row.residents_wait_median_s, row.residents_wait_p90_s, row.talk_median_s) == (20, 20, 301)
    assert (row.completed, row.nobody_answered, row.technical_fault, row.cancelled) == (30, 10, UNDER, UNDER)
    assert (row.clinicians_calls, row.clinicians_answered_share, row.stations_calling) == (UNDER, UNDER, UNDER)


def test_how_good_the_connections_were_is_told_like_everything_else() -> None:
    good, poor = replace(CALL, grade="good", connect_s=0.84), replace(CALL, grade="poor", connect_s=2.5)
    row = _row(*[good] * 27, *[poor] * 8, *[CALL] * 10)
    assert (row.quality_good, row.quality_fair, row.quality_poor) == (25, UNDER, 10)
    assert row.quality_good_share == 0.71, "of 25 and 10, which are published"
    assert row.connect_median_ms == 800
    assert _row(*[good] * 4, *[CALL] * 30).connect_median_ms == UNDER


@pytest.mark.parametrize(
    ("exact", "shown"), [(0, "<5"), (4, "<5"), (5, 5), (7, 5), (8, 10), (12, 10), (13, 15), (4002, 4000)]
)
def test_counts(exact: int, shown: int | str) -> None:
    assert count(exact) == shown


@pytest.mark.parametrize(
    ("calls", "answered", "shown"),
    [
        (0, 0, "<5"), (8, 4, "<5"), (20, 10, 0.5), (5, 5, ">=0.55"), (42, 40, ">=0.90"), (42, 2, "<=0.10"),
        (40, 40, ">=0.90"), (4000, 3000, 0.75),
    ],
)  # fmt: skip
def test_shares(calls: int, answered: int, shown: float | str) -> None:
    assert share(answered, calls - answered) == shown


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_share_is_near_the_truth_and_a_bound_always_holds(yes: int, no: int) -> None:
    shown = share(yes, no)
    if shown == UNDER:
        assert yes < 5
        assert no < 5
    elif isinstance(shown, float):
        assert abs(shown - yes / (yes + no)) <= 0.5 * 4 / (yes + no - 2) + 0.006
    else:
        exact, bound = yes / (yes + no), float(shown[2:])
        assert exact >= bound if shown.startswith(">=") else exact <= bound


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_two_shares_of_a_whole_make_one(yes: int, no: int) -> None:
    one, other = share(yes, no), share(no, yes)
    if isinstance(one, float) and isinstance(other, float):
        assert abs(one + other - 1) <= 0.011
    elif one != UNDER:
        assert isinstance(one, str)
        assert isinstance(other, str)
        assert abs(float(one[2:]) + float(other[2:]) - 1) < 0.001
        assert {one[:2], other[:2]} == {">=", "<="}
    else:
        assert other == UNDER


def _made(
    reason: EndReason, direction: Direction, answered: bool, connected: bool, station: int, wait: float,
    grade: Grade | None,
) -> CallFacts:  # fmt: skip
    return CallFacts(
        f"st-{station}", 3, 1, direction, 1000.0, 1000.0 + wait if answered else None,
        1001.0 + wait if connected else None, 1400.0 + wait, reason, grade, wait / 100 if grade else None,
    )  # fmt: skip


CALLS = st.lists(
    st.builds(
        _made, st.sampled_from(get_args(EndReason)), st.sampled_from(["resident", "clinic"]), st.booleans(),
        st.booleans(), st.integers(1, 12), st.floats(0, 200), st.sampled_from([None, *get_args(Grade)]),
    ),
    max_size=60,
)  # fmt: skip


@given(CALLS)
def test_no_output_ever_tells_of_a_group_under_five(calls: list[CallFacts]) -> None:
    row = _row(*calls)
    for name in COUNTS:
        shown = getattr(row, name)
        assert shown == UNDER or (shown >= 5 and shown % 5 == 0), name
    exact = figures(calls, 8)
    for spans, shown in (
        (exact.residents.waits, (row.residents_wait_median_s, row.residents_wait_p90_s)),
        (exact.clinicians.waits, (row.clinicians_wait_median_s, row.clinicians_wait_p90_s)),
        (exact.talk, (row.talk_median_s,)),
        (exact.connects, (row.connect_median_ms,)),
    ):
        assert all((value == UNDER) == (spans.count < 5) for value in shown)
    (line,) = csv.DictReader(io.StringIO(to_csv([row]).lstrip("\ufeff")))
    assert all(line[name] == UNDER or int(line[name]) >= 5 for name in COUNTS)


def _could_be(shown: int | str) -> range:
    """Every exact count that is published as this."""
    return range(5) if shown == UNDER else range(max(5, int(shown) - 2), int(shown) + 3)


@given(st.integers(0, 60), st.integers(0, 60))
def test_what_is_left_when_the_larger_is_taken_from_the_whole_is_never_one_small_number(large: int, small: int) -> None:
    """The region's calls less those of its other site: at least three numbers of calls stay possible."""
    whole, part, rest = count(large + small), count(large), count(small)
    possible = {one for one in _could_be(rest) for other in _could_be(part) if one + other in _could_be(whole)}
    assert small in possible
    if small < 5 and large >= 5:
        assert len(possible) >= 3


@given(CALLS)
def test_parts_and_whole_are_within_what_rounding_allows(calls: list[CallFacts]) -> None:
    row = _row(*calls)
    for parts in (("residents_calls", "clinicians_calls"), OUTCOMES):
        ranges = [_could_be(getattr(row, name)) for name in parts]
        assert sum(r[0] for r in ranges) <= len(calls) <= sum(r[-1] for r in ranges)


def test_nothing_in_a_row_names_a_person_a_call_or_a_station() -> None:
    assert not [name for name in COLUMNS if "id" in name.split("_") or "person" in name]
    assert "st-0000" not in to_csv([_row(*[CALL] * 30)])


@pytest.mark.parametrize("name", ["=1+1", "+45 12", "-2", "@SUM(A1)", "\t=1", "＝1+1", "－2"])
def test_a_name_is_never_a_formula_in_a_spreadsheet(name: str) -> None:
    (line,) = csv.DictReader(io.StringIO(to_csv([replace(_row(), name=name)]).lstrip("\ufeff"), newline=""))
    assert line["name"] == f"'{name}"


@given(st.text(max_size=80).filter(lambda text: "\0" not in text))
def test_any_name_is_one_cell_of_one_line_and_comes_back(name: str) -> None:
    lines = list(csv.reader(io.StringIO(to_csv([replace(_row(), name=name)]), newline="")))
    assert len(lines) == 2
    cell = lines[1][COLUMNS.index("name")]
    assert cell in (name, f"'{name}")
    assert cell[:1] not in set("=+-@\t\r\n")


def test_the_csv_has_a_head_danish_letters_and_the_line_ends_of_rfc_4180() -> None:
    text = to_csv([_row()])
    assert text.startswith("\ufeffweek,first_day,last_day,scope,name,stations,stations_calling,calls,")
    assert "2026-W47,2026-11-16,2026-11-22,site,Solgården,8,<5" in text
    assert text.count("\r\n") == 2
