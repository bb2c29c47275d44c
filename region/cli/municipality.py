"""`region municipality`."""

from __future__ import annotations

import argparse

from region.cli.desk import Desk
from region.cli.parsing import actions_of, add_action
from region.cli.places import add_upkeep
from region.cli.printing import configs_changed, tell
from region.cli.services import layout_service
from region.columns import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    add = add_action(actions, "add", "add a municipality", _add, begins=True)
    add.add_argument("name")
    add.add_argument("--cluster", default="", help="the cluster's name")
    add_action(actions, "list", "list the municipalities", _list)
    add_upkeep(actions, "municipality")
    move = add_action(actions, "move", "let a municipality belong to another cluster", _move)
    move.add_argument("name")
    move.add_argument("--cluster", required=True, help="the cluster's name; an empty name: none")


async def _add(desk: Desk) -> None:
    made = await layout_service(desk).add_municipality(desk.actor, desk.args.name, desk.args.cluster)
    tell(desk.args, made, f"Added the municipality {made.name}.")


async def _list(desk: Desk) -> None:
    async with desk.registry.read() as t:
        found = await t.municipalities.all()
    tell(desk.args, found, table(("MUNICIPALITY", "CLUSTER"), ((one.name, one.cluster or "-") for one in found)))


async def _move(desk: Desk) -> None:
    touched = await layout_service(desk).move_municipality(desk.actor, desk.args.name, desk.args.cluster)
    tell(desk.args, {"stations": touched}, f"Moved. {configs_changed(len(touched))}")
