"""`region broker-access`: what answers a RabbitMQ, on its own machine."""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
from pathlib import Path

from messaging.sd_notify import notify
from region.broker_access import build_access
from region.doors.http import http_server, serve_on
from region.doors.ports import take_port
from region.errors import Usage

_HOST = "127.0.0.1"  # it says without a password who is shut out: to this machine only
_PORT = 8404


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument(
        "--acl",
        type=Path,
        required=True,
        metavar="FILE",
        help="broker/acl in the data of a region serve --role stations",
    )
    parser.add_argument("--port", type=int, default=_PORT, help=f"of {_HOST} (default: %(default)s)")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    if not args.acl.is_file():
        raise Usage(f"{args.acl} is not there: a region serve --role stations writes it, as broker/acl in its --data")
    with take_port(_HOST, args.port, "what RabbitMQ asks", "--port") as listener:
        asyncio.run(_serve(args.acl, listener))
    return 0


async def _serve(acl: Path, listener: socket.socket) -> None:
    server = http_server(build_access(acl))

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    serving = asyncio.create_task(serve_on(server, listener))
    await server.listening.wait()
    notify("READY=1")
    await serving
