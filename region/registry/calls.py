"""Calls, and who has them. `claim` decides between two clinicians by one conditional UPDATE."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, insert, select, update

from messaging.call import EndReason
from region.registry import schema
from region.registry.errors import NotFound
from region.registry.records import Call, CallFacts, CallState, Direction
from region.registry.table import Subject

# Of a call's station, whether it is in the registry or was removed.
_NAME = func.coalesce(schema.station.c.name, schema.removed_station.c.name)
_SITE_ID = func.coalesce(schema.station.c.site_id, schema.removed_station.c.site_id)


class Calls(Subject):
    """Calls, and who has them."""

    async def add(
        self, call_id: str, station_id: str, clinic_id: int, direction: Direction, state: CallState, now: float, *,
        boot: str = "", person_id: int | None = None, devices: dict[str, str] | None = None,
    ) -> Call:  # fmt: skip
        """A new call; Conflict if its id has been used. `boot` is the run of station-call that is in it."""
        await self._run(
            insert(schema.call).values(
                id=call_id, station_id=station_id, clinic_id=clinic_id, direction=direction, state=state,
                person_id=person_id, boot=boot, devices=devices, started_at=now,
            )
        )  # fmt: skip
        return await self.get(call_id)

    async def get(self, call_id: str) -> Call:
        """The call, or NotFound."""
        call = await self.find(call_id)
        if call is None:
            raise NotFound("no such call")
        return call

    async def find(self, call_id: str) -> Call | None:
        """The call, if there is one."""
        row = await self._row(_select().where(schema.call.c.id == call_id))
        return None if row is None else Call(**row)

    async def open(
        self, *, clinic_id: int | None = None, station_id: str | None = None, person_id: int | None = None
    ) -> list[Call]:
        """The calls that have not ended, of a clinic, a station, a person or all, oldest first."""
        statement = _select().where(schema.call.c.state != "ended").order_by(schema.call.c.started_at, schema.call.c.id)
        if clinic_id is not None:
            statement = statement.where(schema.call.c.clinic_id == clinic_id)
        if station_id is not None:
            statement = statement.where(schema.call.c.station_id == station_id)
        if person_id is not None:
            statement = statement.where(schema.call.c.person_id == person_id)
        return [Call(**row) for row in await self._rows(statement)]

    async def recent(self, clinic_id: int, most: int = 20) -> list[Call]:
        """The clinic's last calls that have ended, newest first."""
        call = schema.call.c
        mine = _select().where(call.clinic_id == clinic_id, call.state == "ended")
        return [Call(**row) for row in await self._rows(mine.order_by(call.ended_at.desc(), call.id).limit(most))]

    async def ended_between(self, since: float, before: float) -> list[CallFacts]:
        """What may be counted of the ended calls that began from `since` on and before `before`, oldest first.

        `site_id` is where the station stands now: the registry does not keep where it stood then.
        """
        call, quality = schema.call.c, schema.call_quality.c
        statement = (
            select(
                call.station_id, _SITE_ID.label("site_id"), call.clinic_id, call.direction, call.started_at,
                call.answered_at, call.connected_at, call.ended_at, call.end_reason, quality.grade, quality.connect_s,
            )
            .outerjoin(schema.station, schema.station.c.id == call.station_id)
            .outerjoin(schema.removed_station, schema.removed_station.c.id == call.station_id)
            .outerjoin(schema.call_quality, quality.call_id == call.id)
            .where(call.state == "ended", call.started_at >= since, call.started_at < before)
            .order_by(call.started_at, call.id)
        )  # fmt: skip
        return [CallFacts(**row) for row in await self._rows(statement)]

    async def claim(self, call_id: str, person_id: int, now: float) -> bool:
        """Take a waiting call for that person: True for exactly one caller, whoever else tries at the same time."""
        call = schema.call.c
        done = await self._run(
            update(schema.call)
            .where(call.id == call_id, call.state == "waiting", call.person_id.is_(None))
            .values(state="answered", person_id=person_id, answered_at=now)
        )
        return done.rowcount == 1

    async def accepted(self, call_id: str, now: float) -> bool:
        """The resident answered a call of the clinic; False if it was not ringing any more."""
        call = schema.call.c
        done = await self._run(
            update(schema.call)
            .where(call.id == call_id, call.state == "ringing")
            .values(state="answered", answered_at=now)
        )
        return done.rowcount == 1

    async def connected(self, call_id: str, now: float) -> None:
        """Media flows; only the first time counts."""
        await self._open(call_id, schema.call.c.connected_at.is_(None), connected_at=now)

    async def set_offer(self, call_id: str, generation: int, sdp: str) -> bool:
        """Keep the station's offer until the call ends; False for an old generation or an ended call."""
        known = schema.call.c.offer_generation
        return await self._open(
            call_id, known.is_(None) | (known < generation), offer_generation=generation, offer_sdp=sdp
        )

    async def set_boot(self, call_id: str, boot: str) -> None:
        """Which run of station-call is in the call."""
        await self._open(call_id, boot=boot)

    async def set_devices(self, call_id: str, devices: dict[str, str]) -> None:
        """What the station has to make the call with, now."""
        await self._open(call_id, devices=devices)

    async def set_room(self, call_id: str, room: dict[str, Any]) -> None:
        """How the desk has the call, also after its end."""
        await self._run(update(schema.call).where(schema.call.c.id == call_id).values(room=room))

    async def speak(self, call_id: str, station_id: str, count: int = 1) -> int | None:
        """Number what the region says to the station in this call: the first of `count`; None: it had no such call."""
        call = schema.call.c
        mine = update(schema.call).where(call.id == call_id, call.station_id == station_id)
        said = (await self._connection.execute(mine.values(said=call.said + count).returning(call.said))).scalar()
        return None if said is None else int(said) - count + 1

    async def end(self, call_id: str, reason: EndReason, now: float) -> bool:
        """End the call and forget its offer; False if it had ended already."""
        return await self._open(
            call_id, state="ended", ended_at=now, end_reason=reason, offer_sdp=None, offer_generation=None
        )

    async def _open(self, call_id: str, *also: Any, **values: Any) -> bool:
        call = schema.call.c
        done = await self._run(
            update(schema.call).where(call.id == call_id, call.state != "ended", *also).values(**values)
        )
        return done.rowcount == 1


def _select() -> Select[Any]:
    call = schema.call.c
    return (
        select(
            call.id, call.station_id, _NAME.label("station"), schema.site.c.name.label("site"),
            call.clinic_id, schema.clinic.c.name.label("clinic"), call.direction, call.state, call.person_id,
            func.coalesce(schema.person.c.display_name, "").label("person"), call.boot, call.devices, call.started_at,
            call.answered_at, call.connected_at, call.ended_at, call.end_reason, call.offer_generation, call.offer_sdp,
            call.room,
        )
        .outerjoin(schema.station, schema.station.c.id == call.station_id)
        .outerjoin(schema.removed_station, schema.removed_station.c.id == call.station_id)
        .join(schema.site, schema.site.c.id == _SITE_ID)
        .join(schema.clinic, schema.clinic.c.id == call.clinic_id)
        .outerjoin(schema.person, schema.person.c.id == call.person_id)
    )  # fmt: skip
