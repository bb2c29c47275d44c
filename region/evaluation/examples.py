"""What the API's document shows of the figures: one week of one site."""

from __future__ import annotations

from datetime import date

from region.evaluation.figures import figures
from region.evaluation.publishing import Place, publish
from region.evaluation.weeks import Week
from region.registry.records import CallFacts
from region.web.examples import A_STATION

_WEEK = Week(date(2026, 11, 16))
_CALLS = [
    CallFacts(
        A_STATION, 3, 1, "resident", _WEEK.since + 3600 * n, _WEEK.since + 3600 * n + 14,
        _WEEK.since + 3600 * n + 16, _WEEK.since + 3600 * n + 460, "clinician_left", "good", 1.4,
    )
    for n in range(12)
]  # fmt: skip
ROW = publish(_WEEK, Place("site", 3, "Solgården"), figures(_CALLS, stations=9))
