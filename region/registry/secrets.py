"""What the region's processes know in common and nobody else may."""

from __future__ import annotations

from sqlalchemy import select

from region.registry import schema
from region.registry.table import Subject

EARS = "ears"  # what the region hears its stations under; made when it is first served


class Secrets(Subject):
    """Words by their names."""

    async def keep(self, name: str, fresh: str) -> str:
        """The secret of that name, for ever: `fresh` where there is none yet. Two at once get the same one."""
        await self._add_missing(schema.secret, {"name": name}, {"value": fresh})
        row = await self._row(select(schema.secret.c.value).where(schema.secret.c.name == name))
        return fresh if row is None else str(row["value"])

    async def has(self, name: str) -> bool:
        """Whether there is one of that name."""
        return await self._row(select(schema.secret.c.name).where(schema.secret.c.name == name)) is not None
