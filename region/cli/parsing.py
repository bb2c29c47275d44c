"""What the commands' arguments are made of."""

from __future__ import annotations

import argparse
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from region.cli.desk import Desk

DATA = Path("/var/lib/laegeknap-region")
Actions: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Act: TypeAlias = "Callable[[Desk], Awaitable[None]]"


def actions_of(parser: argparse.ArgumentParser) -> Actions:
    """Where a command's actions go: `add`, `list` ..."""
    return parser.add_subparsers(dest="action", required=True, metavar="action")


def add_action(actions: Actions, name: str, text: str, act: Act, *, begins: bool = False) -> argparse.ArgumentParser:
    """One of them, as `works_on_data`."""
    return works_on_data(actions.add_parser(name, help=text, description=text), act, begins=begins)


def works_on_data(parser: argparse.ArgumentParser, act: Act, *, begins: bool = False) -> argparse.ArgumentParser:
    """Have it carry out `act` on the region's data. `begins`: even where there are none yet."""

    def run(args: argparse.Namespace) -> int:
        from region.cli.desk import on_desk  # the registry is loaded when it is needed

        return on_desk(args, act, begins=begins)

    add_data(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    parser.set_defaults(run=run)
    return parser


def add_data(parser: argparse.ArgumentParser) -> None:
    """Where the region's data are."""
    default = Path(os.environ.get("REGION_DATA", DATA))
    parser.add_argument(
        "--data", type=Path, default=default, help="the region's state (default: %(default)s; REGION_DATA)"
    )
    parser.add_argument(
        "--database", metavar="URL", default=os.environ.get("REGION_DATABASE") or None,
        help="postgresql://user@host/name (REGION_DATABASE; the password in PGPASSFILE); default: SQLite in --data",
    )  # fmt: skip


def positive(text: str) -> int:
    """A number of an argument, at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
