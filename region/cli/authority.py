"""`region authority`: the process that holds the keys."""

from __future__ import annotations

import argparse
import asyncio
import pwd
from pathlib import Path

from region.authority.process import serve_keys
from region.authority.wire import SOCKET
from region.cli.parsing import add_data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    add_data(parser)
    parser.add_argument("--socket", type=Path, metavar="FILE", help=f"where to listen (default: {SOCKET} in --data)")
    parser.add_argument(
        "--allow-user", action="append", default=[], metavar="USER", help="whom to answer beside root and oneself"
    )
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    path = args.socket or args.data / SOCKET
    users = [pwd.getpwnam(name).pw_uid for name in args.allow_user]
    args.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(serve_keys(args.data, path, child=args.child, users=users))
    return 0
