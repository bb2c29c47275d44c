"""`region serve`."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from region.cli.parsing import DATA, add_data
from region.serving.options import ROLES, ServeOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.description = "Run the region until Ctrl-C."
    add, d = parser.add_argument, ServeOptions(DATA)
    add_data(parser)
    add(
        "--role", action="append", choices=sorted(ROLES), default=[],
        help="do only this, one process of several; again for each (default: all in one process)",
    )  # fmt: skip
    add("--host", default=d.host, help="where browsers are served (default: %(default)s)")
    add("--port", type=_port, default=d.port, help="for browsers (default: %(default)s)")
    add("--stations-host", help="where stations are served: enrolment and broker (default: as --host)")
    add("--enrol-port", type=_port, default=d.enrol_port, help="for enrolment over HTTPS (default: %(default)s)")
    add("--broker-port", type=_port, default=d.broker_port, help="for the region's own broker (default: %(default)s)")
    add("--broker", metavar="HOST:PORT", help="use this broker and start none")
    add("--public-url", metavar="URL", help="what people type to get here, e.g. https://region.example")
    add("--tls-cert", type=Path, metavar="FILE", help="serve browsers over HTTPS with this certificate (PEM)")
    add("--tls-key", type=Path, metavar="FILE", help="its key (PEM)")
    add(
        "--turn-url", action="append", default=[], metavar="URL", help="a relay for calls, e.g. turn:relay.example:3478"
    )
    add("--turn-secret-file", type=Path, metavar="FILE", help="the secret shared with the relay (coturn's REST scheme)")
    add(
        "--relay-only",
        action="store_true",
        help="let calls go by the relay alone: neither end learns the other's address",
    )
    add("--authority", type=Path, metavar="FILE", help="ask the authority on this socket and start none")
    add("--language", choices=("en", "da"), help="of pages, for those who have chosen none (default: the browser's)")
    add(
        "--second-step", choices=("required", "offered"), default="required",
        help="whether IT must give a code of an authenticator when signing in (default: %(default)s)",
    )  # fmt: skip
    add("--oidc", type=Path, metavar="FILE", help="let people sign in with the region's own sign-in (OpenID Connect)")
    add(
        "--security-contact", action="append", default=[], metavar="URI",
        help="whom to tell of a weakness (/.well-known/security.txt): mailto:..., https://... or tel:...; repeatable",
    )  # fmt: skip
    add("--security-expires", metavar="DAY", help="until when that holds, e.g. 2027-11-01; less than a year ahead")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from region.serving.app import serve

    options = ServeOptions(
        data=args.data, database=args.database, host=args.host, port=args.port,
        stations_host=args.stations_host or args.host, enrol_port=args.enrol_port, broker_port=args.broker_port,
        broker=args.broker, authority=args.authority, public_url=args.public_url, turn_urls=tuple(args.turn_url),
        turn_secret_file=args.turn_secret_file, relay_only=args.relay_only, tls_certificate=args.tls_cert,
        tls_key=args.tls_key, language=args.language, second_step=args.second_step == "required",
        oidc=args.oidc, security_contacts=tuple(args.security_contact), security_expires=args.security_expires,
        roles=frozenset(args.role) or ROLES,
    )  # fmt: skip
    asyncio.run(serve(options, lambda where: print(f"The region is ready: {where.public_url}", flush=True)))
    return 0


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is from 1 to 65535")
    return port
