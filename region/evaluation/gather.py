"""The registry asked, week by week; gives published rows only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from region.evaluation.figures import figures
from region.evaluation.publishing import Place, Row, publish
from region.evaluation.weeks import Week
from region.registry import Registry
from region.registry.records import CallFacts, Station

REGION = Place("region")


async def places(registry: Registry) -> list[Place]:
    """The region, its sites and its clinics, each by name."""
    async with registry.read() as t:
        sites, clinics = await t.sites.all(), await t.clinics.all()
    return [
        REGION,
        *(Place("site", site.id, site.name) for site in sites),
        *(Place("clinic", clinic.id, clinic.name) for clinic in clinics),
    ]


async def rows(registry: Registry, weeks: Iterable[Week], chosen: Sequence[Place]) -> list[Row]:
    """The rows of these places, by week. No row for a week in which a place had no station and no call."""
    async with registry.read() as t:
        stations = await t.stations.all()
    found: list[Row] = []
    for week in weeks:  # one at a time, so that two years of calls neither fill the memory nor keep the desk waiting
        async with registry.read() as t:
            calls = await t.calls.ended_between(week.since, week.before)
        found += _of_week(week, chosen, calls, stations)
    return found


def _of_week(
    week: Week, chosen: Sequence[Place], calls: Sequence[CallFacts], stations: Sequence[Station]
) -> Iterable[Row]:
    groups: dict[str, list[CallFacts]] = {}
    for call in calls:
        for place in (REGION, Place("site", call.site_id), Place("clinic", call.clinic_id)):
            groups.setdefault(place.key, []).append(call)
    for place in chosen:
        mine, there = groups.get(place.key, []), sum(_stands(station, place, week) for station in stations)
        if mine or there:
            yield publish(week, place, figures(mine, there))


def _stands(station: Station, place: Place, week: Week) -> bool:
    """Whether the station was one of the place's when the week ended."""
    belongs = {"region": 0, "site": station.site_id, "clinic": station.clinic_id}[place.scope]
    return belongs == place.id and station.created_at < week.before
