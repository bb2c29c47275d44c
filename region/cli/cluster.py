"""`region cluster`."""

from __future__ import annotations

import argparse

from region.cli.desk import Desk
from region.cli.parsing import actions_of, add_action
from region.cli.places import add_upkeep
from region.cli.printing import tell
from region.cli.services import layout_service
from region.columns import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    add_action(actions, "add", "add a cluster", _add, begins=True).add_argument("name")
    add_action(actions, "list", "list the clusters", _list)
    add_upkeep(actions, "cluster")


async def _add(desk: Desk) -> None:
    made = await layout_service(desk).add_cluster(desk.actor, desk.args.name)
    tell(desk.args, made, f"Added the cluster {made.name}.")


async def _list(desk: Desk) -> None:
    async with desk.registry.read() as t:
        clusters = await t.clusters.all()
    tell(desk.args, clusters, table(("CLUSTER",), ((one.name,) for one in clusters)))
