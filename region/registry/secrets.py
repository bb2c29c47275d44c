"""What the region's processes know in common and nobody else may."""

from __future__ import annotations

from sqlalchemy import select

from region.registry import schema
from region.registry.table import Subject


class Secrets(Subject):
    """Words by their names."""

    async def keep(self, name: str, fresh: str) -> str:
        """The secret of that name, for ever: `fresh` where there is none yet. Two at once get the same one."""
        await self._add_missing(schema.secret, {"name": name}, {"value": fresh})
        row = await self._row(select(schema.secret.c.value).where(schema.secret.c.name == name))
        return fresh if row is None else str(row["value"])
