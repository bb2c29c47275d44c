"""Dates, times and durations in words."""

from __future__ import annotations

from datetime import datetime

from kiosk_ui.words.catalogue import Calendar


def date(calendar: Calendar, when: datetime) -> str:
    """The day of a local time: `lørdag den 21. november`."""
    return calendar.date.format(
        weekday=calendar.weekdays[when.weekday()], day=when.day, month=calendar.months[when.month - 1]
    )


def time(calendar: Calendar, when: datetime) -> str:
    """The time of day of a local time: `kl. 14.05`."""
    return calendar.time.format(hour=when.hour, minute=when.minute)


def moment(calendar: Calendar, when: datetime, now: datetime) -> str:
    """A local time to come: `i morgen kl. 08.00`, `Monday at 08:00`, and by its date from a week on."""
    days = (when.date() - now.date()).days
    near = {0: calendar.today, 1: calendar.tomorrow}
    day = near.get(days) or (
        calendar.weekdays[when.weekday()] if days < len(calendar.weekdays) else date(calendar, when)
    )
    return calendar.moment.format(day=day, time=time(calendar, when))


def elapsed(seconds: float) -> str:
    """How long a call has lasted, the same in both languages: `0:07`, `12:30`, `1:02:03`. Never below zero."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
