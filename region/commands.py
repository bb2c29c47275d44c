"""The commands on the region's data: beside a running region as well as without one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from messaging.clock import SystemClock
from messaging.enrolment import write_code_file
from provisioning.authority import vault
from provisioning.authority.enrolment import Enrolment
from region import (
    addresses,
    audit_commands,
    card_commands,
    claim_commands,
    command_commands,
    diagnostics_commands,
    layout_commands,
    people_commands,
)
from region.authority.client import AuthorityClient
from region.authority.wire import SOCKET
from region.errors import Usage
from region.evaluation.command import HEAD, as_lines, chosen_rows
from region.evaluation.table import to_csv
from region.filtering import read_filter
from region.fleet.printed import printed
from region.fleet.whole import find_in_fleet, one_of_the_fleet
from region.people_commands import clinic_id_of
from region.printing import ACTOR, Desk
from region.printing import table as _table
from region.printing import tell as _tell
from region.registry import NotFound, Registry, database_url
from region.registry.records import Site
from region.registry.store import RegistryEnrolmentStore
from region.stations.admission import Admission
from region.stations.service import Settings, StationService

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


async def _clinic_set(desk: Desk) -> None:
    args = desk.args
    async with desk.registry.read() as t:
        now = await t.clinics.find(args.name)
    if now is None:
        raise NotFound(f"no clinic {args.name}: see region clinic list")
    name, phone = args.new_name or now.name, now.phone if args.phone is None else args.phone
    clinic = await _service(desk).change_clinic(ACTOR, now.id, name, phone)
    _tell(args, clinic, f"{clinic.name}, {clinic.phone or 'no telephone'}." if clinic != now else "No change.")


async def _station_add(desk: Desk) -> None:
    args = desk.args
    site, clinic_id = await _site(desk, args.site), await clinic_id_of(desk, args.clinic)
    settings = Settings(args.name, site.id, clinic_id, args.language, args.volume, args.room, args.serial)
    station = await _service(desk).add_station(ACTOR, settings)
    _tell(args, station, f"Added the station {station.id}. Its code file: region station code {station.id}")


async def _station_list(desk: Desk) -> None:
    which = read_filter(desk.args)
    async with desk.registry.read() as t:
        await t.finding.check(which)
    fleet = (await find_in_fleet(desk.registry, which, desk.clock.wall())).stations
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
    clinic_id = await clinic_id_of(desk, args.clinic)
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


async def _evaluation(desk: Desk) -> None:
    rows = await chosen_rows(desk.args, desk.registry, desk.clock)
    if desk.args.csv:
        sys.stdout.write(to_csv(rows))
    else:
        _tell(desk.args, rows, _table(HEAD, as_lines(rows)))


_COMMANDS: dict[str, Callable[[Desk], Awaitable[None]]] = {
    "site add": _site_add, "site list": _site_list, "clinic add": _clinic_add, "clinic list": _clinic_list,
    "clinic set": _clinic_set,
    "station add": _station_add, "station list": _station_list, "station show": _station_show,
    "station code": _station_code, "station revoke": _station_revoke, "station release": _station_release,
    "station set": _station_set, "evaluation": _evaluation, **audit_commands.COMMANDS, **layout_commands.COMMANDS,
    **card_commands.COMMANDS, **claim_commands.COMMANDS, **people_commands.COMMANDS, **command_commands.COMMANDS,
    **diagnostics_commands.COMMANDS,
}  # fmt: skip


def _service(desk: Desk) -> StationService:
    data: Path = desk.args.data
    vault.make_if_absent(data / "ca", desk.clock)
    root_sha256 = vault.public_trust(data / "ca").root_sha256
    enrolment = Enrolment(RegistryEnrolmentStore(desk.registry, desk.clock), AuthorityClient(data / SOCKET), desk.clock)
    return StationService(desk.registry, desk.clock, enrolment, root_sha256, addresses.load(data))


async def _site(desk: Desk, name: str) -> Site:
    async with desk.registry.read() as t:
        site = await t.sites.find(name)
    if site is None:
        raise NotFound(f"no site {name}: see region site list")
    return site
