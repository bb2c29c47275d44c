"""`region evaluation`: the figures on the command line, the same rows as on the page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from region.cli.desk import Desk
from region.cli.parsing import works_on_data
from region.cli.printing import tell
from region.columns import table
from region.errors import Usage
from region.evaluation import gather
from region.evaluation.publishing import Place, Row
from region.evaluation.table import to_csv
from region.evaluation.weeks import period
from region.registry import NotFound

_SHOWN = {
    "WEEK": "week", "PLACE": "name", "STATIONS": "stations", "CALLS": "calls", "RESIDENTS": "residents_calls",
    "ANSWERED": "residents_answered_share", "WAIT s": "residents_wait_median_s", "TALK s": "talk_median_s",
    "COMPLETED": "completed", "NOBODY": "nobody_answered", "FAULT": "technical_fault", "CANCELLED": "cancelled",
}  # fmt: skip
HEAD = tuple(_SHOWN)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    works_on_data(parser, _evaluation)
    week = "a week, 2026-W47, or a day in it, 2026-11-18"
    parser.add_argument("--from", dest="first", default="", metavar="WEEK", help=f"{week} (default: twelve weeks)")
    parser.add_argument("--to", dest="last", default="", metavar="WEEK", help=f"{week} (default: the last finished)")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--site", metavar="NAME", help="of this site only (default: the region and every place)")
    place.add_argument("--clinic", metavar="NAME", help="of this clinic only")
    parser.add_argument("--csv", action="store_true", help="print CSV, with every column, for spreadsheets")


async def _evaluation(desk: Desk) -> None:
    args = desk.args
    if args.csv and args.json:
        raise Usage("--csv or --json, not both")
    weeks = period(args.first, args.last, desk.clock.wall())
    rows = await gather.rows(desk.registry, weeks, _chosen(await gather.places(desk.registry), args))
    if args.csv:
        sys.stdout.write(to_csv(rows))
    else:
        tell(args, rows, table(HEAD, as_lines(rows)))


def as_lines(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """The columns a person looks at first, below `HEAD`."""
    return [tuple(str(getattr(row, name)) or "(region)" for name in _SHOWN.values()) for row in rows]


def _chosen(places: list[Place], args: argparse.Namespace) -> list[Place]:
    scope, name = ("site", args.site) if args.site is not None else ("clinic", args.clinic)
    if name is None:
        return places
    chosen = [place for place in places if (place.scope, place.name) == (scope, name)]
    if not chosen:
        raise NotFound(f"no {scope} {name}: see region {scope} list")
    return chosen
