"""`region diagnostics`: what stations handed in."""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

from region.cli.desk import Desk
from region.cli.files import write_new
from region.cli.parsing import actions_of, add_action
from region.cli.printing import moment, tell
from region.columns import table
from region.stations.diagnostics import DiagnosticsService


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    shown = add_action(actions, "list", "tell what is kept, the latest first", _list)
    shown.add_argument("--station", metavar="ID", help="of this station only")
    save = add_action(actions, "save", "write one into a file, as JSON", _save)
    save.add_argument("command_id", metavar="ID", help="of the command that asked for it")
    save.add_argument("--out", type=Path, metavar="FILE", help="(default: diagnostics-STATION-ID.json)")


async def _list(desk: Desk) -> None:
    found = await DiagnosticsService(desk.registry, desk.clock).all(desk.args.station)
    rows = ((one.cid, one.station_id, moment(one.received_at), f"{one.size / 1024:.1f}") for one in found)
    tell(desk.args, found, table(("COMMAND", "STATION", "RECEIVED", "KIB"), rows))


async def _save(desk: Desk) -> None:
    about, content = await DiagnosticsService(desk.registry, desk.clock).read(desk.actor, desk.args.command_id)
    out = desk.args.out or Path(f"diagnostics-{about.station_id}-{about.cid}.json")
    write_new(out, gzip.decompress(content))
    tell(desk.args, {"file": str(out), "station": about.station_id, "command": about.cid}, f"Wrote {out}.")
