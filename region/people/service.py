"""What IT does with people. Each change leaves a row in the log; `actor` is who did it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from messaging.clock import Clock
from region.registry import Invalid, Registry, Transaction
from region.registry.actions import AuditAction
from region.registry.changes import of_person
from region.registry.records import Person, Role
from region.registry.stations import KEPT, Kept
from region.web.sign_in import LINK_LIVES_S, make_link


class Oneself(Invalid):
    """Nobody does this to oneself: the last administrator could be shut out by it. Another one has to."""


@dataclass(frozen=True)
class Wanted:
    """What somebody is to be. `clinic_id` and `sites` by their ids; what they mean is the role's (`Binding`)."""

    role: Role
    clinic_id: int | None = None
    sites: tuple[int, ...] = ()
    display_name: str = ""
    title: str = ""


@dataclass(frozen=True)
class Changed:
    """What is to be another about somebody; None: as it is, save `clinic_id`, where None is no clinic."""

    role: Role | None = None
    clinic_id: int | Kept | None = KEPT
    sites: tuple[int, ...] | None = None
    display_name: str | None = None
    title: str | None = None

    def of(self, before: Person) -> Wanted:
        """What that makes of somebody."""
        return Wanted(
            self.role or before.role,
            before.clinic_id if self.clinic_id is KEPT else self.clinic_id,
            tuple(site.id for site in before.sites) if self.sites is None else self.sites,
            before.display_name if self.display_name is None else self.display_name,
            before.title if self.title is None else self.title,
        )


async def _no_pages(_: Person) -> None:
    """No page is open at the command line; those of the region learn it from the log (`region.web.access`)."""


class PeopleService:
    """Adds, changes, shuts out and lets in. `ended` is told whose pages may have ended by that, and are looked at."""

    def __init__(
        self, registry: Registry, clock: Clock, ended: Callable[[Person], Awaitable[None]] = _no_pages
    ) -> None:  # fmt: skip
        self._registry = registry
        self._clock = clock
        self._ended = ended

    async def add(self, actor: str, name: str, wanted: Wanted, password_hash: str | None = None) -> Person:
        """A new account; Conflict if the name is taken, Invalid for a bad name or a role without its place."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            await check_places(t, wanted.clinic_id, wanted.sites)
            person = await t.people.add(
                name, wanted.role, now, clinic_id=wanted.clinic_id, sites=wanted.sites,
                display_name=wanted.display_name, title=wanted.title, password_hash=password_hash,
            )  # fmt: skip
            await t.audit.add(actor, "user.add", "done", now, person=person.name, role=person.role)
        return person

    async def change(self, actor: str, person_id: int, wanted: Wanted | Changed) -> Person:
        """Make that of somebody; another role signs them out everywhere, another place has their pages fetched anew.

        Nobody gives oneself another role.
        """
        now = self._clock.wall()
        async with self._registry.begin() as t:
            before = await t.people.get(person_id)
            wanted = wanted.of(before) if isinstance(wanted, Changed) else wanted
            await check_places(t, wanted.clinic_id, wanted.sites)
            if wanted.role != before.role:
                _not_oneself(actor, before)
            after = await t.people.change(
                person_id, role=wanted.role, clinic_id=wanted.clinic_id, sites=wanted.sites,
                display_name=wanted.display_name or before.name, title=wanted.title, language=before.language,
            )  # fmt: skip
            if after != before:
                await t.audit.add(actor, "person.change", "done", now, of_person(before, after), person=after.name)
        if (after.role, after.clinic_id, after.sites) != (before.role, before.clinic_id, before.sites):
            await self._ended(after)
        return after

    async def set_active(self, actor: str, person_id: int, *, active: bool) -> Person:
        """Shut somebody out, at once and everywhere, or let them in again."""
        done: AuditAction = "user.unblock" if active else "user.block"
        async with self._registry.begin() as t:
            person = await self._other(t, actor, person_id)
            await t.people.set_active(person_id, active)
            if not active:
                await t.sessions.end_all(person_id)
            await t.audit.add(actor, done, "done", self._clock.wall(), person=person.name)
            person = await t.people.get(person_id)
        if not active:
            await self._ended(person)
        return person

    async def sign_out(self, actor: str, person_id: int) -> int:
        """End all that somebody has open, and void their links; how many browsers that were."""
        async with self._registry.begin() as t:
            person = await self._other(t, actor, person_id)
            ended = await t.sessions.end_all(person_id)
            await t.audit.add(actor, "user.sign_out", "done", self._clock.wall(), person=person.name, count=ended)
        await self._ended(person)
        return ended

    async def reset_second_step(self, actor: str, person_id: int) -> bool:
        """For what was lost: the next sign-in sets it up anew, and every browser is signed out. False: had none."""
        async with self._registry.begin() as t:
            person = await self._other(t, actor, person_id)
            had = await t.second_steps.reset(person_id)
            await t.sessions.end_all(person_id)
            await t.audit.add(actor, "second_step.reset", "done", self._clock.wall(), person=person.name)
        await self._ended(person)
        return had

    async def link(self, actor: str, person_id: int, public_url: str, lives_s: float = LINK_LIVES_S) -> str:
        """An address that signs somebody in, once; a second step is asked for as ever."""
        async with self._registry.read() as t:
            person = await t.people.get(person_id)
        return await make_link(self._registry, public_url, person, self._clock.wall(), lives_s, actor=actor)

    @staticmethod
    async def _other(t: Transaction, actor: str, person_id: int) -> Person:
        person = await t.people.get(person_id)
        _not_oneself(actor, person)
        return person


def found(people: Iterable[Person], typed: str) -> list[Person]:
    """Those in whose names, titles or places every word that was typed occurs."""
    words = typed.lower().split()
    return [one for one in people if all(word in _told(one) for word in words)]


def _told(person: Person) -> str:
    places = (person.clinic, *(site.name for site in person.sites))
    return " ".join((person.name, person.display_name, person.title, person.role, *places)).lower()


def _not_oneself(actor: str, person: Person) -> None:
    if actor == person.name:
        raise Oneself("oneself: ask another administrator")


async def check_places(t: Transaction, clinic_id: int | None, sites: Iterable[int]) -> None:
    """NotFound for a clinic or site that is not there."""
    if clinic_id is not None:
        await t.clinics.get(clinic_id)
    for site_id in sites:
        await t.sites.get(site_id)
