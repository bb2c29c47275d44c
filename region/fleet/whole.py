"""Stations, and how each stands, as the registry knows it now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from region.fleet.standing import Standing, standing
from region.registry import Registry
from region.registry.filters import Filter
from region.registry.finding import Tally
from region.registry.records import Station
from region.registry.reports import grouped


@dataclass(frozen=True)
class StationStanding:
    """A station and how it stands."""

    station: Station
    standing: Standing


@dataclass(frozen=True)
class Found:
    """What a filter finds: `stations` are those that were asked for of them."""

    tally: Tally
    stations: list[StationStanding]


async def one_of_the_fleet(registry: Registry, station_id: str, now: float) -> StationStanding:
    """One station and how it stands; NotFound."""
    async with registry.read() as t:
        station = await t.stations.get(station_id)
        presence, reports = await t.reports.all_presence(station_id), await t.reports.all_reports(station_id)
    return StationStanding(station, standing(station, presence, reports, now))


async def find_in_fleet(
    registry: Registry, which: Filter, now: float, *, within: Iterable[int] | None = None, most: int | None = None,
    skip: int = 0, worst_first: bool = False,
) -> Found:  # fmt: skip
    """The stations that the filter finds, `most` of them after the first `skip`; `within`: of these sites alone."""
    sites = None if within is None else list(within)
    async with registry.read() as t:
        tally = await t.finding.tally(which, now, within=sites)
        stations = await t.finding.find(which, now, within=sites, most=most, skip=skip, worst_first=worst_first)
        ids = [one.id for one in stations]
        processes, told = grouped(await t.reports.presence_of(ids)), grouped(await t.reports.reports_of(ids))
    standings = (standing(one, processes.get(one.id, ()), told.get(one.id, ()), now) for one in stations)
    return Found(tally, [StationStanding(*both) for both in zip(stations, standings, strict=True)])
