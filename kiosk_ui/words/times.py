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


def elapsed(seconds: float) -> str:
    """How long a call has lasted, the same in both languages: `0:07`, `12:30`, `1:02:03`. Never below zero."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
