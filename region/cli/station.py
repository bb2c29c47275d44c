"""`region station`."""

from __future__ import annotations

import argparse
from pathlib import Path

from messaging.enrolment import write_code_file
from region import addresses
from region.broker import write_file
from region.cli.desk import Desk
from region.cli.filtering import add_filter, read_filter
from region.cli.parsing import actions_of, add_action
from region.cli.printing import confirm, moment, remark, tell
from region.cli.services import code_service, layout_service, station_service
from region.columns import table
from region.errors import Usage
from region.fleet.printed import printed, why
from region.fleet.whole import find_in_fleet, one_of_the_fleet
from region.registry.filters import Filter
from region.registry.stations import KEPT
from region.stations.admission import Admission
from region.stations.commanding import Commanding, Whom
from region.stations.removing import RemovalService
from region.stations.service import Change, Settings
from region.stations.standing import enrolment_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    add = add_action(actions, "add", "add a station", _add)
    add.add_argument("name", help="the room or place")
    add.add_argument("--site", required=True, help="the site's name")
    _add_settings(add)
    add_filter(add_action(actions, "list", "list the stations, all or those of a filter", _list))
    add_action(actions, "show", "tell how a station is", _show).add_argument("station")
    came_in = "tell how a station came in: its code, and its certificates"
    add_action(actions, "enrolment", came_in, _enrolment).add_argument("station")
    code = add_action(actions, "code", "make a code file, in place of any before it", _code)
    code.add_argument("station")
    code.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")
    revoke = add_action(actions, "revoke", "shut a station out for good: lost, stolen, retired", _revoke)
    revoke.add_argument("station")
    revoke.add_argument("--why", choices=("lost", "stolen", "retired", "cloned", "other"), default="other")
    release = add_action(actions, "release", "let a station in again that was in quarantine or revoked", _release)
    release.add_argument("station")
    remove = add_action(actions, "remove", "take stations out of the registry that are shut out for good", _remove)
    remove.add_argument("station", nargs="*", metavar="ID")
    add_filter(remove)
    remove.add_argument("--yes", action="store_true", help="do not ask, though there are many stations")
    change = add_action(actions, "set", "change what a station works by", _set)
    change.add_argument("station")
    change.add_argument("--name", help="the room or place")
    change.add_argument("--site", help="the site's name")
    _add_settings(change)
    move = add_action(actions, "move", "stand a station in another room", _move)
    move.add_argument("station")
    move.add_argument("--site", help="the site's name (default: where it stands)")
    move.add_argument("--room", required=True, help="the room; made if the site has none of that name")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clinic", help="the name of the clinic its button calls; an empty name: none")
    parser.add_argument("--language", choices=("da", "en"), help="on its screen")
    parser.add_argument("--volume", type=int, help="0 to 100")
    parser.add_argument("--room", help="the room it stands in (default: of its name)")
    parser.add_argument("--serial", help="the serial number of its computer; an empty one: not known")


async def _add(desk: Desk) -> None:
    args = desk.args
    site, clinic_id = await desk.site(args.site), await desk.clinic_id(args.clinic)
    settings = Settings(args.name, site.id, clinic_id, args.language, args.volume, args.room, args.serial)
    station = await station_service(desk).add_station(desk.actor, settings)
    tell(args, station, f"Added the station {station.id}. Its code file: region station code {station.id}")


async def _list(desk: Desk) -> None:
    which = read_filter(desk.args)
    async with desk.registry.read() as t:
        await t.finding.check(which)
    fleet = (await find_in_fleet(desk.registry, which, desk.clock.wall())).stations
    rows = ((one.station.id, one.station.site, one.station.name, one.station.clinic or "-",
             "yes" if one.standing.ready else "no", why(one.standing)) for one in fleet)  # fmt: skip
    tell(desk.args, fleet, table(("STATION", "SITE", "NAME", "CLINIC", "READY", "WHY"), rows))


async def _show(desk: Desk) -> None:
    one = await one_of_the_fleet(desk.registry, desk.args.station, desk.clock.wall())
    station = one.station
    rows = [
        ("name", f"{station.name}, {station.site}"), ("clinic", station.clinic or "-"), *printed(one.standing)
    ]  # fmt: skip
    tell(desk.args, one, table(("STATION", station.id), rows))


async def _enrolment(desk: Desk) -> None:
    async with desk.registry.read() as t:
        told = await enrolment_of(t, desk.args.station, desk.clock.wall())
    good = f", good until {moment(told.code_expires)}" if told.code_expires is not None else ""
    rows = ((one.serial, moment(one.issued), moment(one.expires), "-" if one.revoked is None else moment(one.revoked))
            for one in told.certificates)  # fmt: skip
    text = f"{told.station}: {told.state}{good}"
    if told.certificates:
        text += "\n" + table(("CERTIFICATE", "FROM", "TO", "REVOKED"), rows)
    tell(desk.args, told, text)


async def _code(desk: Desk) -> None:
    code = await (await code_service(desk)).make(desk.actor, desk.args.station)
    if not addresses.are_known(desk.args.data):
        remark(
            f"Nobody has said yet where this region is reached, so this code file leads to {code.url}, on the station "
            "itself. For a station elsewhere start `region serve` once, with its addresses, and make another."
        )
    content = write_code_file(code)
    out: Path | None = desk.args.out
    if out is None:
        tell(desk.args, {"station": desk.args.station, "toml": content}, content.rstrip())
        return
    write_file(out, content.encode())
    tell(desk.args, {"station": desk.args.station, "file": str(out)}, f"Wrote {out}. It is a secret, and works once.")


async def _set(desk: Desk) -> None:
    args = desk.args
    async with desk.registry.read() as t:
        now = await t.stations.get(args.station)
    change = Change(
        name=args.name,
        site_id=None if args.site is None else (await desk.site(args.site)).id,
        clinic_id=KEPT if args.clinic is None else await desk.clinic_id(args.clinic),
        language=args.language,
        volume=args.volume,
        room=args.room,
        serial=args.serial,
    )
    station = await station_service(desk).change_station(desk.actor, args.station, change)
    changed = station != now
    tell(args, station, f"{station.id} is to work by version {station.desired_version}." if changed else "No change.")


async def _revoke(desk: Desk) -> None:
    station = await Admission(desk.registry, desk.clock).revoke(desk.actor, desk.args.station, desk.args.why)
    tell(desk.args, station, f"{station.id} is revoked: a running region cuts it off within seconds.")


async def _release(desk: Desk) -> None:
    station = await Admission(desk.registry, desk.clock).release(desk.actor, desk.args.station)
    tell(desk.args, station, f"{station.id} is let in again. If it was revoked, it needs a new code: "
                              f"region station code {station.id}")  # fmt: skip


async def _remove(desk: Desk) -> None:
    args, which = desk.args, read_filter(desk.args)
    if bool(args.station) == (which != Filter()):
        raise Usage("which? Say a station's id, or more than one, or a filter (--where state=revoked)")
    whom = Whom(tuple(args.station)) if args.station else Whom(where=which)
    stations = [one.id for one in await Commanding(desk.registry, desk.clock).look(whom)]
    await confirm(args, "remove", stations)
    gone = await RemovalService(desk.registry, desk.clock).remove(desk.actor, stations)
    named = ", ".join(one.id for one in gone)
    told = "The log, the figures and the revoked certificates stay."
    tell(args, {"stations": [one.id for one in gone]}, f"Removed from the registry: {named}. {told}")


async def _move(desk: Desk) -> None:
    station = await layout_service(desk).move_station(desk.actor, desk.args.station, desk.args.site, desk.args.room)
    tell(desk.args, station, f"{station.id} stands in {station.room}, {station.site}.")
