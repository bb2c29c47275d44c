"""From what was typed to an exit code: 0 done, 1 it failed, 2 it was asked wrongly or a port is taken."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable

from messaging.errors import MessageError
from messaging.log_lines import OneLine
from provisioning.authority.errors import AuthorityError
from region.cli.commands import build_parser
from region.errors import RegionError


def main(argv: list[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    parser = build_parser("".join(arguments[:1]))
    args, left_over = parser.parse_known_args(arguments)
    take: Callable[[argparse.Namespace, list[str]], None] | None = vars(args).get("take_left_over")
    if left_over and take is None:
        parser.error(f"unrecognized arguments: {' '.join(left_over)}")
    _set_up_logging(quiet=args.command not in ("serve", "authority", "broker-access"))
    try:
        if left_over and take is not None:
            take(args, left_over)
        code: int = args.run(args)
    except RegionError as error:
        print(f"region: {error}", file=sys.stderr)
        return error.exit_code
    except _refusals() as error:
        print(f"region: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"region: {error.filename or ''}: {error.strerror or error}".replace(": :", ":"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _refusals() -> tuple[type[Exception], ...]:
    """Those of the floors below. Looked up once something was raised: not every command needs the registry."""
    from region.registry import RegistryError

    return RegistryError, AuthorityError, MessageError


def _set_up_logging(*, quiet: bool) -> None:
    level = os.environ.get("REGION_LOG", "WARNING" if quiet else "INFO").upper()
    known = level if level in logging.getLevelNamesMapping() else "INFO"
    journal = "JOURNAL_STREAM" in os.environ
    form = "%(name)s: %(message)s" if journal else "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(form))
    logging.basicConfig(level=known, handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("fido2").setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
