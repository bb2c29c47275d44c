"""What stations handed in for diagnosis: the newest of each, not many in all, and not for long."""

from __future__ import annotations

from sqlalchemy import delete, select

from region.registry import schema
from region.registry.errors import NotFound
from region.registry.records import HandedIn
from region.registry.table import Subject

OF_ONE = 5  # of one station
OF_ALL = 500
KEPT_S = 30 * 86_400.0
_ABOUT = tuple(column for column in schema.diagnostics.c if column.name != "content")


class Diagnostics(Subject):
    """Bundles by the command that asked for them. Times are Unix seconds."""

    async def put(self, about: HandedIn, content: bytes) -> bool:
        """Keep it, in the place of what the same command brought before; True if it brought nothing before."""
        new = await self._row(select(schema.diagnostics.c.cid).where(schema.diagnostics.c.cid == about.cid)) is None
        values = {"station_id": about.station_id, "received_at": about.received_at, "size": len(content)}
        await self._upsert(schema.diagnostics, {"cid": about.cid}, {**values, "content": content})
        return new

    async def all(self, station_id: str | None = None) -> list[HandedIn]:
        """What is kept, of one station or of all; the newest first."""
        row = schema.diagnostics.c
        statement = select(*_ABOUT).order_by(row.received_at.desc(), row.cid)
        if station_id is not None:
            statement = statement.where(row.station_id == station_id)
        return [HandedIn(**found) for found in await self._rows(statement)]

    async def content(self, cid: str) -> tuple[HandedIn, bytes]:
        """What the command brought, gzipped JSON; NotFound if nothing is kept of it."""
        row = await self._row(select(schema.diagnostics).where(schema.diagnostics.c.cid == cid))
        if row is None:
            raise NotFound(f"no diagnostics of command {cid} are kept")
        content: bytes = row["content"]
        return HandedIn(row["cid"], row["station_id"], row["received_at"], row["size"]), content

    async def sweep(self, now: float) -> int:
        """Forget what is too old or too many; how many that were."""
        seen: dict[str, int] = {}
        gone = []
        for number, one in enumerate(await self.all()):
            seen[one.station_id] = seen.get(one.station_id, 0) + 1
            if now - one.received_at > KEPT_S or seen[one.station_id] > OF_ONE or number >= OF_ALL:
                gone.append(one.cid)
        if gone:
            await self._run(delete(schema.diagnostics).where(schema.diagnostics.c.cid.in_(gone)))
        return len(gone)
