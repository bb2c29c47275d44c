"""Who somebody is at the provider of the region's own sign-in."""

from __future__ import annotations

from sqlalchemy import insert, select

from region.registry import schema
from region.registry.errors import Conflict
from region.registry.people import People, select_person
from region.registry.records import Person
from region.registry.table import Subject


class Identities(Subject):
    """Pairs of issuer and subject, each of one person."""

    async def person(self, issuer: str, subject: str) -> Person | None:
        """Whose it is."""
        identity = schema.identity.c
        whose = select(identity.person_id).where(identity.issuer == issuer, identity.subject == subject)
        found = await People(self._connection).read(select_person().where(schema.person.c.id.in_(whose)))
        return found[0] if found else None

    async def bind(self, issuer: str, subject: str, person_id: int, now: float) -> None:
        """From now on it is this person's; Conflict where it is somebody's, or this person has another one there."""
        identity = schema.identity.c
        taken = await self._row(
            select(identity.person_id).where(
                identity.issuer == issuer, (identity.subject == subject) | (identity.person_id == person_id)
            )
        )
        if taken is not None:
            raise Conflict("that identity is somebody's already, or this user has another one of that issuer")
        values = {"issuer": issuer, "subject": subject, "person_id": person_id, "bound_at": now}
        await self._run(insert(schema.identity).values(values))
