"""`region token`: what scripts come with to the API."""

from __future__ import annotations

import argparse
from typing import get_args

from region.cli.desk import Desk
from region.cli.parsing import actions_of, add_action, positive
from region.cli.printing import moment, places, tell
from region.columns import table
from region.people.tokens import DAYS, MOST_DAYS, TokenService, WantedToken
from region.registry.records import TokenRole

_HEAD = ("TOKEN", "FOR", "ROLE", "WHERE", "MADE BY", "UNTIL", "LAST USED", "STATE")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    add = add_action(actions, "add", "make a token and print it, this once", _add)
    add.add_argument("name", help="what it is for")
    add.add_argument("--role", choices=get_args(TokenRole), required=True)
    add.add_argument("--site", action="append", metavar="NAME", help="a site it is bound to, again for each")
    add.add_argument("--clinic", metavar="NAME", help="a clinic that an evaluator's is bound to")
    lasts = f"how long it lasts (default: %(default)s; at most {MOST_DAYS})"
    add.add_argument("--days", type=positive, default=DAYS, help=lasts)
    add.add_argument("--read-only", action="store_true", help="it may change nothing")
    add_action(actions, "list", "list the tokens, the newest first", _list)
    revoke = add_action(actions, "revoke", "end a token, at once and for good", _revoke)
    revoke.add_argument("token", help="vs_...")


async def _add(desk: Desk) -> None:
    args = desk.args
    clinic_id, sites = await desk.clinic_id(args.clinic), await desk.site_ids()
    wanted = WantedToken(args.name, args.role, clinic_id, sites or (), args.days, args.read_only)
    made = await _service(desk).make(desk.actor, wanted)
    tell(args, made, made.secret)


async def _list(desk: Desk) -> None:
    tokens = await _service(desk).all()
    rows = (
        (one.id, one.name, f"{one.role}{', reads only' if one.reads_only else ''}", places(one), one.made_by,
         _day(one.expires_at), _day(one.used_at), one.state)
        for one in tokens
    )  # fmt: skip
    tell(desk.args, tokens, table(_HEAD, rows))


async def _revoke(desk: Desk) -> None:
    token = await _service(desk).revoke(desk.actor, desk.args.token.strip())
    tell(desk.args, token, f"{token.id} ({token.name}) is revoked.")


def _day(at: float | None) -> str:
    return "-" if at is None else moment(at)[:10]


def _service(desk: Desk) -> TokenService:
    return TokenService(desk.registry, desk.clock)
