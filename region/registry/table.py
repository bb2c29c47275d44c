"""What the subjects of the registry share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Executable, Select

from region.registry.errors import Invalid

Row = Mapping[str, Any]


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


def text(value: str, what: str, most: int, *, empty: bool = False) -> str:
    """A name or the like, trimmed; Invalid when it is empty, too long or holds control characters."""
    value = " ".join(value.split())
    if not value and not empty:
        raise Invalid(f"{what}: may not be empty")
    if len(value) > most:
        raise Invalid(f"{what}: at most {most} characters")
    if not value.isprintable():
        raise Invalid(f"{what}: holds a character that cannot be shown")
    return value
