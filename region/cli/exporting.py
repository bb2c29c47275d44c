"""`region export`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from region.cli.desk import Desk
from region.cli.parsing import works_on_data
from region.cli.printing import tell
from region.stations.exporting import export_table
from region.stations.importing import KINDS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    works_on_data(parser, _export)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")
    parser.add_argument("--plain", action="store_true", help="commas and no mark, instead of what Danish Excel opens")


async def _export(desk: Desk) -> None:
    args = desk.args
    content = await export_table(desk.registry, desk.clock, desk.actor, args.kind, plain=args.plain)
    if args.out is None:
        sys.stdout.buffer.write(content)
        return
    await asyncio.to_thread(args.out.write_bytes, content)
    tell(args, {"file": str(args.out)}, f"Wrote {args.out}.")
