"""The registry asked, week by week; gives published rows only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from region.evaluation.figures import figures
from region.evaluation.publishing import Place, Row, publish
from region.evaluation.weeks import Week
from region.registry import Registry
from region.registry.records import CallFacts

REGION = Place("region")


@dataclass(frozen=True)
class _Stood:
    """Where a station stands, or stood until it was removed, and whom it calls."""

    site_id: int
    clinic_id: int | None
    since: float
    until: float = math.inf


async def places(registry: Registry) -> list[Place]:
    """The region, its sites and its clinics, each by name; those too that are closed, for the weeks before."""
    async with registry.read() as t:
        sites, clinics = await t.sites.ever(), await t.clinics.ever()
    return [
        REGION,
        *(Place("site", site.id, site.name) for site in sites),
        *(Place("clinic", clinic.id, clinic.name) for clinic in clinics),
    ]


async def rows(registry: Registry, weeks: Iterable[Week], chosen: Sequence[Place]) -> list[Row]:
    """The rows of these places, by week. No row for a week in which a place had no station and no call."""
    async with registry.read() as t:
        stations = [_Stood(one.site_id, one.clinic_id, one.created_at) for one in await t.stations.all()]
        stations += [
            _Stood(one.site_id, one.clinic_id, one.created_at, one.removed_at) for one in await t.removals.all()
        ]
    found: list[Row] = []
    for week in weeks:  # one at a time, so that two years of calls neither fill the memory nor keep the desk waiting
        async with registry.read() as t:
            calls = await t.calls.ended_between(week.since, week.before)
        found += _of_week(week, chosen, calls, stations)
    return found


def _of_week(
    week: Week, chosen: Sequence[Place], calls: Sequence[CallFacts], stations: Sequence[_Stood]
) -> Iterable[Row]:
    groups: dict[str, list[CallFacts]] = {}
    for call in calls:
        for place in (REGION, Place("site", call.site_id), Place("clinic", call.clinic_id)):
            groups.setdefault(place.key, []).append(call)
    for place in chosen:
        mine, there = groups.get(place.key, []), sum(_stands(station, place, week) for station in stations)
        if mine or there:
            yield publish(week, place, figures(mine, there))


def _stands(station: _Stood, place: Place, week: Week) -> bool:
    """Whether the station was one of the place's when the week ended."""
    belongs = {"region": 0, "site": station.site_id, "clinic": station.clinic_id}[place.scope]
    return belongs == place.id and station.since < week.before <= station.until
