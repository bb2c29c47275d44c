"""What the region's processes know in common and nobody else may."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, select

from region.registry import schema
from region.registry.table import Subject, chunks

EARS = "ears"  # what the region hears its stations under; made when it is first served


def devices_of(person_id: int) -> str:
    """The name of what signs the cookies of the browsers that person has signed in with."""
    return f"devices of {person_id}"


class Secrets(Subject):
    """Words by their names."""

    async def keep(self, name: str, fresh: str) -> str:
        """The secret of that name until it is forgotten: `fresh` where there is none yet. Two at once get the same."""
        await self._add_missing(schema.secret, {"name": name}, {"value": fresh})
        return await self.find(name) or fresh

    async def find(self, name: str) -> str | None:
        """The secret of that name, if there is one."""
        row = await self._row(select(schema.secret.c.value).where(schema.secret.c.name == name))
        return None if row is None else str(row["value"])

    async def forget(self, names: Iterable[str]) -> None:
        """There are none of these names any more."""
        for some in chunks(list(names)):
            await self._run(delete(schema.secret).where(schema.secret.c.name.in_(some)))

    async def has(self, name: str) -> bool:
        """Whether there is one of that name."""
        return await self._row(select(schema.secret.c.name).where(schema.secret.c.name == name)) is not None
