"""`region backup`."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from region.cli.desk import Desk
from region.cli.parsing import works_on_data
from region.cli.printing import tell
from region.registry.backup import back_up


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    works_on_data(parser, _backup)
    parser.add_argument("file", type=Path)


async def _backup(desk: Desk) -> None:
    size = await asyncio.to_thread(back_up, desk.registry.file, desk.args.file)
    async with desk.registry.begin() as t:
        await t.audit.add(desk.actor, "backup", "done", desk.clock.wall(), bytes=size)
    told = f"Wrote {desk.args.file} ({size} bytes), checked. It holds secrets. The authority's keys are not in it."
    tell(desk.args, {"file": str(desk.args.file), "bytes": size}, told)
