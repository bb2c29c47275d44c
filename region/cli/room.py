"""`region room`."""

from __future__ import annotations

import argparse

from region.cli.desk import Desk
from region.cli.parsing import actions_of, add_action
from region.cli.printing import configs_changed, tell
from region.cli.services import layout_service
from region.columns import table
from region.registry.places import there
from region.registry.records import Room


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    add_action(actions, "list", "list the rooms of all sites, or of one", _list).add_argument("--site")
    rename = add_action(actions, "rename", "give a room another name, and its stations that bear it", _rename)
    rename.add_argument("name")
    rename.add_argument("new_name", metavar="new-name")
    rename.add_argument("--site", required=True, help="the site's name")
    remove = add_action(actions, "remove", "remove a room in which no station stands", _remove)
    remove.add_argument("name")
    remove.add_argument("--site", required=True, help="the site's name")


async def _list(desk: Desk) -> None:
    site = None if desk.args.site is None else (await desk.site(desk.args.site)).id
    async with desk.registry.read() as t:
        rooms = await t.rooms.all(site)
    tell(desk.args, rooms, table(("SITE", "ROOM"), ((one.site, one.name) for one in rooms)))


async def _rename(desk: Desk) -> None:
    room, name = await _room(desk), desk.args.new_name
    touched = await layout_service(desk).rename(desk.actor, "room", room.id, name)
    tell(desk.args, {"stations": touched}, f"It is called {name} now. {configs_changed(len(touched))}")


async def _remove(desk: Desk) -> None:
    room = await _room(desk)
    gone = await layout_service(desk).remove(desk.actor, "room", room.id)
    tell(desk.args, gone, f"Removed the room {gone.name} of {room.site}.")


async def _room(desk: Desk) -> Room:
    site = await desk.site(desk.args.site)
    async with desk.registry.read() as t:
        return there(await t.rooms.find(site.id, desk.args.name), "room", desk.args.name)
