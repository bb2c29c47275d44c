"""Sessions that end because the provider by which they began says so."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import and_, delete, insert, or_, select

from region.registry import schema
from region.registry.people import People, select_person
from region.registry.records import Person, digest
from region.registry.table import Subject


class Logouts(Subject):
    """Logout tokens, each taken once, and what they end."""

    async def take(self, token: str, expires_at: float, now: float) -> bool:
        """Take the token of that name; False where some process has taken it. It is remembered until it expires."""
        seen = schema.logout_token
        await self._alone("logout tokens")
        await self._run(delete(seen).where(seen.c.expires_at <= now))
        if await self._row(select(seen.c.token_sha256).where(seen.c.token_sha256 == digest(token))) is not None:
            return False
        await self._run(insert(seen).values(token_sha256=digest(token), expires_at=expires_at))
        return True

    async def end(self, issuer: str, subject: str | None, sid: str | None) -> list[tuple[Person, int]]:
        """End the browsers that signed in by that provider: of whom, and how many.

        With a `sid`, those of that session there; and, as nothing tells them apart, those of the subject whose session
        there was not named. Without: all of the subject.
        """
        session, identity = schema.web_session.c, schema.identity.c
        whose = select(identity.person_id).where(identity.issuer == issuer, identity.subject == subject)
        of_subject = session.person_id.in_(whose)  # of nobody, where there is no subject
        named = session.sid_sha256 == digest(sid or "")
        ended = and_(session.issuer == issuer, of_subject)
        if sid is not None:
            ended = and_(session.issuer == issuer, or_(named, and_(of_subject, session.sid_sha256.is_(None))))
        count = Counter(row["person_id"] for row in await self._rows(select(session.person_id).where(ended)))
        await self._run(delete(schema.web_session).where(ended))
        people = await People(self._connection).read(select_person().where(schema.person.c.id.in_(count)))
        return [(person, count[person.id]) for person in people]
