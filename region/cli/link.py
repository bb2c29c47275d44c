"""`region link`."""

from __future__ import annotations

import argparse

from messaging.times import rfc_3339
from region import addresses
from region.cli.desk import Desk
from region.cli.parsing import positive, works_on_data
from region.cli.printing import tell
from region.people.service import PeopleService


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    works_on_data(parser, _link)
    parser.add_argument("name", help="the sign-in name")
    parser.add_argument("--minutes", type=positive, default=15, help="how long it can be used (default: %(default)s)")


async def _link(desk: Desk) -> None:
    person = await desk.person()
    lives_s = desk.args.minutes * 60.0
    url = addresses.load(desk.args.data).public_url
    link = await PeopleService(desk.registry, desk.clock).link(desk.actor, person.id, url, lives_s)
    tell(desk.args, {"link": link, "expires_at": rfc_3339(desk.clock.wall() + lives_s)}, link)
