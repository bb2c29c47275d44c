"""Who may sign in. Passwords come here hashed; hashing is `region.web.passwords`."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Select, func, insert, select, update

from messaging.twin import Language
from region.registry import schema
from region.registry.errors import Conflict, Invalid, NotFound
from region.registry.records import Person, Role
from region.registry.table import Row, Subject, text

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,63}")


def sign_in_name(name: str) -> str:
    """A sign-in name as it is stored: lower case, trimmed."""
    return name.strip().lower()


class People(Subject):
    """Who may sign in. A clinician belongs to a clinic; an it_admin need not."""

    async def add(
        self, name: str, role: Role, now: float, *, clinic_id: int | None = None, display_name: str = "",
        title: str = "", password_hash: str | None = None, language: Language | None = None,
    ) -> Person:  # fmt: skip
        """A new account; Conflict if the name is taken, Invalid for a bad name, or a clinician without a clinic."""
        name = sign_in_name(name)
        if not _NAME.fullmatch(name):
            raise Invalid("name: 2 to 64 of a-z, 0-9, dot, hyphen, underscore, plus and @")
        if role == "clinician" and clinic_id is None:
            raise Invalid("clinic: a clinician belongs to one")
        if await self.find(name) is not None:
            raise Conflict(f"there is a user called {name} already")
        shown = text(display_name or name, "display name", 80)
        await self._run(
            insert(schema.person).values(
                name=name, display_name=shown, title=text(title, "title", 80, empty=True), role=role,
                clinic_id=clinic_id, language=language, password_hash=password_hash, active=True, created_at=now,
            )
        )  # fmt: skip
        person = await self.find(name)
        if person is None:
            raise NotFound(f"no user {name}")
        return person

    async def get(self, person_id: int) -> Person:
        """The person, or NotFound."""
        row = await self._row(select_person().where(schema.person.c.id == person_id))
        if row is None:
            raise NotFound("no such user")
        return person_of(row)

    async def find(self, name: str) -> Person | None:
        """The person with that sign-in name."""
        row = await self._row(select_person().where(schema.person.c.name == sign_in_name(name)))
        return None if row is None else person_of(row)

    async def all(self) -> list[Person]:
        """Everybody, by name."""
        return [person_of(row) for row in await self._rows(select_person().order_by(schema.person.c.name))]

    async def password_hash(self, name: str) -> str | None:
        """The argon2 hash of an active person with a password."""
        person = schema.person.c
        row = await self._row(
            select(person.password_hash).where(person.name == sign_in_name(name), person.active.is_(True))
        )
        return None if row is None else row["password_hash"]

    async def change(
        self, person_id: int, *, role: Role, clinic_id: int | None, display_name: str, title: str,
        language: Language | None,
    ) -> Person:  # fmt: skip
        """What others see of this person, what they may do and where. Invalid: a clinician without a clinic."""
        if role == "clinician" and clinic_id is None:
            raise Invalid("clinic: a clinician belongs to one")
        await self._change(
            person_id, role=role, clinic_id=clinic_id, display_name=text(display_name, "display name", 80),
            title=text(title, "title", 80, empty=True), language=language,
        )  # fmt: skip
        return await self.get(person_id)

    async def set_password(self, person_id: int, password_hash: str) -> None:
        """Give a new hash."""
        await self._change(person_id, password_hash=password_hash)

    async def set_language(self, person_id: int, language: Language) -> None:
        """The language this person wants to read."""
        await self._change(person_id, language=language)

    async def set_active(self, person_id: int, active: bool) -> None:
        """Let in, or shut out; shutting out ends no session by itself (`Sessions.end_all`)."""
        await self._change(person_id, active=active)

    async def _change(self, person_id: int, **values: Any) -> None:
        done = await self._run(update(schema.person).where(schema.person.c.id == person_id).values(**values))
        if done.rowcount != 1:
            raise NotFound("no such user")


def select_person() -> Select[Any]:
    """The columns of a Person."""
    person, clinic = schema.person.c, schema.clinic.c
    return select(
        person.id, person.name, person.display_name, person.title, person.role, person.clinic_id,
        func.coalesce(clinic.name, "").label("clinic"), person.language, person.active,
        person.password_hash.is_not(None).label("has_password"), person.created_at,
    ).outerjoin(schema.clinic, clinic.id == person.clinic_id)  # fmt: skip


def person_of(row: Row) -> Person:
    """A Person from a row of `select_person`."""
    return Person(**{**row, "has_password": bool(row["has_password"]), "active": bool(row["active"])})
