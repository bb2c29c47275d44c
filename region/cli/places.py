"""What `region site`, `municipality` and `cluster` have in common: another name, and removal."""

from __future__ import annotations

from functools import partial

from region.cli.desk import Desk
from region.cli.parsing import Actions, add_action
from region.cli.printing import configs_changed, tell
from region.cli.services import layout_service
from region.registry.place_upkeep import Paged


def add_upkeep(actions: Actions, kind: Paged) -> None:
    """`rename` and `remove` of that kind of place."""
    rename = add_action(actions, "rename", f"give a {kind} another name", partial(_rename, kind))
    rename.add_argument("name")
    rename.add_argument("new_name", metavar="new-name")
    remove = add_action(actions, "remove", f"remove a {kind} that nothing hangs on", partial(_remove, kind))
    remove.add_argument("name")


async def _rename(kind: Paged, desk: Desk) -> None:
    layout, name = layout_service(desk), desk.args.new_name
    touched = await layout.rename(desk.actor, kind, await _number(kind, desk), name)
    tell(desk.args, {"stations": touched}, f"It is called {name} now. {configs_changed(len(touched))}")


async def _remove(kind: Paged, desk: Desk) -> None:
    gone = await layout_service(desk).remove(desk.actor, kind, await _number(kind, desk))
    tell(desk.args, gone, f"Removed the {kind} {gone.name}.")


async def _number(kind: Paged, desk: Desk) -> int:
    return int((await layout_service(desk).find(kind, desk.args.name)).place)
