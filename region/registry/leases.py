"""Who does what only one process may do at a time: a name, its holder, and until when.

Times are the processes' wall clocks: they may be apart by much less than a lease lasts.
"""

from __future__ import annotations

from sqlalchemy import delete, or_, update

from region.registry import schema
from region.registry.table import Subject


class Leases(Subject):
    """Taken and renewed by one conditional UPDATE."""

    async def take(self, name: str, holder: str, now: float, lasts_s: float) -> bool:
        """Take or renew the lease; False while somebody else holds it."""
        lease = schema.lease.c
        await self._add_missing(schema.lease, {"name": name}, {"holder": holder, "until": now})
        free = or_(lease.holder == holder, lease.until <= now)
        done = await self._run(
            update(schema.lease).where(lease.name == name, free).values(holder=holder, until=now + lasts_s)
        )
        return done.rowcount == 1

    async def give_back(self, name: str, holder: str) -> None:
        """Let others have it at once."""
        lease = schema.lease.c
        await self._run(delete(schema.lease).where(lease.name == name, lease.holder == holder))
