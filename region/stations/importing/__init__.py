"""A table of the registry taken in: all of it or nothing, each fault by line and column. Every change is audited.

What is there is read once, each row is judged against it without the database, and what is new or another is written in
a handful of statements: ten thousand rows cost seconds. `places`, `people` and `stations` know their tables.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from messaging.clock import Clock
from region.registry import Registry
from region.stations.importing.kinds import BAR, COLUMNS, KINDS, NOBODY, Kind, Taken
from region.stations.importing.people import take_people
from region.stations.importing.places import take_clinics, take_clusters, take_municipalities, take_rooms, take_sites
from region.stations.importing.stations import take_stations
from region.stations.importing.taking import Taking
from region.stations.tables import Row, read_table

__all__ = ["BAR", "COLUMNS", "KINDS", "NOBODY", "Kind", "Taken", "take_table"]

_TAKE: dict[Kind, Callable[[Taking, Sequence[Row]], Awaitable[None]]] = {
    "clusters": take_clusters, "municipalities": take_municipalities, "sites": take_sites, "rooms": take_rooms,
    "clinics": take_clinics, "stations": take_stations, "people": take_people,
}  # fmt: skip


class _Rehearsed(Exception):
    """Ends the transaction of a dry run."""


async def take_table(
    registry: Registry, clock: Clock, actor: str, kind: Kind, content: bytes, *, dry_run: bool = False
) -> Taken:
    """Take in a table; BadTable, with nothing changed, where anything is wrong. `dry_run` undoes all of it."""
    rows = read_table(content, COLUMNS[kind])
    taken = Taken(kind, dry_run=dry_run)
    try:
        async with registry.begin() as t:
            await t.layers.alone()
            taking = Taking(t, actor, clock.wall(), taken)
            await _TAKE[kind](taking, rows)
            taking.check()
            if taken.added or taken.changed:
                await t.audit.add(
                    actor, "import", "done", taking.now, kind=kind, added=taken.added, changed=taken.changed
                )
            if dry_run:
                raise _Rehearsed
    except _Rehearsed:
        pass
    return taken
