"""How often somebody has tried, counted by all processes of the region together: a sliding window for each source."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from region.registry import schema
from region.registry.records import digest
from region.registry.table import Subject


@dataclass(frozen=True)
class Limit:
    """At most `tries` in any `window_s` seconds a source."""

    kind: str
    tries: int
    window_s: float


class Attempts(Subject):
    """Sources are kept as digests: what is typed as a name may be a password."""

    async def take(self, limit: Limit, source: str, now: float) -> float:
        """Count a try at `now` (Unix seconds). 0: go on. More: refused, and the seconds until the next is free."""
        attempt, key = schema.attempt.c, digest(source)
        await self._alone(f"attempt {limit.kind} {key}")
        await self._run(delete(schema.attempt).where(attempt.kind == limit.kind, attempt.at <= now - limit.window_s))
        mine = select(attempt.at).where(attempt.kind == limit.kind, attempt.source == key).order_by(attempt.at)
        times = [row["at"] for row in await self._rows(mine)]
        if len(times) >= limit.tries:
            return float(times[0]) + limit.window_s - now
        await self._run(insert(schema.attempt).values(kind=limit.kind, source=key, at=now))
        return 0.0

    async def give_back(self, limit: Limit, source: str) -> None:
        """The last try was an honest one: it does not count."""
        attempt = schema.attempt.c
        last = (
            select(attempt.id).where(attempt.kind == limit.kind, attempt.source == digest(source))
            .order_by(attempt.at.desc(), attempt.id.desc()).limit(1).scalar_subquery()
        )  # fmt: skip
        await self._run(delete(schema.attempt).where(attempt.id == last))
