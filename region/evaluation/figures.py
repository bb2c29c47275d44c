"""Counting: from calls to a week's exact figures. Pure; what may be read of it is for `publishing.py` to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal, get_args

from messaging.call import EndReason
from messaging.quality import Grade
from region.registry.records import CallFacts, Direction

Outcome = Literal["completed", "nobody_answered", "technical_fault", "cancelled"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
GRADES: tuple[Grade, ...] = get_args(Grade)

# How a call came out, by its end reason: before there was picture or sound, and after.
_OUTCOMES: Mapping[EndReason, tuple[Outcome, Outcome]] = {
    "resident_left": ("cancelled", "completed"),
    "clinician_left": ("cancelled", "completed"),
    "cancelled": ("cancelled", "completed"),
    "replaced": ("cancelled", "technical_fault"),  # the button was pressed anew; a conversation's end was never heard
    "no_answer": ("nobody_answered", "technical_fault"),
    "declined": ("nobody_answered", "technical_fault"),
    "busy": ("nobody_answered", "technical_fault"),
    "taken": ("nobody_answered", "technical_fault"),
    "closed": ("nobody_answered", "technical_fault"),
    "refused": ("technical_fault", "technical_fault"),
    "connection_failed": ("technical_fault", "technical_fault"),
    "media_lost": ("technical_fault", "technical_fault"),
    "link_down": ("technical_fault", "technical_fault"),
    "station_restarted": ("technical_fault", "technical_fault"),
    "station_offline": ("technical_fault", "technical_fault"),
    "error": ("technical_fault", "technical_fault"),
}


@dataclass(frozen=True)
class Times:
    """Some spans of time, in seconds. `median` and `p90` are None when there are none."""

    count: int
    median: float | None = None
    p90: float | None = None


@dataclass(frozen=True)
class Side:
    """The calls started by one side, and how long until the other answered, of those that were answered."""

    calls: int
    answered: int
    waits: Times

    @property
    def not_answered(self) -> int:
        """The rest."""
        return self.calls - self.answered


@dataclass(frozen=True)
class Figures:
    """One week at one place, exactly."""

    stations: int
    stations_calling: int
    residents: Side
    clinicians: Side
    talk: Times
    outcomes: Mapping[Outcome, int]
    grades: Mapping[Grade, int]
    connects: Times

    @property
    def calls(self) -> int:
        """All calls that are counted."""
        return self.residents.calls + self.clinicians.calls


def outcome(call: CallFacts) -> Outcome:
    """How the call came out."""
    before, after = _OUTCOMES[call.end_reason]
    return before if call.connected_at is None else after


def figures(calls: Collection[CallFacts], stations: int) -> Figures:
    """Count these calls, all of one week and place; `stations` stood there when the week ended."""
    came_out = Counter(map(outcome, calls))
    graded = Counter(call.grade for call in calls)
    return Figures(
        stations=stations,
        stations_calling=len({call.station_id for call in calls if call.direction == "resident"}),
        residents=_side(calls, "resident"),
        clinicians=_side(calls, "clinic"),
        talk=times(_span(call.connected_at, call.ended_at) for call in calls),
        outcomes={name: came_out[name] for name in OUTCOMES},
        grades={grade: graded[grade] for grade in GRADES},
        connects=times(call.connect_s for call in calls),
    )


def times(spans: Iterable[float | None]) -> Times:
    """The median (of an even number: between the middle two) and the 90th percentile (nearest rank)."""
    ordered = sorted(span for span in spans if span is not None)
    if not ordered:
        return Times(0)
    rank = (9 * len(ordered) + 9) // 10  # nine tenths, rounded up, in whole numbers
    return Times(len(ordered), median(ordered), ordered[rank - 1])


def _side(calls: Iterable[CallFacts], direction: Direction) -> Side:
    mine = [call for call in calls if call.direction == direction]
    answered = [call for call in mine if call.answered_at is not None]
    return Side(len(mine), len(answered), times(_span(call.started_at, call.answered_at) for call in answered))


def _span(begin: float | None, end: float | None) -> float | None:
    """None when one of the two never came, or when the server's clock was set back in between."""
    return None if begin is None or end is None or end < begin else end - begin
