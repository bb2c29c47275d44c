"""What of the figures may be read: never a group under five. Its limits are told in `docs/evaluation.md`.

A count under five, nought among them, is `<5`. Any other is rounded to the nearest multiple of five, so that the
difference of two rows, or of two figures, does not give the hidden number. A share is worked out
from what is published, not from what was counted; where one of its two parts is `<5` it is a bound that always holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from region.evaluation.figures import Figures, Side, Times
from region.evaluation.weeks import Week

FEW = 5
UNDER = f"<{FEW}"
Count = int | str  # a multiple of five, or `<5`
Share = float | str  # from 0 to 1 in hundredths; `>=0.81` or `<=0.19`; or `<5`: there were too few calls
Seconds = int | str  # whole seconds, or `<5`: it would be that of too few calls
Milliseconds = int | str  # a multiple of a hundred, or `<5`
Scope = Literal["region", "site", "clinic"]


@dataclass(frozen=True)
class Place:
    """What a row is about: the whole region (id 0, no name), a site or a clinic, by the registry's id."""

    scope: Scope
    id: int = 0
    name: str = ""

    @property
    def key(self) -> str:
        """As it stands in an address: `region`, `site-3`."""
        return self.scope if self.scope == "region" else f"{self.scope}-{self.id}"


@dataclass(frozen=True)
class Row:
    """One week at one place, fit to be read. The names are the columns of the CSV and the keys of the JSON."""

    week: str
    first_day: str
    last_day: str
    scope: Scope
    name: str
    stations: int
    stations_calling: Count
    calls: Count
    residents_calls: Count
    residents_answered: Count
    residents_not_answered: Count
    residents_answered_share: Share
    residents_wait_median_s: Seconds
    residents_wait_p90_s: Seconds
    clinicians_calls: Count
    clinicians_answered: Count
    clinicians_not_answered: Count
    clinicians_answered_share: Share
    clinicians_wait_median_s: Seconds
    clinicians_wait_p90_s: Seconds
    talk_median_s: Seconds
    completed: Count
    nobody_answered: Count
    technical_fault: Count
    cancelled: Count
    quality_good: Count
    quality_fair: Count
    quality_poor: Count
    quality_good_share: Share
    connect_median_ms: Milliseconds


def publish(week: Week, place: Place, exact: Figures) -> Row:
    """The row of a week and place."""
    residents, clinicians, out, grades = exact.residents, exact.clinicians, exact.outcomes, exact.grades
    return Row(
        week=week.label, first_day=week.monday.isoformat(), last_day=week.last_day.isoformat(),
        scope=place.scope, name=place.name,
        stations=exact.stations, stations_calling=count(exact.stations_calling), calls=count(exact.calls),
        residents_calls=count(residents.calls), residents_answered=count(residents.answered),
        residents_not_answered=count(residents.not_answered), residents_answered_share=_answered(residents),
        residents_wait_median_s=_median(residents.waits), residents_wait_p90_s=_p90(residents.waits),
        clinicians_calls=count(clinicians.calls), clinicians_answered=count(clinicians.answered),
        clinicians_not_answered=count(clinicians.not_answered), clinicians_answered_share=_answered(clinicians),
        clinicians_wait_median_s=_median(clinicians.waits), clinicians_wait_p90_s=_p90(clinicians.waits),
        talk_median_s=_median(exact.talk),
        completed=count(out["completed"]), nobody_answered=count(out["nobody_answered"]),
        technical_fault=count(out["technical_fault"]), cancelled=count(out["cancelled"]),
        quality_good=count(grades["good"]), quality_fair=count(grades["fair"]), quality_poor=count(grades["poor"]),
        quality_good_share=share(grades["good"], grades["fair"] + grades["poor"]),
        connect_median_ms=_milliseconds(exact.connects),
    )  # fmt: skip


def count(exact: int) -> Count:
    """`<5`, or the nearest multiple of five."""
    return UNDER if exact < FEW else (exact + FEW // 2) // FEW * FEW


def share(part: int, rest: int) -> Share:
    """How much the part is of the whole, as far as the two published counts tell."""
    yes, no = count(part), count(rest)
    if isinstance(yes, int) and isinstance(no, int):
        return round(yes / (yes + no), 2)
    if isinstance(yes, int):
        return f">={math.floor(100 * _at_least(yes)) / 100:.2f}"
    if isinstance(no, int):
        return f"<={math.ceil(100 * (1 - _at_least(no))) / 100:.2f}"
    return UNDER


def _answered(side: Side) -> Share:
    return share(side.answered, side.not_answered)


def _at_least(published: int) -> float:
    """The least share a part published as that number can have beside one published as `<5`."""
    least, most = max(FEW, published - FEW // 2), FEW - 1
    return least / (least + most)


def _median(spans: Times) -> Seconds:
    return _seconds(spans, spans.median)


def _p90(spans: Times) -> Seconds:
    return _seconds(spans, spans.p90)


def _milliseconds(spans: Times) -> Milliseconds:
    """To the nearest tenth of a second."""
    if spans.median is None or spans.count < FEW:
        return UNDER
    return math.floor(10 * spans.median + 0.5) * 100


def _seconds(spans: Times, value: float | None) -> Seconds:
    return UNDER if value is None or spans.count < FEW else math.floor(value + 0.5)
