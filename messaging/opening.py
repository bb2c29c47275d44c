"""A clinic's opening hours against the station's own clock. Pure; local times."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, time, timedelta

from messaging.settings import Opening, Span

_LOOK_AHEAD_DAYS = 75  # past as many closed days as can be said, and a week
_MIDNIGHT = "00:00"


def is_open(opening: Opening, now: datetime) -> bool:
    """Whether somebody answers at `now`. Where no hours are said at all, always."""
    if _unsaid(opening):
        return True
    clock = f"{now:%H:%M}"
    return any(span.opens <= clock and (span.closes == _MIDNIGHT or clock < span.closes) for span in _day(opening, now))


def opens_next(opening: Opening, now: datetime) -> datetime | None:
    """When it opens after `now`, while it is closed; None if it is open, or if nothing is said of when it opens."""
    if is_open(opening, now):
        return None
    for days in range(_LOOK_AHEAD_DAYS):
        day = (now + timedelta(days=days)).date()
        for span in _day(opening, datetime.combine(day, time())):
            begins = datetime.combine(day, time.fromisoformat(span.opens), now.tzinfo)
            if begins > now:
                return begins
    return None


def _unsaid(opening: Opening) -> bool:
    return not opening.closed and all(getattr(opening.week, day.name) is None for day in fields(opening.week))


def _day(opening: Opening, when: datetime) -> tuple[Span, ...]:
    if when.date().isoformat() in opening.closed:
        return ()
    days = [getattr(opening.week, day.name) for day in fields(opening.week)]
    if all(day is None for day in days):
        return (Span(_MIDNIGHT, _MIDNIGHT),)  # only closed dates are said: open on all others
    return days[when.weekday()] or ()
