"""The error tree of the figures; drawn in `region/evaluation/__init__.py`."""

from __future__ import annotations

from typing import Literal

from region.errors import RegionError

Fault = Literal["not_a_week", "wrong_way_round", "too_long"]
_TEXTS: dict[Fault, str] = {
    "not_a_week": "a week is written as 2026-W47, or as any day in it: 2026-11-18",
    "wrong_way_round": "the first week is after the last",
    "too_long": "at most two years at a time",
}


class EvaluationError(RegionError):
    """The figures cannot be given."""


class BadPeriod(EvaluationError):
    """Weeks that do not exist, the wrong way round, or too many."""

    exit_code = 2

    def __init__(self, fault: Fault) -> None:
        super().__init__(_TEXTS[fault])
        self.word = f"evaluation.error.{fault}"


class NoTimeZone(EvaluationError):
    """This machine does not know Europe/Copenhagen."""
