"""Who may sign in. Passwords come here hashed; hashing is `region.web.passwords`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, delete, exists, func, insert, or_, select, update

from messaging.twin import Language
from region.reasons import of, say
from region.registry import schema
from region.registry.bound_sites import BoundSites
from region.registry.errors import Conflict, Invalid, NotFound
from region.registry.ordering import as_read
from region.registry.records import Person, Role
from region.registry.secrets import Secrets, devices_of
from region.registry.table import Row, Subject, chunks, text

_WITH_SITES: frozenset[Role] = frozenset({"site_staff", "evaluator"})
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,63}")


def sign_in_name(name: str) -> str:
    """A sign-in name as it is stored: lower case, trimmed."""
    return name.strip().lower()


def new_name(name: str) -> str:
    """A sign-in name for a new account, as it is stored; Invalid for what is none."""
    name = sign_in_name(name)
    if not _NAME.fullmatch(name):
        raise Invalid(of("name", "sign_in_name"))
    return name


@dataclass(frozen=True)
class Binding:
    """What somebody may do, and where: a clinician belongs to a clinic, a site's staff to one site or more."""

    role: Role
    clinic_id: int | None = None
    sites: tuple[int, ...] = ()

    def check(self) -> None:
        """Invalid where the role has no place."""
        if self.role == "clinician" and self.clinic_id is None:
            raise Invalid(of("clinic", "clinician"))
        if self.role == "site_staff" and not self.sites:
            raise Invalid(of("site", "site_staff"))

    @property
    def bound(self) -> tuple[int, ...]:
        """The sites that count for the role, in order."""
        return tuple(sorted(set(self.sites))) if self.role in _WITH_SITES else ()


@dataclass(frozen=True)
class Account:
    """Somebody as they are to be in the registry: the name by `new_name`, the rest looked at."""

    name: str
    binding: Binding
    display_name: str
    title: str
    language: Language | None


class People(Subject):
    """Who may sign in, as what, and where."""

    async def add(
        self, name: str, role: Role, now: float, *, clinic_id: int | None = None, sites: Iterable[int] = (),
        display_name: str = "", title: str = "", password_hash: str | None = None, language: Language | None = None,
    ) -> Person:  # fmt: skip
        """A new account; Conflict if the name is taken, Invalid for a bad name, or a role without its place."""
        name = new_name(name)
        binding = Binding(role, clinic_id, tuple(sites))
        binding.check()
        if await self.find(name) is not None:
            raise Conflict(f"there is a user called {name} already")
        shown = text(display_name or name, "display name", 80)
        await self._run(
            insert(schema.person).values(
                name=name, display_name=shown, title=text(title, "title", 80, empty=True), role=role,
                clinic_id=clinic_id, language=language, password_hash=password_hash, active=True, created_at=now,
            )
        )  # fmt: skip
        await self._bind((await self._named(name)).id, binding)
        return await self._named(name)

    async def get(self, person_id: int) -> Person:
        """The person, or NotFound."""
        found = await self.read(select_person().where(schema.person.c.id == person_id))
        if not found:
            raise NotFound("no such user")
        return found[0]

    async def find(self, name: str) -> Person | None:
        """The person with that sign-in name."""
        found = await self.read(select_person().where(schema.person.c.name == sign_in_name(name)))
        return found[0] if found else None

    async def ids(self, names: Iterable[str]) -> list[int]:
        """Of those with these sign-in names; who is not there is left out."""
        person = schema.person.c
        return [
            row["id"]
            for some in chunks(names)
            for row in await self._rows(select(person.id).where(person.name.in_(some)))
        ]

    async def all(self) -> list[Person]:
        """Everybody, by name."""
        return await self.read(select_person().order_by(as_read(schema.person.c.name)))

    async def read(self, statement: Select[Any]) -> list[Person]:
        """The people of a `select_person`, with their sites."""
        return await self.complete(await self._rows(statement))

    async def complete(self, rows: Sequence[Row]) -> list[Person]:
        """People from rows of `select_person`, with their sites."""
        bound = BoundSites(self._connection, schema.person_site.c.person_id)
        sites = await bound.of([row["id"] for row in rows if row["role"] in _WITH_SITES])
        return [
            Person(**{**row, "has_password": bool(row["has_password"]), "active": bool(row["active"]),
                      "second_step": bool(row["second_step"]), "vouched": bool(row["vouched"]),
                      "sites": sites.get(row["id"], ())})
            for row in rows
        ]  # fmt: skip

    async def password_hash(self, name: str) -> str | None:
        """The argon2 hash of an active person with a password."""
        person = schema.person.c
        row = await self._row(
            select(person.password_hash).where(person.name == sign_in_name(name), person.active.is_(True))
        )
        return None if row is None else row["password_hash"]

    async def change(
        self, person_id: int, *, role: Role, clinic_id: int | None, display_name: str, title: str,
        language: Language | None, sites: Iterable[int] | None = None,
    ) -> Person:  # fmt: skip
        """What others see of this person, what they may do and where (`sites`: None leaves them as they are).

        Whoever is given another role is signed out everywhere: no session is carried over into other rights.
        Invalid: a role without its place.
        """
        before = await self.get(person_id)
        where = tuple(site.id for site in before.sites) if sites is None else tuple(sites)
        binding = Binding(role, clinic_id, where)
        binding.check()
        await self._change(
            person_id, role=role, clinic_id=clinic_id, display_name=text(display_name, "display name", 80),
            title=text(title, "title", 80, empty=True), language=language,
        )  # fmt: skip
        await self._bind(person_id, binding)
        if role != before.role:
            await self.sign_out([person_id])
        return await self.get(person_id)

    async def put_each(self, accounts: Sequence[Account], now: float) -> None:
        """Have accounts so, new ones among them; whoever has another role by it is signed out everywhere."""
        known = {one.name: one for one in await self.all()}
        rows = [
            {"name": one.name, "role": one.binding.role, "clinic_id": one.binding.clinic_id, "title": one.title,
             "display_name": one.display_name, "language": one.language}
            for one in accounts
        ]  # fmt: skip
        new = [row | {"active": True, "created_at": now} for row in rows if row["name"] not in known]
        if new:
            await self._connection.execute(insert(schema.person), new)
        await self._change_each([row for row in rows if row["name"] in known])
        ids = {row["name"]: row["id"] for row in await self._rows(select(schema.person.c.name, schema.person.c.id))}
        await self._bind_each({ids[one.name]: one.binding for one in accounts})
        other = [one for one in accounts if one.name in known and one.binding.role != known[one.name].role]
        await self.sign_out([ids[one.name] for one in other])

    async def set_password(self, person_id: int, password_hash: str) -> None:
        """Give a new hash."""
        await self._change(person_id, password_hash=password_hash)

    async def set_language(self, person_id: int, language: Language) -> None:
        """The language this person wants to read."""
        await self._change(person_id, language=language)

    async def set_active(self, person_id: int, active: bool) -> None:
        """Let in, or shut out; shutting out ends no session by itself (`Sessions.end_all`).

        Conflict for somebody to be let in whose clinic is closed.
        """
        person, clinic = schema.person.c, schema.clinic.c
        closed = select(clinic.name).join(schema.person, person.clinic_id == clinic.id)
        row = await self._row(closed.where(person.id == person_id, clinic.closed_at.is_not(None)))
        if active and row is not None:
            raise Conflict(say("clinic_closed", name=row["name"]))
        await self._change(person_id, active=active)

    async def sign_out(self, people: Sequence[int]) -> None:
        """End their sessions, void their links, and know none of their browsers any more."""
        for table in (schema.web_session, schema.sign_in_link):
            for some in chunks(people):
                await self._run(delete(table).where(table.c.person_id.in_(some)))
        await Secrets(self._connection).forget(map(devices_of, people))

    async def _named(self, name: str) -> Person:
        person = await self.find(name)
        if person is None:
            raise NotFound(f"no user {name}")
        return person

    async def _bind(self, person_id: int, binding: Binding) -> None:
        await self._bind_each({person_id: binding})

    async def _bind_each(self, bindings: Mapping[int, Binding]) -> None:
        bound = BoundSites(self._connection, schema.person_site.c.person_id)
        await bound.put({person: binding.bound for person, binding in bindings.items()})

    async def _change_each(self, rows: Sequence[Row]) -> None:
        if rows:
            values: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "name"}
            statement = update(schema.person).where(schema.person.c.name == bindparam("who")).values(values)
            said = [{"who": row["name"], **{name: row[name] for name in values}} for row in rows]
            await self._connection.execute(statement, said)

    async def _change(self, person_id: int, **values: Any) -> None:
        done = await self._run(update(schema.person).where(schema.person.c.id == person_id).values(**values))
        if done.rowcount != 1:
            raise NotFound("no such user")


def select_person() -> Select[Any]:
    """The columns of a Person, save the sites (`People.complete`)."""
    person, clinic, step = schema.person.c, schema.clinic.c, schema.second_step.c
    passkey, identity = schema.passkey.c, schema.identity.c
    return select(
        person.id, person.name, person.display_name, person.title, person.role, person.clinic_id,
        func.coalesce(clinic.name, "").label("clinic"), person.language, person.active,
        person.password_hash.is_not(None).label("has_password"), person.created_at,
        or_(
            exists().where(step.person_id == person.id), exists().where(passkey.person_id == person.id)
        ).label("second_step"),
        exists().where(identity.person_id == person.id).label("vouched"),
    ).outerjoin(schema.clinic, clinic.id == person.clinic_id)  # fmt: skip
