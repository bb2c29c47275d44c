"""Every station, and how it stands, as the registry knows it now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from region.fleet.standing import Standing, standing
from region.registry import Registry
from region.registry.records import ProcessPresence, Report, Station

T = TypeVar("T", ProcessPresence, Report)


@dataclass(frozen=True)
class StationStanding:
    """A station and how it stands."""

    station: Station
    standing: Standing


async def one_of_the_fleet(registry: Registry, station_id: str, now: float) -> StationStanding:
    """One station and how it stands; NotFound."""
    async with registry.read() as t:
        station = await t.stations.get(station_id)
        presence, reports = await t.reports.all_presence(station_id), await t.reports.all_reports(station_id)
    return StationStanding(station, standing(station, presence, reports, now))


async def whole_fleet(registry: Registry, now: float) -> list[StationStanding]:
    """Every station and how it stands, by site and name."""
    async with registry.read() as t:
        stations = await t.stations.all()
        presence, reports = await t.reports.all_presence(), await t.reports.all_reports()
    processes = _grouped(presence)
    told = _grouped(reports)
    return [
        StationStanding(one, standing(one, processes.get(one.id, ()), told.get(one.id, ()), now)) for one in stations
    ]


def _grouped(records: Iterable[T]) -> dict[str, list[T]]:
    groups: dict[str, list[T]] = {}
    for record in records:
        groups.setdefault(record.station_id, []).append(record)
    return groups
