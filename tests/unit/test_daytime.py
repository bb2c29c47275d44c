"""Danish times: what the clock on the wall says is meant, in summer, in winter, and in the nights between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from region import daytime
from region.daytime import BadTime, read_moment

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
moments = st.integers(1_600_000_000, 2_000_000_000).map(float)


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-11-23T03:00", "2026-11-23T02:00"),  # winter
        ("2027-07-01T03:00", "2027-07-01T01:00"),  # summer
        ("2027-07-01 03:00:30", "2027-07-01T01:00:30"),
        ("2026-11-23T03:00Z", "2026-11-23T03:00"),
        ("2026-11-23T03:00+05:00", "2026-11-22T22:00"),
        ("2026-10-25T02:30", "2026-10-25T00:30"),  # there twice: the first
        ("2027-03-28T01:59", "2027-03-28T00:59"),
        ("2027-03-28T03:00", "2027-03-28T01:00"),  # the minute after
    ],
)
def test_a_time_is_the_clocks_on_the_wall_in_denmark(said: str, meant: str) -> None:
    assert read_moment(said, 0.0) == utc(meant)


@pytest.mark.parametrize("said", ["2027-03-28T02:00", "2027-03-28T02:30", "2027-03-28T02:59:59"])
def test_a_time_that_the_clocks_jump_over_is_refused_with_what_to_do(said: str) -> None:
    with pytest.raises(BadTime, match="put forward; say a time before or after"):
        read_moment(said, 0.0)


@pytest.mark.parametrize("said", ["", "soon", "03:00", "2026-13-01T03:00", "9" * 120, "0001-01-01T00:00"])
def test_what_is_no_time_is_refused_with_how_one_is_written(said: str) -> None:
    with pytest.raises(BadTime, match="2026-11-22T03:00"):
        read_moment(said, 0.0)


@given(moments)
def test_whatever_the_wall_shows_is_read_as_that(at: float) -> None:
    shown = datetime.fromtimestamp(at, COPENHAGEN)
    read = read_moment(shown.replace(tzinfo=None).isoformat(), 0.0)
    assert read == at - (3600 if shown.fold else 0)


@given(moments)
def test_tonight_is_the_next_three_in_the_morning(now: float) -> None:
    at = read_moment("tonight", now)
    wall = datetime.fromtimestamp(at, COPENHAGEN)
    assert (wall.hour, wall.minute, wall.second) == (3, 0, 0)
    assert 0 < at - now <= timedelta(hours=25).total_seconds()


def test_a_machine_without_time_zones_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> ZoneInfo:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(daytime, "ZoneInfo", unknown)
    with pytest.raises(BadTime, match="tzdata"):
        read_moment("2026-11-23T03:00", 0.0)
