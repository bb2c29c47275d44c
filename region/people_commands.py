"""The commands on people: who may sign in, as what, and where."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Awaitable, Callable

from region import addresses
from region.errors import Usage
from region.people.service import PeopleService, Wanted
from region.printing import ACTOR, Desk, table, tell
from region.registry import NotFound
from region.registry.records import Person
from region.web.passwords import Passwords


async def _user_add(desk: Desk) -> None:
    args = desk.args
    clinic_id = await clinic_id_of(desk, args.clinic)
    if args.role == "clinician" and clinic_id is None:
        raise Usage("a clinician needs --clinic")
    if args.role == "site_staff" and not args.site:
        raise Usage("a site's staff need --site")
    sites = await _site_ids(desk)
    hashed = await Passwords().hash(sys.stdin.readline().rstrip("\n")) if args.password_stdin else None
    wanted = Wanted(args.role, clinic_id, sites or (), args.display_name, args.title)
    person = await _service(desk).add(ACTOR, args.name, wanted, hashed)
    tell(args, person, f"Added {person.name}. A link to sign in with: region link {person.name}")


async def _user_list(desk: Desk) -> None:
    async with desk.registry.read() as t:
        people = await t.people.all()
    rows = ((p.name, p.role, _where(p), p.display_name, "yes" if p.active else "blocked") for p in people)
    tell(desk.args, people, table(("NAME", "ROLE", "WHERE", "SHOWN AS", "ACTIVE"), rows))


async def _user_set(desk: Desk) -> None:
    args, before = desk.args, await _person(desk)
    clinic_id = before.clinic_id if args.clinic is None else await clinic_id_of(desk, args.clinic)
    role, sites = args.role or before.role, await _site_ids(desk)
    where = tuple(site.id for site in before.sites) if sites is None else sites
    wanted = Wanted(role, clinic_id, where, before.display_name, before.title)
    after = await _service(desk).change(ACTOR, before.id, wanted)
    tell(args, after, f"{after.name} is {after.role}: {_where(after)}." if after != before else "No change.")


async def _user_password(desk: Desk) -> None:
    person = await _person(desk)
    password = sys.stdin.readline().rstrip("\n") if desk.args.stdin else _ask_password()
    hashed = await Passwords().hash(password)
    async with desk.registry.begin() as t:
        await t.people.set_password(person.id, hashed)
        await t.sessions.end_all(person.id)
        await t.audit.add(ACTOR, "password", "changed", desk.clock.wall(), person=person.name)
    tell(desk.args, {"name": person.name}, f"The password of {person.name} is set; every browser is signed out.")


async def _user_reset_second_step(desk: Desk) -> None:
    person = await _person(desk)
    had = await _service(desk).reset_second_step(ACTOR, person.id)
    told = "is forgotten; every browser is signed out, and the next sign-in sets it up" if had else "was not set up"
    tell(desk.args, {"name": person.name, "reset": had}, f"The second step of {person.name} {told}.")


async def _user_bind(desk: Desk) -> None:
    args, person = desk.args, await _person(desk)
    async with desk.registry.begin() as t:
        await t.identities.bind(args.issuer, args.subject, person.id, desk.clock.wall())
        await t.audit.add(ACTOR, "user.bind", "done", desk.clock.wall(), person=person.name)
    tell(args, {"name": person.name, "issuer": args.issuer, "subject": args.subject},
         f"{person.name} can sign in with the region's own sign-in, and has the role that it gives.")  # fmt: skip


async def _user_block(desk: Desk) -> None:
    await _set_active(desk, active=False)


async def _user_unblock(desk: Desk) -> None:
    await _set_active(desk, active=True)


async def _set_active(desk: Desk, *, active: bool) -> None:
    person = await _service(desk).set_active(ACTOR, (await _person(desk)).id, active=active)
    tell(desk.args, {"name": person.name, "active": active}, f"{person.name} is {'let in' if active else 'shut out'}.")


async def _user_sign_out(desk: Desk) -> None:
    person = await _person(desk)
    ended = await _service(desk).sign_out(ACTOR, person.id)
    tell(desk.args, {"name": person.name, "browsers": ended}, f"{person.name} is signed out of {ended} browsers.")


async def _link(desk: Desk) -> None:
    person = await _person(desk)
    lives_s = desk.args.minutes * 60.0
    url = addresses.load(desk.args.data).public_url
    link = await _service(desk).link(ACTOR, person.id, url, lives_s)
    tell(desk.args, {"link": link, "expires_at": desk.clock.wall() + lives_s}, link)


COMMANDS: dict[str, Callable[[Desk], Awaitable[None]]] = {
    "user add": _user_add, "user list": _user_list, "user set": _user_set, "user password": _user_password,
    "user reset-second-step": _user_reset_second_step, "user bind": _user_bind, "user block": _user_block,
    "user unblock": _user_unblock, "user sign-out": _user_sign_out, "link": _link,
}  # fmt: skip


def _service(desk: Desk) -> PeopleService:
    return PeopleService(desk.registry, desk.clock)


async def clinic_id_of(desk: Desk, name: str | None) -> int | None:
    """The clinic of that name; None for none."""
    if not name:
        return None
    async with desk.registry.read() as t:
        clinic = await t.clinics.find(name)
    if clinic is None:
        raise NotFound(f"no clinic {name}: see region clinic list")
    return clinic.id


async def _person(desk: Desk) -> Person:
    async with desk.registry.read() as t:
        person = await t.people.find(desk.args.name)
    if person is None:
        raise NotFound(f"no user {desk.args.name}")
    return person


async def _site_ids(desk: Desk) -> tuple[int, ...] | None:
    """Of the sites that were said; None: none was."""
    if desk.args.site is None:
        return None
    async with desk.registry.read() as t:
        return tuple([(await t.sites.named(name)).id for name in desk.args.site])


def _where(person: Person) -> str:
    return ", ".join(filter(None, (person.clinic, *(site.name for site in person.sites)))) or "-"


def _ask_password() -> str:
    first = getpass.getpass("New password: ")
    if getpass.getpass("Again: ") != first:
        raise Usage("the two are not the same")
    return first
