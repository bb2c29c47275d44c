"""Stations that ask to be claimed: one row a key, until it is enrolled or nobody has heard of it for long."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import delete, func, insert, select, update

from region.registry import schema
from region.registry.records import Claim
from region.registry.table import Subject

SILENT_S = 600.0  # a claim whose station has not asked for that long is over
WAITS_S = 86_400.0  # and so is one that has waited for that long


class Claims(Subject):
    """Claims by the SHA-256 of the station's key. Times are Unix seconds."""

    async def alone(self) -> None:
        """Wait until nobody else adds one, so that bounds hold."""
        await self._alone("claims")

    async def find(self, key_sha256: str) -> Claim | None:
        """The claim of that key."""
        row = await self._row(select(schema.claim).where(schema.claim.c.key_sha256 == key_sha256))
        return None if row is None else Claim(**row)

    async def all(self) -> list[Claim]:
        """Every claim, the oldest first."""
        order = (schema.claim.c.made_at, schema.claim.c.key_sha256)
        return [Claim(**row) for row in await self._rows(select(schema.claim).order_by(*order))]

    async def add(self, claim: Claim) -> None:
        """A new claim; Conflict if the key has one."""
        await self._run(insert(schema.claim).values(**asdict(claim)))

    async def waiting(self, source: str | None = None) -> int:
        """How many wait for somebody's decision, of one source or of all."""
        statement = select(func.count().label("claims")).where(schema.claim.c.state == "waiting")
        if source is not None:
            statement = statement.where(schema.claim.c.source == source)
        row = await self._row(statement)
        return 0 if row is None else int(row["claims"])

    async def wait_for_somebody(self, now: float) -> int:
        """How many of those whose stations still ask."""
        claim = schema.claim.c
        asks = (claim.state == "waiting", claim.seen_at >= now - SILENT_S, claim.made_at >= now - WAITS_S)
        row = await self._row(select(func.count().label("claims")).where(*asks))
        return 0 if row is None else int(row["claims"])

    async def seen(self, key_sha256: str, now: float) -> None:
        """Its station has asked again."""
        await self._run(update(schema.claim).where(schema.claim.c.key_sha256 == key_sha256).values(seen_at=now))

    async def decide(self, key_sha256: str, nonce: str, station_id: str | None, by: str, now: float) -> bool:
        """Approve it as that station, or refuse it (None); False where it does not wait any more under that nonce."""
        state = "refused" if station_id is None else "approved"
        row = schema.claim.c
        done = await self._run(
            update(schema.claim)
            .where(row.key_sha256 == key_sha256, row.nonce == nonce, row.state == "waiting")
            .values(state=state, station_id=station_id, decided_at=now, decided_by=by)
        )
        return done.rowcount == 1

    async def drop(self, key_sha256: str) -> None:
        """Forget the claim of that key."""
        await self._run(delete(schema.claim).where(schema.claim.c.key_sha256 == key_sha256))

    async def sweep(
        self, made_before: float, seen_before: float, decided_before: float, approved_before: float
    ) -> None:
        """Forget those that wait too long or have fallen silent, and those decided so long ago."""
        row = schema.claim.c
        waits, refused, approved = (row.state == one for one in ("waiting", "refused", "approved"))
        for which in (
            waits & ((row.made_at < made_before) | (row.seen_at < seen_before)),
            refused & (row.decided_at < decided_before),
            approved & (row.decided_at < approved_before),
        ):
            await self._run(delete(schema.claim).where(which))
