"""`region user`: who may sign in, as what, and where."""

from __future__ import annotations

import argparse
import sys
from typing import get_args

from region.cli.desk import Desk
from region.cli.parsing import actions_of, add_action
from region.cli.printing import ask_twice, places, tell
from region.columns import table
from region.errors import Usage
from region.people.service import Changed, PeopleService, Wanted
from region.registry.records import Role
from region.registry.stations import KEPT
from region.web.passwords import Passwords


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    add = add_action(actions, "add", "add a user, without a password until one is set", _add, begins=True)
    add.add_argument("name", help="the sign-in name")
    add.add_argument("--role", choices=get_args(Role), required=True)
    _add_binding(add)
    add.add_argument("--display-name", default="", help="what residents see")
    add.add_argument("--title", default="", help="what residents see with it, e.g. GP")
    add.add_argument("--password-stdin", action="store_true", help="read a password from standard input")
    add_action(actions, "list", "list the users", _list)
    password = add_action(actions, "password", "set a password", _password)
    password.add_argument("name")
    password.add_argument("--stdin", action="store_true", help="read it from standard input instead of asking")
    change = add_action(actions, "set", "change what a user may do, and where", _set)
    change.add_argument("name")
    change.add_argument("--role", choices=get_args(Role), help="another role: every browser is signed out")
    _add_binding(change)
    change.add_argument("--display-name", help="what residents see")
    change.add_argument("--title", help="what residents see with it, e.g. GP")
    lost = "for a lost telephone: the next sign-in sets it up anew"
    reset = add_action(actions, "reset-second-step", lost, _reset_second_step)
    reset.add_argument("name")
    bind = add_action(actions, "bind", "say who a user is at the region's own sign-in", _bind)
    bind.add_argument("name")
    bind.add_argument("subject", help="who it is there: the log says it when somebody is refused")
    bind.add_argument("--issuer", required=True, help="the provider's address, as in the file of --oidc")
    add_action(actions, "block", "shut a user out, at once", _block).add_argument("name")
    add_action(actions, "unblock", "let a user in again", _unblock).add_argument("name")
    add_action(actions, "sign-out", "end all that a user has open", _sign_out).add_argument("name")


def _add_binding(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clinic", help="the clinic's name; a clinician needs one; an empty name: none")
    parser.add_argument(
        "--site", action="append", metavar="NAME", help="a site's name, again for each; a site's staff need one"
    )


async def _add(desk: Desk) -> None:
    args = desk.args
    clinic_id = await desk.clinic_id(args.clinic)
    if args.role == "clinician" and clinic_id is None:
        raise Usage("a clinician needs --clinic")
    if args.role == "site_staff" and not args.site:
        raise Usage("a site's staff need --site")
    sites = await desk.site_ids()
    hashed = await Passwords().hash(sys.stdin.readline().rstrip("\n")) if args.password_stdin else None
    wanted = Wanted(args.role, clinic_id, sites or (), args.display_name, args.title)
    person = await _service(desk).add(desk.actor, args.name, wanted, hashed)
    tell(args, person, f"Added {person.name}. A link to sign in with: region link {person.name}")


async def _list(desk: Desk) -> None:
    async with desk.registry.read() as t:
        people = await t.people.all()
    rows = ((p.name, p.role, places(p), p.display_name, "yes" if p.active else "blocked") for p in people)
    tell(desk.args, people, table(("NAME", "ROLE", "WHERE", "SHOWN AS", "ACTIVE"), rows))


async def _set(desk: Desk) -> None:
    args, before = desk.args, await desk.person()
    clinic_id = KEPT if args.clinic is None else await desk.clinic_id(args.clinic)
    changed = Changed(args.role, clinic_id, await desk.site_ids(), args.display_name, args.title)
    after = await _service(desk).change(desk.actor, before.id, changed)
    tell(args, after, f"{after.name} is {after.role}: {places(after)}." if after != before else "No change.")


async def _password(desk: Desk) -> None:
    person = await desk.person()
    password = sys.stdin.readline().rstrip("\n") if desk.args.stdin else ask_twice("New password: ")
    hashed = await Passwords().hash(password)
    async with desk.registry.begin() as t:
        await t.people.set_password(person.id, hashed)
        await t.sessions.end_all(person.id)
        await t.audit.add(desk.actor, "password", "changed", desk.clock.wall(), person=person.name)
    tell(desk.args, {"name": person.name}, f"The password of {person.name} is set; every browser is signed out.")


async def _reset_second_step(desk: Desk) -> None:
    person = await desk.person()
    had = await _service(desk).reset_second_step(desk.actor, person.id)
    told = "is forgotten; every browser is signed out, and the next sign-in sets it up" if had else "was not set up"
    tell(desk.args, {"name": person.name, "reset": had}, f"The second step of {person.name} {told}.")


async def _bind(desk: Desk) -> None:
    args, person = desk.args, await desk.person()
    async with desk.registry.begin() as t:
        await t.identities.bind(args.issuer, args.subject, person.id, desk.clock.wall())
        await t.audit.add(desk.actor, "user.bind", "done", desk.clock.wall(), person=person.name)
    tell(args, {"name": person.name, "issuer": args.issuer, "subject": args.subject},
         f"{person.name} can sign in with the region's own sign-in, and has the role that it gives.")  # fmt: skip


async def _block(desk: Desk) -> None:
    await _set_active(desk, active=False)


async def _unblock(desk: Desk) -> None:
    await _set_active(desk, active=True)


async def _set_active(desk: Desk, *, active: bool) -> None:
    person = await _service(desk).set_active(desk.actor, (await desk.person()).id, active=active)
    tell(desk.args, {"name": person.name, "active": active}, f"{person.name} is {'let in' if active else 'shut out'}.")


async def _sign_out(desk: Desk) -> None:
    person = await desk.person()
    ended = await _service(desk).sign_out(desk.actor, person.id)
    tell(desk.args, {"name": person.name, "browsers": ended}, f"{person.name} is signed out of {ended} browsers.")


def _service(desk: Desk) -> PeopleService:
    return PeopleService(desk.registry, desk.clock)
