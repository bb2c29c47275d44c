"""The commands on what stations handed in for diagnosis."""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from region.printing import ACTOR, Desk, table, tell
from region.registry import Conflict
from region.stations.diagnostics import DiagnosticsService

Leaf = Callable[..., argparse.ArgumentParser]


def add_arguments(commands: Any, group: Callable[..., Any], leaf: Leaf) -> None:
    """The parsers; `group` and `leaf` are the house's."""
    diagnostics = group(commands, "diagnostics", "what stations handed in: region command send diagnostics asks for it")
    shown = leaf(diagnostics, "list", "tell what is kept, the latest first", group="diagnostics")
    shown.add_argument("--station", metavar="ID", help="of this station only")
    save = leaf(diagnostics, "save", "write one into a file, as JSON", group="diagnostics")
    save.add_argument("command_id", metavar="ID", help="of the command that asked for it")
    save.add_argument("--out", type=Path, metavar="FILE", help="(default: diagnostics-STATION-ID.json)")


async def _list(desk: Desk) -> None:
    found = await DiagnosticsService(desk.registry, desk.clock).all(desk.args.station)
    rows = (
        (one.cid, one.station_id, datetime.fromtimestamp(one.received_at, UTC).strftime("%Y-%m-%d %H:%M:%SZ"),
         f"{one.size / 1024:.1f}") for one in found
    )  # fmt: skip
    tell(desk.args, found, table(("COMMAND", "STATION", "RECEIVED", "KIB"), rows))


async def _save(desk: Desk) -> None:
    about, content = await DiagnosticsService(desk.registry, desk.clock).read(ACTOR, desk.args.command_id)
    out = desk.args.out or Path(f"diagnostics-{about.station_id}-{about.cid}.json")
    try:
        with out.open("xb") as file:
            file.write(gzip.decompress(content))
    except FileExistsError:
        raise Conflict(f"{out} is there already: nothing is overwritten") from None
    tell(desk.args, {"file": str(out), "station": about.station_id, "command": about.cid}, f"Wrote {out}.")


COMMANDS: dict[str, Callable[[Desk], Awaitable[None]]] = {"diagnostics list": _list, "diagnostics save": _save}
