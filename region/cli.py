"""The `region` command. Exit codes: 0 done, 1 it failed, 2 it was asked wrongly or a port is taken."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import pwd
import sys
from pathlib import Path
from typing import TypeAlias, get_args

from messaging.errors import MessageError
from messaging.version import version
from provisioning.authority.errors import AuthorityError
from region import (
    api_commands,
    audit_commands,
    card_commands,
    claim_commands,
    command_commands,
    diagnostics_commands,
    layout_commands,
)
from region.authority import ca
from region.authority.wire import SOCKET
from region.errors import RegionError
from region.evaluation import command as evaluation
from region.filtering import add_filter
from region.options import ROLES, ServeOptions
from region.printing import positive as _positive
from region.registry import RegistryError
from region.registry.records import Role

_Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
DATA = Path("/var/lib/laegeknap-region")
_DEMOS = {
    "demo": ("region.demo", "a region and a simulated station, to try it out"),
    "demo-fleet": ("region.demo.fleet", "a region and a fleet that enrols, is configured, commanded and renewed"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    args = _parser(demo="".join(arguments[:1])).parse_args(arguments)
    _set_up_logging(quiet=args.command not in ("serve", "authority"))
    try:
        code: int = args.run(args)
    except RegionError as error:
        print(f"region: {error}", file=sys.stderr)
        return error.exit_code
    except (RegistryError, AuthorityError, MessageError) as error:
        print(f"region: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"region: {error.filename or ''}: {error.strerror or error}".replace(": :", ":"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _serve(args: argparse.Namespace) -> int:
    from region.app import serve

    options = ServeOptions(
        data=args.data, database=args.database, host=args.host, port=args.port,
        stations_host=args.stations_host or args.host, enrol_port=args.enrol_port, broker_port=args.broker_port,
        broker=args.broker, authority=args.authority, public_url=args.public_url, turn_urls=tuple(args.turn_url),
        turn_secret_file=args.turn_secret_file, relay_only=args.relay_only, tls_certificate=args.tls_cert,
        tls_key=args.tls_key, language=args.language, second_step=args.second_step == "required",
        oidc=args.oidc,
        roles=frozenset(args.role) or ROLES,
    )  # fmt: skip
    asyncio.run(serve(options, lambda where: print(f"The region is ready: {where.public_url}", flush=True)))
    return 0


def _authority(args: argparse.Namespace) -> int:
    from region.authority.process import serve_keys

    path = args.socket or args.data / SOCKET
    users = [pwd.getpwnam(name).pw_uid for name in args.allow_user]
    args.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(serve_keys(args.data, path, child=args.child, users=users))
    return 0


def _demo(args: argparse.Namespace) -> int:
    code: int = importlib.import_module(_DEMOS[args.command][0]).main(args)
    return code


def _command(args: argparse.Namespace) -> int:
    """Any of the commands on the region's data."""
    from region.commands import prepare, run

    prepare(args)
    return asyncio.run(run(args))


def _parser(*, demo: str = "") -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="region", description="The region's server of Lægeknap, and its upkeep.")
    parser.add_argument("--version", action="version", version=f"region {version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    _add_serve(commands.add_parser("serve", help="run the region", description="Run the region until Ctrl-C."))
    for name, (module, text) in _DEMOS.items():
        parsed = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        parsed.set_defaults(run=_demo)
        if name == demo:  # no other command needs what it imports
            importlib.import_module(module).add_arguments(parsed)
    _add_authority(commands)
    ca.add_arguments(commands, _add_data)
    _leaf(commands, "migrate", "bring the database up to this version")
    layout_commands.add_arguments(commands, _group, _leaf, _add_places(commands), _add_station(commands))
    claim_commands.add_arguments(commands, _group, _leaf)
    card_commands.add_arguments(commands, _group, _leaf)
    command_commands.add_arguments(commands, _group, _leaf)
    diagnostics_commands.add_arguments(commands, _group, _leaf)
    _add_user(commands)
    link = _leaf(commands, "link", "print a link that signs somebody in, once")
    link.add_argument("name", help="the sign-in name")
    link.add_argument("--minutes", type=_positive, default=15, help="how long it can be used (default: %(default)s)")
    audit_commands.add_arguments(commands, _group, _leaf)
    api_commands.add_arguments(commands, _group)
    evaluation.add_arguments(_leaf(commands, "evaluation", "print the pilots' figures, of whole weeks"))
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    add, d = parser.add_argument, ServeOptions(DATA)
    _add_data(parser)
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
    parser.set_defaults(run=_serve)


def _add_authority(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "hold the authority's keys and sign for region serve, which otherwise runs this by itself"
    parser = commands.add_parser("authority", help=text, description=text)
    _add_data(parser)
    parser.add_argument("--socket", type=Path, metavar="FILE", help=f"where to listen (default: {SOCKET} in --data)")
    parser.add_argument(
        "--allow-user", action="append", default=[], metavar="USER", help="whom to answer beside root and oneself"
    )
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=_authority)


def _add_places(commands: _Subparsers) -> _Subparsers:
    site = _group(commands, "site", "the places where stations stand")
    _leaf(site, "add", "add a site", group="site").add_argument("name")
    _leaf(site, "list", "list the sites", group="site")
    clinic = _group(commands, "clinic", "whom buttons call")
    add = _leaf(clinic, "add", "add a clinic", group="clinic")
    add.add_argument("name")
    add.add_argument("--phone", default="", help="shown at the station when a call cannot be made")
    _leaf(clinic, "list", "list the clinics", group="clinic")
    change = _leaf(clinic, "set", "change a clinic's name or telephone; its stations are told", group="clinic")
    change.add_argument("name", help="the clinic, by its present name")
    change.add_argument("--name", dest="new_name", metavar="NAME", help="its new name")
    change.add_argument("--phone", help="an empty one: none")
    return site


def _add_station(commands: _Subparsers) -> _Subparsers:
    station = _group(commands, "station", "the stations")
    add = _leaf(station, "add", "add a station", group="station")
    add.add_argument("name", help="the room or place")
    add.add_argument("--site", required=True, help="the site's name")
    _add_settings(add)
    add_filter(_leaf(station, "list", "list the stations, all or those of a filter", group="station"))
    _leaf(station, "show", "tell how a station is", group="station").add_argument("station")
    code = _leaf(station, "code", "make a code file, in place of any before it", group="station")
    code.add_argument("station")
    code.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")
    revoke = _leaf(station, "revoke", "shut a station out for good: lost, stolen, retired", group="station")
    revoke.add_argument("station")
    revoke.add_argument("--why", choices=("lost", "stolen", "retired", "cloned", "other"), default="other")
    release = _leaf(station, "release", "let a station in again that was in quarantine or revoked", group="station")
    release.add_argument("station")
    change = _leaf(station, "set", "change what a station works by", group="station")
    change.add_argument("station")
    change.add_argument("--name", help="the room or place")
    change.add_argument("--site", help="the site's name")
    _add_settings(change)
    return station


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clinic", help="the name of the clinic its button calls; an empty name: none")
    parser.add_argument("--language", choices=("da", "en"), help="on its screen")
    parser.add_argument("--volume", type=int, help="0 to 100")
    parser.add_argument("--room", help="the room it stands in (default: of its name)")
    parser.add_argument("--serial", help="the serial number of its computer; an empty one: not known")


def _add_user(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    user = _group(commands, "user", "who may sign in")
    add = _leaf(user, "add", "add a user, without a password until one is set", group="user")
    add.add_argument("name", help="the sign-in name")
    add.add_argument("--role", choices=get_args(Role), required=True)
    _add_binding(add)
    add.add_argument("--display-name", default="", help="what residents see")
    add.add_argument("--title", default="", help="what residents see with it, e.g. GP")
    add.add_argument("--password-stdin", action="store_true", help="read a password from standard input")
    _leaf(user, "list", "list the users", group="user")
    password = _leaf(user, "password", "set a password", group="user")
    password.add_argument("name")
    password.add_argument("--stdin", action="store_true", help="read it from standard input instead of asking")
    change = _leaf(user, "set", "change what a user may do, and where", group="user")
    change.add_argument("name")
    change.add_argument("--role", choices=get_args(Role), help="another role: every browser is signed out")
    _add_binding(change)
    reset = _leaf(user, "reset-second-step", "for a lost telephone: the next sign-in sets it up anew", group="user")
    reset.add_argument("name")
    bind = _leaf(user, "bind", "say who a user is at the region's own sign-in", group="user")
    bind.add_argument("name")
    bind.add_argument("subject", help="who it is there: the log says it when somebody is refused")
    bind.add_argument("--issuer", required=True, help="the provider's address, as in the file of --oidc")
    for action, text in (
        ("block", "shut a user out, at once"), ("unblock", "let a user in again"),
        ("sign-out", "end all that a user has open"),
    ):  # fmt: skip
        _leaf(user, action, text, group="user").add_argument("name")


def _add_binding(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clinic", help="the clinic's name; a clinician needs one; an empty name: none")
    parser.add_argument(
        "--site", action="append", metavar="NAME", help="a site's name, again for each; a site's staff need one"
    )


def _group(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    parser = commands.add_parser(name, help=text, description=text)
    return parser.add_subparsers(dest="action", required=True, metavar="action")


def _leaf(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, group: str = ""
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    _add_data(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    parser.set_defaults(run=_command, does=f"{group} {name}".strip())
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    default = Path(os.environ.get("REGION_DATA", DATA))
    parser.add_argument(
        "--data", type=Path, default=default, help="the region's state (default: %(default)s; REGION_DATA)"
    )
    parser.add_argument(
        "--database", metavar="URL", default=os.environ.get("REGION_DATABASE") or None,
        help="postgresql://user@host/name (REGION_DATABASE; the password in PGPASSFILE); default: SQLite in --data",
    )  # fmt: skip


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is from 1 to 65535")
    return port


def _set_up_logging(*, quiet: bool) -> None:
    level = os.environ.get("REGION_LOG", "WARNING" if quiet else "INFO").upper()
    known = level if level in logging.getLevelNamesMapping() else "INFO"
    journal = "JOURNAL_STREAM" in os.environ
    form = "%(name)s: %(message)s" if journal else "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    logging.basicConfig(level=known, format=form, stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("fido2").setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
