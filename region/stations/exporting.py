"""The registry's tables written out, so that taking one in again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from messaging.clock import Clock
from region.registry import Registry, Transaction
from region.stations.importing import BAR, COLUMNS, NOBODY, Kind
from region.stations.tables import write_table


async def export_table(registry: Registry, clock: Clock, actor: str, kind: Kind, *, plain: bool = False) -> bytes:
    """The table as CSV, as `give_table`; the log says who has it."""
    content = await give_table(registry, kind, plain=plain)
    async with registry.begin() as t:
        await t.audit.add(actor, "export", "done", clock.wall(), kind=kind)
    return content


async def give_table(registry: Registry, kind: Kind, *, plain: bool = False) -> bytes:
    """The table as CSV: of stations, what each says itself; passwords are in none."""
    async with registry.read() as t:
        rows = await _rows(t, kind)
    return write_table(COLUMNS[kind], rows, plain=plain)


async def _rows(t: Transaction, kind: Kind) -> list[Sequence[str]]:
    match kind:
        case "clusters":
            return [(one.name,) for one in await t.clusters.all()]
        case "municipalities":
            return [(one.name, one.cluster) for one in await t.municipalities.all()]
        case "sites":
            return [(one.name, one.municipality) for one in await t.sites.all()]
        case "rooms":
            return [(one.site, one.name) for one in await t.rooms.all()]
        case "clinics":
            return [(one.name, one.phone) for one in await t.clinics.all()]
        case "people":
            return [
                (
                    one.name,
                    one.role,
                    one.clinic,
                    one.display_name,
                    one.title,
                    one.language or "",
                    BAR.join(site.name for site in one.sites),
                )
                for one in await t.people.all()
            ]
        case "stations":
            return await _stations(t)


async def _stations(t: Transaction) -> list[Sequence[str]]:
    own = await t.layers.of_stations()
    rows: list[Sequence[str]] = []
    for one in await t.stations.all():
        said = own.get(one.id, {})
        clinic = (said["clinic"] or NOBODY) if "clinic" in said else ""
        rows.append(
            (one.site, one.room, one.name, one.serial or "", clinic, said.get("language", ""),
             str(said.get("volume", "")), one.id)
        )  # fmt: skip
    return rows
