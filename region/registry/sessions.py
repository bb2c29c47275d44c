"""Signed-in browsers and one-time sign-in links. Tokens come in clear and are stored as digests."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update

from region.registry import schema
from region.registry.people import People, select_person
from region.registry.records import Spent, Vouched, WebSession, digest
from region.registry.table import Subject


class Sessions(Subject):
    """Signed-in browsers and one-time links."""

    async def start(
        self, token: str, person_id: int, csrf: str, now: float, *, whole: bool = False, vouched: Vouched | None = None
    ) -> None:
        """A browser has signed in; `token` is what its cookie holds. `whole`: with the second step."""
        await self._run(
            insert(schema.web_session).values(
                token_hash=digest(token), person_id=person_id, csrf=csrf, created_at=now, seen_at=now, whole=whole,
                issuer=vouched and vouched.issuer, sid_sha256=vouched and vouched.sid_sha256,
            )
        )  # fmt: skip

    async def find(self, token: str, now: float, idle_s: float, absolute_s: float) -> WebSession | None:
        """The session of that token, unless it has lain idle, has grown old, or its person is shut out."""
        session = schema.web_session.c
        row = await self._row(
            select_person()
            .add_columns(
                session.csrf, session.created_at.label("started_at"), session.seen_at, session.whole, session.issuer,
                session.sid_sha256,
            )
            .join(schema.web_session, session.person_id == schema.person.c.id)
            .where(
                session.token_hash == digest(token), session.seen_at > now - idle_s,
                session.created_at > now - absolute_s, schema.person.c.active.is_(True),
            )
        )  # fmt: skip
        if row is None:
            return None
        own = {"csrf", "started_at", "seen_at", "whole", "issuer", "sid_sha256"}
        facts = {key: value for key, value in row.items() if key not in own}
        (person,) = await People(self._connection).complete([facts])
        vouched = None if row["issuer"] is None else Vouched(row["issuer"], row["sid_sha256"])
        return WebSession(
            person, row["csrf"], row["started_at"], row["seen_at"], bool(row["whole"]), vouched=vouched
        )  # fmt: skip

    async def has(self, person_id: int, now: float, idle_s: float, absolute_s: float) -> bool:
        """Whether that person is signed in in some browser; as `find` sees it."""
        session = schema.web_session.c
        row = await self._row(
            select(session.person_id)
            .join(schema.person, schema.person.c.id == session.person_id)
            .where(
                session.person_id == person_id, session.seen_at > now - idle_s, session.created_at > now - absolute_s,
                schema.person.c.active.is_(True),
            )
            .limit(1)
        )  # fmt: skip
        return row is not None

    async def seen(self, token: str, now: float) -> None:
        """The browser has asked for something."""
        await self._run(
            update(schema.web_session).where(schema.web_session.c.token_hash == digest(token)).values(seen_at=now)
        )

    async def end(self, token: str) -> bool:
        """Sign that browser out; False if it was not signed in."""
        gone = await self._run(delete(schema.web_session).where(schema.web_session.c.token_hash == digest(token)))
        return gone.rowcount == 1

    async def end_all(self, person_id: int) -> int:
        """Sign that person out everywhere (`People.sign_out`); how many browsers that were."""
        gone = await self._run(delete(schema.web_session).where(schema.web_session.c.person_id == person_id))
        await People(self._connection).sign_out([person_id])
        return gone.rowcount

    async def sweep(self, now: float, idle_s: float, absolute_s: float) -> int:
        """Forget sessions and links that are over; how many."""
        session, link = schema.web_session.c, schema.sign_in_link.c
        old = (session.seen_at <= now - idle_s) | (session.created_at <= now - absolute_s)
        gone = await self._run(delete(schema.web_session).where(old))
        spent = await self._run(delete(schema.sign_in_link).where(link.expires_at <= now))
        return gone.rowcount + spent.rowcount

    async def add_link(
        self, token: str, person_id: int, now: float, expires_at: float, *, whole: bool = False
    ) -> None:  # fmt: skip
        """A link that signs this person in, once, until it expires. `whole`: without the second step."""
        await self._run(
            insert(schema.sign_in_link).values(
                token_hash=digest(token), person_id=person_id, created_at=now, expires_at=expires_at, whole=whole
            )
        )

    async def use_link(self, token: str, now: float) -> Spent | None:
        """Spend a link: whom it signs in, or None if it is unknown, spent, late, or the person is shut out."""
        link = schema.sign_in_link.c
        spent = await self._run(
            update(schema.sign_in_link)
            .where(link.token_hash == digest(token), link.used_at.is_(None), link.expires_at > now)
            .values(used_at=now)
        )
        if spent.rowcount != 1:
            return None
        row = await self._row(
            select_person()
            .add_columns(link.whole)
            .join(schema.sign_in_link, link.person_id == schema.person.c.id)
            .where(link.token_hash == digest(token), schema.person.c.active.is_(True))
        )
        if row is None:
            return None
        facts = {key: value for key, value in row.items() if key != "whole"}
        (person,) = await People(self._connection).complete([facts])
        return Spent(person, bool(row["whole"]))
