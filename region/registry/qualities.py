"""What calls were like, as their stations told it at the end."""

from __future__ import annotations

from sqlalchemy import insert, select

from messaging.codec import encode
from messaging.quality import CallQuality
from region.registry import schema
from region.registry.errors import NotFound
from region.registry.records import CallLooked
from region.registry.table import Subject


class Qualities(Subject):
    """One row for each call that has been told of."""

    async def put(self, station_id: str, told: CallQuality) -> bool:
        """Keep it; False if the call has been told of before, NotFound if that station had no such call."""
        call, quality = schema.call.c, schema.call_quality.c
        if await self._row(select(call.id).where(call.id == told.call, call.station_id == station_id)) is None:
            raise NotFound("that station had no such call")
        if await self._row(select(quality.call_id).where(quality.call_id == told.call)) is not None:
            return False
        data = encode(told)
        await self._run(
            insert(schema.call_quality).values(call_id=told.call, grade=told.grade, connect_s=told.connect_s, data=data)
        )
        return True

    async def recent(self, station_id: str, most: int = 10) -> list[CallLooked]:
        """The station's last calls that have been told of, newest first."""
        call, quality = schema.call.c, schema.call_quality.c
        statement = (
            select(call.started_at, quality.data)
            .join(schema.call, call.id == quality.call_id)
            .where(call.station_id == station_id)
            .order_by(call.started_at.desc(), call.id)
            .limit(most)
        )
        return [CallLooked(**row) for row in await self._rows(statement)]
