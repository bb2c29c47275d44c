"""`region site`."""

from __future__ import annotations

import argparse

from region.cli.desk import Desk
from region.cli.parsing import actions_of, add_action
from region.cli.places import add_upkeep
from region.cli.printing import configs_changed, tell
from region.cli.services import layout_service, station_service
from region.columns import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    add_action(actions, "add", "add a site", _add, begins=True).add_argument("name")
    add_action(actions, "list", "list the sites", _list)
    add_upkeep(actions, "site")
    move = add_action(actions, "move", "let a site belong to another municipality", _move)
    move.add_argument("name")
    move.add_argument("--municipality", required=True, help="the municipality's name; an empty name: none")


async def _add(desk: Desk) -> None:
    site = await station_service(desk).add_site(desk.actor, desk.args.name)
    tell(desk.args, site, f"Added the site {site.name}.")


async def _list(desk: Desk) -> None:
    async with desk.registry.read() as t:
        sites = await t.sites.all()
    tell(desk.args, sites, table(("SITE", "MUNICIPALITY"), ((site.name, site.municipality or "-") for site in sites)))


async def _move(desk: Desk) -> None:
    touched = await layout_service(desk).move_site(desk.actor, desk.args.name, desk.args.municipality)
    tell(desk.args, {"stations": touched}, f"Moved. {configs_changed(len(touched))}")
