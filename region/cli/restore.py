"""`region restore`: by itself, for the database that is there may be of no use."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from messaging.clock import SystemClock
from region.alone import alone_with, of_database
from region.cli.parsing import add_data
from region.cli.printing import tell
from region.cli.typist import typist
from region.errors import Usage
from region.registry import Registry, database_url
from region.registry.backup import restore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    add_data(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--after-pg-restore", action="store_true", help="PostgreSQL: pg_restore has been run already")
    parser.set_defaults(run=_restore)


def _put_back(database: Path, file: Path) -> None:
    """A region that runs meanwhile would go on by what it knew, and sign in whom the backup does not have."""
    with alone_with(of_database(database)):
        restore(database, file)


def _restore(args: argparse.Namespace) -> int:
    if (args.file is None) != args.after_pg_restore:
        raise Usage("name the backup's file; or, with PostgreSQL, run pg_restore and say --after-pg-restore")
    os.umask(0o077)
    return asyncio.run(_restored(args))


async def _restored(args: argparse.Namespace) -> int:
    registry, clock = Registry(database_url(args.data, args.database)), SystemClock()
    try:
        if args.file is not None:
            registry.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            await asyncio.to_thread(_put_back, registry.file, args.file)
        await registry.migrate()
        async with registry.begin() as t:
            await t.after_restore.settle(clock.wall())
            await t.audit.add(typist().actor, "restore", "done", clock.wall())
            stations = await t.stations.count()
    finally:
        await registry.close()
    tell(
        args, {"stations": stations}, f"Restored. {stations} stations are told their config anew when the region runs."
    )
    return 0
