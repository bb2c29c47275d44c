"""What the subjects of the registry share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam, update
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Executable, Select

from region.reasons import of
from region.registry.errors import Invalid

Row = Mapping[str, Any]
T = TypeVar("T")
_AT_ONCE = 1000  # values in one statement: both databases take 32,766


class Subject:
    """Statements over one transaction's connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def _rows(self, statement: Select[Any]) -> list[Row]:
        return [dict(row) for row in (await self._connection.execute(statement)).mappings()]

    async def _row(self, statement: Select[Any]) -> Row | None:
        row = (await self._connection.execute(statement)).mappings().first()
        return None if row is None else dict(row)

    async def _run(self, statement: Executable) -> CursorResult[Any]:
        result = await self._connection.execute(statement)
        if not isinstance(result, CursorResult):
            raise TypeError("a statement that changes rows was expected")
        return result

    async def _upsert(self, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
        """Change the row of that primary key, or add it; two at once leave one row, and the later one's values."""
        same = [table.c[name] == value for name, value in key.items()]
        if (await self._run(update(table).where(*same).values(**values))).rowcount:
            return
        make = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        await self._run(make(table).values(**key, **values).on_conflict_do_update(index_elements=[*key], set_=values))

    async def _upsert_all(self, table: Table, key: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
        """The same for many rows, each of which says every column."""
        if not rows:
            return
        make = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        statement = make(table)
        values = {name: statement.excluded[name] for name in rows[0] if name not in key}
        await self._connection.execute(statement.on_conflict_do_update(index_elements=[*key], set_=values), rows)

    async def _set_each(self, table: Table, column: str, values: Mapping[int, Any]) -> None:
        """Have that column of each row, by `id`, hold its value."""
        if values:
            statement = update(table).where(table.c.id == bindparam("key")).values({column: bindparam("value")})
            await self._connection.execute(statement, [{"key": key, "value": value} for key, value in values.items()])

    async def _add_missing(self, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
        """Add the row unless there is one of that unique key; two at once add one."""
        make = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        await self._run(make(table).values(**key, **values).on_conflict_do_nothing(index_elements=[*key]))

    async def _alone(self, what: str) -> None:
        """Wait until nobody else holds `what`, and hold it to the end of the transaction.

        A writer of SQLite is alone with the whole database already.
        """
        if self._connection.dialect.name == "postgresql":
            await self._connection.execute(sql("SELECT pg_advisory_xact_lock(hashtext(:what))"), {"what": what})


def chunks(items: Iterable[T], most: int = _AT_ONCE) -> Iterator[list[T]]:
    """The items in lists short enough for one statement."""
    rest = iter(items)
    while some := list(islice(rest, most)):
        yield some


def text(value: str, what: str, most: int, *, empty: bool = False) -> str:
    """A name or the like, trimmed; Invalid when it is empty, too long or holds control characters."""
    value = " ".join(value.split())
    if not value and not empty:
        raise Invalid(of(what, "empty"))
    if len(value) > most:
        raise Invalid(of(what, "length", most=most))
    if not value.isprintable():
        raise Invalid(of(what, "unshown"))
    return value
