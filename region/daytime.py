"""Times as people in Denmark say them: by the clock on the wall there, whatever clock a machine goes by. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from region.registry import Invalid

ZONE = "Europe/Copenhagen"
TONIGHT = "tonight"
_NIGHT = time(3)  # homes are asleep, and there is this time once in every night, whatever the clocks do


class BadTime(Invalid):
    """No time, or none that can be waited for."""


def read_moment(text: str, now: float) -> float:
    """Unix seconds of `tonight` (the next 03:00), of a local time such as `2026-11-22T03:00`, or of one with an offset.

    A time that there is twice, when the clocks are put back, is the first of the two. BadTime for one that there is
    not, when they are put forward, and for what is no time.
    """
    if text == TONIGHT:
        return _tonight(now)
    try:
        said = datetime.fromisoformat(text)
        if said.tzinfo is not None:
            return said.timestamp()
        at = said.replace(tzinfo=_zone()).timestamp()
        shown = local_time(at).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise BadTime("a time is written as 2026-11-22T03:00 (Danish time), with +01:00 or Z for another") from error
    if shown != said:
        raise BadTime(f"there is no {said:%H:%M} on that day: the clocks are put forward; say a time before or after")
    return at


def _tonight(now: float) -> float:
    today = local_time(now).date()
    nights = (datetime.combine(today + timedelta(days=later), _NIGHT, _zone()).timestamp() for later in (0, 1))
    return next(at for at in nights if at > now)


def local_time(at: float) -> datetime:
    """That moment, in Unix seconds, as the clock on the wall shows it."""
    return datetime.fromtimestamp(at, UTC).astimezone(_zone())


def _zone() -> ZoneInfo:
    try:
        return ZoneInfo(ZONE)
    except ZoneInfoNotFoundError as error:
        raise BadTime(f"this machine does not know {ZONE}: apt-get install tzdata") from error
