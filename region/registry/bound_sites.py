"""The sites that somebody, or something, is bound to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from region.registry import schema
from region.registry.ordering import as_read
from region.registry.records import Bound
from region.registry.table import Subject, chunks


class BoundSites(Subject):
    """Rows of a table that has `whose`, a column of its own, and `site_id`."""

    def __init__(self, connection: AsyncConnection, whose: Column[Any]) -> None:
        super().__init__(connection)
        self._whose = whose
        self._table: Table = whose.table

    async def of(self, several: Iterable[Any]) -> dict[Any, tuple[Bound, ...]]:
        """Of each of them, by name; who is bound to none is not in it."""
        site = schema.site.c
        statement = select(self._whose.label("whose"), site.id, site.name).join_from(
            self._table, schema.site, site.id == self._table.c.site_id
        )
        found: dict[Any, tuple[Bound, ...]] = {}
        for some in chunks(several):
            for row in await self._rows(statement.where(self._whose.in_(some)).order_by(as_read(site.name))):
                found[row["whose"]] = (*found.get(row["whose"], ()), Bound(row["id"], row["name"]))
        return found

    async def put(self, sites: Mapping[Any, Iterable[int]]) -> None:
        """Bind each of them to these, and to no others."""
        for some in chunks(sites):
            await self._run(delete(self._table).where(self._whose.in_(some)))
        rows = [{self._whose.name: one, "site_id": site} for one, its in sites.items() for site in sorted(set(its))]
        if rows:
            await self._connection.execute(insert(self._table), rows)
