"""`region claim`: stations that ask to be claimed, for whoever stands before one with its digits in sight."""

from __future__ import annotations

import argparse
from typing import Any

from messaging.times import rfc_3339
from region import addresses
from region.cli.desk import Desk
from region.cli.parsing import actions_of, add_action
from region.cli.printing import tell
from region.columns import table
from region.errors import Usage
from region.registry import NotFound
from region.stations.claims import Chosen, ClaimService, Waiting


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    add_action(actions, "list", "list the stations that wait, the oldest first", _list)
    approve = add_action(actions, "approve", "let in the station whose screen shows these digits", _approve)
    approve.add_argument("digits", help="the six digits, read from the station's own screen")
    which = approve.add_mutually_exclusive_group()
    which.add_argument("--station", metavar="ID", help="it becomes this station of the registry")
    which.add_argument("--site", metavar="NAME", help="it becomes a new station of this site, in --room")
    approve.add_argument("--room", default="", help="the new station's room")
    approve.add_argument("--clinic", help="the clinic that the new station's button calls")
    refuse = add_action(actions, "refuse", "it is nobody of ours: its station is told so", _refuse)
    refuse.add_argument("digits", help="the six digits, as region claim list tells them")


async def _list(desk: Desk) -> None:
    found = await _service(desk).waiting()
    rows = (
        (one.check, one.claim.serial or "-", one.claim.address, one.known.id if one.known else "-") for one in found
    )
    data = [_plain(one) for one in found]
    tell(desk.args, data, table(("DIGITS", "SERIAL", "ADDRESS", "KNOWN AS"), rows) if data else "No station waits.")


async def _approve(desk: Desk) -> None:
    args, service = desk.args, _service(desk)
    one = await _shown(service, args.digits)
    chosen = await _chosen(desk, one)
    station = await service.approve(desk.actor, one.claim.key_sha256, one.check, chosen)
    tell(args, station, f"{station.id} is {station.name}, {station.site}: it enrols by itself within a minute.")


async def _refuse(desk: Desk) -> None:
    service = _service(desk)
    one = await _shown(service, desk.args.digits)
    await service.refuse(desk.actor, one.claim.key_sha256, one.check)
    tell(desk.args, {"key": one.claim.key_sha256}, "Refused.")


async def _shown(service: ClaimService, digits: str) -> Waiting:
    """The claim whose station shows these digits; no two that wait show the same."""
    digits = digits.replace(" ", "")
    found = next((one for one in await service.waiting() if one.check == digits), None)
    if found is None:
        raise NotFound(f"no station that waits shows {digits}: see region claim list")
    return found


async def _chosen(desk: Desk, one: Waiting) -> Chosen:
    """What was said; where nothing was, the station that the serial number was given to in advance."""
    args = desk.args
    if args.site is not None:
        if not args.room:
            raise Usage("--site needs --room: where does it stand?")
        async with desk.registry.read() as t:
            site = await t.sites.named(args.site)
        return Chosen(site_id=site.id, room=args.room, clinic_id=await desk.clinic_id(args.clinic))
    if args.room or args.clinic:
        raise Usage("--room and --clinic go with --site: they are a new station's")
    if args.station is not None:
        return Chosen(args.station)
    if one.known is None:
        raise Usage("which station does it become? Say --station, or --site and --room")
    return Chosen(one.known.id)


def _plain(one: Waiting) -> dict[str, Any]:
    claim = one.claim
    return {
        "key": claim.key_sha256, "check": one.check, "serial": claim.serial, "address": claim.address,
        "since": rfc_3339(claim.made_at), "known": None if one.known is None else one.known.id,
    }  # fmt: skip


def _service(desk: Desk) -> ClaimService:
    return ClaimService(desk.registry, desk.clock, addresses.load(desk.args.data))
