"""`region import`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import cast

from region.cli.desk import Desk
from region.cli.files import read_input
from region.cli.parsing import works_on_data
from region.cli.printing import tell
from region.errors import Usage
from region.stations.importing import KINDS, Kind, take_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    works_on_data(parser, _import, begins=True)
    parser.add_argument("file", type=Path, help="- reads standard input")
    parser.add_argument("--kind", choices=KINDS, help="of what (default: the file's name, as in stations.csv)")
    parser.add_argument("--dry-run", action="store_true", help="tell what would come of it, and change nothing")


async def _import(desk: Desk) -> None:
    args = desk.args
    kind = args.kind or args.file.stem
    if kind not in KINDS:
        raise Usage(f"of what is {args.file}? Say --kind: one of {', '.join(KINDS)}")
    taken = await take_table(
        desk.registry, desk.clock, desk.actor, cast("Kind", kind), read_input(args.file), dry_run=args.dry_run
    )
    words = "Would add" if taken.dry_run else "Added"
    tell(args, taken, f"{words} {taken.added}, {'change' if taken.dry_run else 'changed'} {taken.changed}; "
                      f"{taken.same} are as they were.")  # fmt: skip
