"""`region clinic`."""

from __future__ import annotations

import argparse

from region.cli.desk import Desk
from region.cli.parsing import actions_of, add_action
from region.cli.printing import tell
from region.cli.services import station_service
from region.columns import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    add = add_action(actions, "add", "add a clinic", _add, begins=True)
    add.add_argument("name")
    add.add_argument("--phone", default="", help="shown at the station when a call cannot be made")
    add_action(actions, "list", "list the clinics", _list)
    remove = add_action(actions, "remove", "remove a clinic that no station calls, and for which nobody works", _remove)
    remove.add_argument("name")
    change = add_action(actions, "set", "change a clinic's name or telephone; its stations are told", _set)
    change.add_argument("name", help="the clinic, by its present name")
    change.add_argument("--name", dest="new_name", metavar="NAME", help="its new name")
    change.add_argument("--phone", help="an empty one: none")


async def _add(desk: Desk) -> None:
    clinic = await station_service(desk).add_clinic(desk.actor, desk.args.name, desk.args.phone)
    tell(desk.args, clinic, f"Added the clinic {clinic.name}.")


async def _list(desk: Desk) -> None:
    async with desk.registry.read() as t:
        clinics = await t.clinics.all()
    tell(desk.args, clinics, table(("CLINIC", "PHONE"), ((clinic.name, clinic.phone) for clinic in clinics)))


async def _set(desk: Desk) -> None:
    args, now = desk.args, await desk.clinic(desk.args.name)
    clinic = await station_service(desk).change_clinic(desk.actor, now.id, args.new_name, args.phone)
    tell(args, clinic, f"{clinic.name}, {clinic.phone or 'no telephone'}." if clinic != now else "No change.")


async def _remove(desk: Desk) -> None:
    clinic = await desk.clinic(desk.args.name)
    gone = await station_service(desk).remove_clinic(desk.actor, clinic.id)
    tell(desk.args, gone, f"Removed the clinic {gone.name}. The figures of its calls stay.")
