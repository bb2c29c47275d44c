"""Stations to be commanded, for tests of the region: they stand in a registry, and are connected or not."""

from __future__ import annotations

from messaging.command import CommandType
from messaging.status import Connection
from region.registry import Registry
from region.registry.records import Command, Ordered
from region.stations.commanding import new_cid

NOW = 1_800_000_000.0


async def stand(registry: Registry, count: int = 1, *, online: bool = True, now: float = NOW) -> list[str]:
    """That many stations at a site of their own; the ids."""
    async with registry.begin() as t:
        site = await t.sites.find("Solgården") or await t.sites.add("Solgården", now)
        made = [(await t.stations.add(f"Stue {number}", site.id, None, now)).id for number in range(count)]
    if online:
        for station in made:
            await connects(registry, station, now)
    return made


async def connects(registry: Registry, station: str, at: float, bd: int = 1) -> None:
    """Its agent is connected since then."""
    async with registry.begin() as t:
        await t.reports.set_presence(station, Connection("agent", "online", "boot1", bd), at)


async def leaves(registry: Registry, station: str, at: float) -> None:
    """Its agent is gone since then."""
    async with registry.begin() as t:
        await t.reports.set_presence(station, Connection("agent", "offline", "boot1", 1), at)


async def order(
    registry: Registry, stations: list[str], kind: CommandType = "identify", *, now: float = NOW,
    at: float | None = None, good_for_s: float = 3600.0, cids: dict[str, str] | None = None, **fields: object,
) -> list[str]:  # fmt: skip
    """One command for each, straight into the registry; their ids."""
    given = cids or {station: new_cid() for station in stations}
    begins = now if at is None else at
    async with registry.begin() as t:
        await t.commands.give(
            new_cid(), given, Ordered(kind, dict(fields), "ivan", "", begins, begins + good_for_s), now
        )
    return list(given.values())


async def command(registry: Registry, cid: str) -> Command:
    """How it stands."""
    async with registry.read() as t:
        return await t.commands.get(cid)
