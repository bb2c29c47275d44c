"""Weeks as the pilots count them: ISO 8601, from Monday 00:00 to Monday 00:00 in Europe/Copenhagen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from region.daytime import ZONE
from region.evaluation.errors import BadPeriod, NoTimeZone

MOST_WEEKS = 106
_USUAL_WEEKS = 12
_YEARS = range(2000, 3000)


@dataclass(frozen=True, order=True)
class Week:
    """One week, by its Monday. 167 or 169 hours long when the clocks change in it."""

    monday: date

    @property
    def label(self) -> str:
        """As ISO 8601 writes it: `2026-W47`."""
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def last_day(self) -> date:
        """Its Sunday."""
        return self.monday + timedelta(days=6)

    @property
    def since(self) -> float:
        """When it begins, in Unix seconds; that moment is in it."""
        return _midnight(self.monday)

    @property
    def before(self) -> float:
        """When it ends, in Unix seconds; that moment is not in it."""
        return _midnight(self.monday + timedelta(weeks=1))

    def later(self, weeks: int) -> Week:
        """The week so many weeks later; earlier, if negative."""
        return Week(self.monday + timedelta(weeks=weeks))


def week_of(day: date) -> Week:
    """The week that day is in."""
    return Week(day - timedelta(days=day.weekday()))


def parse_week(text: str) -> Week:
    """The week of `2026-W47`, or of a day in it, `2026-11-18`. BadPeriod for anything else."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadPeriod("not_a_week") from error
    if day.year not in _YEARS:
        raise BadPeriod("not_a_week")
    return week_of(day)


def last_finished(now: float) -> Week:
    """The newest week that is over. `now` is Unix seconds."""
    return week_of(datetime.fromtimestamp(now, _zone()).date()).later(-1)


def period(first: str, last: str, now: float) -> tuple[Week, ...]:
    """The weeks from `first` to `last`, both included, as far as they are over; oldest first.

    Empty texts: to the newest finished week, and twelve weeks in all. BadPeriod: see there.
    """
    newest = last_finished(now)
    until = parse_week(last) if last.strip() else None
    since = parse_week(first) if first.strip() else (until or newest).later(1 - _USUAL_WEEKS)
    if until is not None and since > until:
        raise BadPeriod("wrong_way_round")
    until = newest if until is None else min(until, newest)
    count = (until.monday - since.monday).days // 7 + 1
    if count > MOST_WEEKS:
        raise BadPeriod("too_long")
    return tuple(since.later(number) for number in range(count))


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), _zone()).timestamp()


@cache
def _zone() -> ZoneInfo:
    try:
        return ZoneInfo(ZONE)
    except ZoneInfoNotFoundError as error:
        raise NoTimeZone(f"this machine does not know the time zone {ZONE}: install the package tzdata") from error
