"""The names of places and clinics: each is one's alone. One that was closed keeps its name, and opens again with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Table, bindparam, insert, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from region.reasons import say
from region.registry import schema
from region.registry.errors import Conflict

Place = Literal["cluster", "municipality", "site", "room"]
Kind = Literal[Place, "clinic"]
TABLES: dict[Kind, Table] = {
    "cluster": schema.cluster, "municipality": schema.municipality, "site": schema.site, "room": schema.room,
    "clinic": schema.clinic,
}  # fmt: skip
Rows = Sequence[Mapping[str, Any]]


async def open_places(connection: AsyncConnection, kind: Literal["site", "clinic"], rows: Rows, now: float) -> None:
    """Add places by their names, which are free; one that was closed opens again, and its figures go on."""
    table = TABLES[kind]
    known = {name for (name,) in await connection.execute(select(table.c.name).where(table.c.closed_at.is_not(None)))}
    if again := [row for row in rows if row["name"] in known]:
        values: dict[str, Any] = {key: bindparam(f"its_{key}") for key in again[0] if key != "name"}
        statement = update(table).where(table.c.name == bindparam("its_name")).values(**values, closed_at=None)
        await connection.execute(statement, [{f"its_{key}": value for key, value in row.items()} for row in again])
    if new := [{**row, "created_at": now} for row in rows if row["name"] not in known]:
        await connection.execute(insert(table), new)


async def check_name_free(
    connection: AsyncConnection, kind: Kind, name: str, own: int, site_id: int | None = None
) -> None:
    """Conflict where a place of the kind other than `own` has that name; of rooms, at their site."""
    table = TABLES[kind]
    closed_at = table.c.closed_at if "closed_at" in table.c else null().label("closed_at")
    statement = select(table.c.id, closed_at).where(table.c.name == name, table.c.id != own)
    if kind == "room":
        statement = statement.where(table.c.site_id == site_id)
    other = (await connection.execute(statement)).mappings().first()
    if other is not None:
        raise Conflict(say("there_already" if other["closed_at"] is None else "was_called", kind=kind, name=name))
