"""The commands on the region's data: beside a running region as well as without one."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from messaging.clock import SystemClock
from messaging.enrolment import write_code_file
from provisioning.authority import vault
from provisioning.authority.enrolment import Enrolment
from region import addresses, audit_commands, card_commands, layout_commands
from region.authority.client import AuthorityClient
from region.authority.wire import SOCKET
from region.errors import Usage
from region.evaluation.command import HEAD, as_lines, chosen_rows
from region.evaluation.table import to_csv
from region.fleet.printed import printed
from region.fleet.subject import one_of_the_fleet, whole_fleet
from region.printing import ACTOR, Desk
from region.printing import table as _table
from region.printing import tell as _tell
from region.registry import NotFound, Registry, database_url
from region.registry.actions import AuditAction
from region.registry.records import Person, Site
from region.registry.store import RegistryEnrolmentStore
from region.stations.admission import Admission
from region.stations.service import Settings, StationService
from region.web.passwords import Passwords
from region.web.sign_in import make_link

_FIRST = (
    "migrate",
    "site add",
    "clinic add",
    "user add",
    *layout_commands.FIRST,
)  # what may be done before the first `region serve`


def prepare(args: argparse.Namespace) -> None:
    """Have the region's data there; Usage if it is not and the command makes no sense without."""
    os.umask(0o077)
    data: Path = args.data
    if not data.is_dir():
        if args.does not in _FIRST:
            raise Usage(f"{data} is not there: is that the region's --data?")
        data.mkdir(mode=0o700, parents=True)


async def run(args: argparse.Namespace) -> int:
    """Carry out one command; gives the exit code."""
    registry = Registry(database_url(args.data, args.database))
    try:
        revision = await registry.migrate()
        if args.does == "migrate":
            _tell(args, {"revision": revision}, f"The database is at revision {revision}.")
        else:
            await _COMMANDS[args.does](Desk(args, registry, SystemClock()))
    finally:
        await registry.close()
    return 0


async def _site_add(desk: Desk) -> None:
    site = await _service(desk).add_site(ACTOR, desk.args.name)
    _tell(desk.args, site, f"Added the site {site.name}.")


async def _site_list(desk: Desk) -> None:
    async with desk.registry.read() as t:
        sites = await t.sites.all()
    _tell(desk.args, sites, _table(("SITE",), ((site.name,) for site in sites)))


async def _clinic_add(desk: Desk) -> None:
    clinic = await _service(desk).add_clinic(ACTOR, desk.args.name, desk.args.phone)
    _tell(desk.args, clinic, f"Added the clinic {clinic.name}.")


async def _clinic_list(desk: Desk) -> None:
    async with desk.registry.read() as t:
        clinics = await t.clinics.all()
    _tell(desk.args, clinics, _table(("CLINIC", "PHONE"), ((clinic.name, clinic.phone) for clinic in clinics)))


async def _station_add(desk: Desk) -> None:
    args = desk.args
    site, clinic_id = await _site(desk, args.site), await _clinic_id(desk, args.clinic)
    settings = Settings(args.name, site.id, clinic_id, args.language, args.volume, args.room, args.serial)
    station = await _service(desk).add_station(ACTOR, settings)
    _tell(args, station, f"Added the station {station.id}. Its code file: region station code {station.id}")


async def _station_list(desk: Desk) -> None:
    fleet = await whole_fleet(desk.registry, desk.clock.wall())
    rows = ((one.station.id, one.station.site, one.station.name, one.station.clinic or "-",
             "yes" if one.standing.ready else "no") for one in fleet)  # fmt: skip
    _tell(desk.args, fleet, _table(("STATION", "SITE", "NAME", "CLINIC", "READY"), rows))


async def _station_show(desk: Desk) -> None:
    one = await one_of_the_fleet(desk.registry, desk.args.station, desk.clock.wall())
    station = one.station
    rows = [
        ("name", f"{station.name}, {station.site}"), ("clinic", station.clinic or "-"), *printed(one.standing)
    ]  # fmt: skip
    _tell(desk.args, one, _table(("STATION", station.id), rows))


async def _station_code(desk: Desk) -> None:
    content = write_code_file(await _service(desk).make_code(ACTOR, desk.args.station))
    out: Path | None = desk.args.out
    if out is None:
        _tell(desk.args, {"station": desk.args.station, "toml": content}, content.rstrip())
        return
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(content)
    _tell(desk.args, {"station": desk.args.station, "file": str(out)}, f"Wrote {out}. It is a secret, and works once.")


async def _station_set(desk: Desk) -> None:
    args = desk.args
    async with desk.registry.read() as t:
        now = await t.stations.get(args.station)
    site_id = now.site_id if args.site is None else (await _site(desk, args.site)).id
    clinic_id = await _clinic_id(desk, args.clinic)
    settings = Settings(
        name=now.name if args.name is None else args.name,
        site_id=site_id,
        clinic_id=now.clinic_id if args.clinic is None else clinic_id,
        language=args.language or now.language,
        volume=now.volume if args.volume is None else args.volume,
        room=args.room,
        serial=args.serial,
    )
    station = await _service(desk).change_station(ACTOR, args.station, settings)
    changed = station != now
    _tell(args, station, f"{station.id} is to work by version {station.desired_version}." if changed else "No change.")


async def _station_revoke(desk: Desk) -> None:
    station = await Admission(desk.registry, desk.clock).revoke(ACTOR, desk.args.station, desk.args.why)
    _tell(desk.args, station, f"{station.id} is revoked: a running region cuts it off within seconds.")


async def _station_release(desk: Desk) -> None:
    station = await Admission(desk.registry, desk.clock).release(ACTOR, desk.args.station)
    _tell(desk.args, station, f"{station.id} is let in again. If it was revoked, it needs a new code: "
                              f"region station code {station.id}")  # fmt: skip


async def _user_add(desk: Desk) -> None:
    args = desk.args
    clinic_id = await _clinic_id(desk, args.clinic)
    if args.role == "clinician" and clinic_id is None:
        raise Usage("a clinician needs --clinic")
    hashed = await Passwords().hash(sys.stdin.readline().rstrip("\n")) if args.password_stdin else None
    async with desk.registry.begin() as t:
        person = await t.people.add(
            args.name, args.role, desk.clock.wall(), clinic_id=clinic_id, display_name=args.display_name,
            title=args.title, password_hash=hashed,
        )  # fmt: skip
        await t.audit.add(ACTOR, "user.add", "done", desk.clock.wall(), person=person.name, role=person.role)
    _tell(args, person, f"Added {person.name}. A link to sign in with: region link {person.name}")


async def _user_list(desk: Desk) -> None:
    async with desk.registry.read() as t:
        people = await t.people.all()
    rows = ((p.name, p.role, p.clinic or "-", p.display_name, "yes" if p.active else "blocked") for p in people)
    _tell(desk.args, people, _table(("NAME", "ROLE", "CLINIC", "SHOWN AS", "ACTIVE"), rows))


async def _user_password(desk: Desk) -> None:
    person = await _person(desk)
    password = sys.stdin.readline().rstrip("\n") if desk.args.stdin else _ask_password()
    hashed = await Passwords().hash(password)
    async with desk.registry.begin() as t:
        await t.people.set_password(person.id, hashed)
        await t.sessions.end_all(person.id)
        await t.audit.add(ACTOR, "password", "changed", desk.clock.wall(), person=person.name)
    _tell(desk.args, {"name": person.name}, f"The password of {person.name} is set; every browser is signed out.")


async def _user_block(desk: Desk) -> None:
    await _set_active(desk, active=False)


async def _user_unblock(desk: Desk) -> None:
    await _set_active(desk, active=True)


async def _set_active(desk: Desk, *, active: bool) -> None:
    person = await _person(desk)
    async with desk.registry.begin() as t:
        await t.people.set_active(person.id, active)
        if not active:
            await t.sessions.end_all(person.id)
        done: AuditAction = "user.unblock" if active else "user.block"
        await t.audit.add(ACTOR, done, "done", desk.clock.wall(), person=person.name)
    _tell(desk.args, {"name": person.name, "active": active}, f"{person.name} is {'let in' if active else 'shut out'}.")


async def _link(desk: Desk) -> None:
    person = await _person(desk)
    lives_s = desk.args.minutes * 60.0
    url = addresses.load(desk.args.data).public_url
    link = await make_link(desk.registry, url, person, desk.clock.wall(), lives_s)
    _tell(desk.args, {"link": link, "expires_at": desk.clock.wall() + lives_s}, link)


async def _evaluation(desk: Desk) -> None:
    rows = await chosen_rows(desk.args, desk.registry, desk.clock)
    if desk.args.csv:
        sys.stdout.write(to_csv(rows))
    else:
        _tell(desk.args, rows, _table(HEAD, as_lines(rows)))


_COMMANDS: dict[str, Callable[[Desk], Awaitable[None]]] = {
    "site add": _site_add, "site list": _site_list, "clinic add": _clinic_add, "clinic list": _clinic_list,
    "station add": _station_add, "station list": _station_list, "station show": _station_show,
    "station code": _station_code, "station revoke": _station_revoke, "station release": _station_release,
    "station set": _station_set, "user add": _user_add, "user list": _user_list,
    "user password": _user_password, "user block": _user_block, "user unblock": _user_unblock, "link": _link,
    "evaluation": _evaluation, **audit_commands.COMMANDS, **layout_commands.COMMANDS, **card_commands.COMMANDS,
}  # fmt: skip


def _service(desk: Desk) -> StationService:
    data: Path = desk.args.data
    vault.make_if_absent(data / "ca", desk.clock)
    root_sha256 = vault.public_trust(data / "ca").root_sha256
    enrolment = Enrolment(RegistryEnrolmentStore(desk.registry, desk.clock), AuthorityClient(data / SOCKET), desk.clock)
    return StationService(desk.registry, desk.clock, enrolment, root_sha256, addresses.load(data))


async def _person(desk: Desk) -> Person:
    async with desk.registry.read() as t:
        person = await t.people.find(desk.args.name)
    if person is None:
        raise NotFound(f"no user {desk.args.name}")
    return person


async def _site(desk: Desk, name: str) -> Site:
    async with desk.registry.read() as t:
        site = await t.sites.find(name)
    if site is None:
        raise NotFound(f"no site {name}: see region site list")
    return site


async def _clinic_id(desk: Desk, name: str | None) -> int | None:
    if not name:
        return None
    async with desk.registry.read() as t:
        clinic = await t.clinics.find(name)
    if clinic is None:
        raise NotFound(f"no clinic {name}: see region clinic list")
    return clinic.id


def _ask_password() -> str:
    first = getpass.getpass("New password: ")
    if getpass.getpass("Again: ") != first:
        raise Usage("the two are not the same")
    return first
