"""`region migrate`."""

from __future__ import annotations

import argparse

from region.cli.desk import Desk
from region.cli.parsing import works_on_data
from region.cli.printing import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes: nothing besides where."""
    works_on_data(parser, _migrate, begins=True)


async def _migrate(desk: Desk) -> None:
    """Whatever is to work on the data migrates them first."""
    tell(desk.args, {"revision": desk.revision}, f"The database is at revision {desk.revision}.")
