"""`region card`: codes by the dozen, and the file that is the same on every card."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from messaging.claim import REGION_FILE
from messaging.times import rfc_3339
from region import addresses
from region.addresses import Addresses
from region.cli.desk import Desk
from region.cli.files import write_new
from region.cli.parsing import actions_of, add_action
from region.cli.printing import tell
from region.cli.services import root_sha256
from region.errors import Usage
from region.registry.filters import Filter
from region.stations.cards import MOST_CARDS, MOST_DAYS, SHEET, CardService, Order
from region.stations.sheet import draw_sheet
from region.stations.sheet_words import sheet_words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    text = "make stations, a code file for each card, and a sheet of labels"
    prepare = add_action(actions, "prepare", text, _prepare)
    prepare.add_argument("--site", required=True, help="the site's name")
    which = prepare.add_mutually_exclusive_group(required=True)
    which.add_argument("--count", type=int, default=0, metavar="N", help=f"so many rooms (at most {MOST_CARDS})")
    which.add_argument("--room", action="append", default=[], metavar="NAME", help="this room; may be repeated")
    which.add_argument(
        "--missing", action="store_true", help="cards for the site's stations that have none that could be used"
    )
    prepare.add_argument("--called", help="what numbered rooms are called (default: Stue, or Room in English)")
    prepare.add_argument("--clinic", default="", help="the clinic that their buttons call (default: as the site says)")
    prepare.add_argument("--into", type=Path, default=Path("cards"), metavar="DIR", help="(default: %(default)s)")
    prepare.add_argument(
        "--expires", type=int, default=Order("").days, metavar="DAYS",
        help=f"how long a code can be used, at most {MOST_DAYS} (default: %(default)s)",
    )  # fmt: skip
    prepare.add_argument("--language", choices=("da", "en"), default="da", help="of the sheet (default: %(default)s)")
    prepare.add_argument("--show-codes", action="store_true", help="print the codes on the sheet: it is a secret then")
    text = "write the file, the same on every card, that lets stations ask to be claimed"
    region = add_action(actions, "region", text, _region)
    region.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")


async def _prepare(desk: Desk) -> None:
    args, where = desk.args, _addresses(desk)
    order = Order(
        args.site, args.clinic, args.count, args.called or sheet_words(args.language).room, tuple(args.room),
        args.missing, args.expires,
    )  # fmt: skip
    service = CardService(desk.registry, desk.clock, await root_sha256(desk), where)
    draw = partial(draw_sheet, language=args.language, with_codes=args.show_codes)
    batch = await service.prepare(desk.actor, order, args.into, draw)
    cards = [{"number": one.number, "station": one.station, "room": one.room, "folder": one.folder}
             for one in batch.cards]  # fmt: skip
    silent = await _without_a_clinic(desk, [one.station for one in batch.cards])
    data = {
        "site": batch.site, "into": str(args.into), "expires_at": rfc_3339(batch.expires), "cards": cards,
        "no_clinic": silent,
    }  # fmt: skip
    made = "Made one card" if len(cards) == 1 else f"Made {len(cards)} cards"
    told = [
        f"{made} for {batch.site} in {args.into}. Each holds a secret that works once.",
        f"Print {args.into / SHEET}.",
    ]
    if silent:
        told.append(f"{len(silent)} of the stations have no clinic to call yet: region profile set --site "
                    f"{shlex.quote(batch.site)} clinic=NAME")  # fmt: skip
    tell(args, data, "\n".join(told))


async def _without_a_clinic(desk: Desk, stations: Sequence[str]) -> list[str]:
    """Those whose buttons would call nobody."""
    async with desk.registry.read() as t:
        found = await t.finding.find(Filter(state=("no_clinic",), station=tuple(stations)), desk.clock.wall())
    return [one.id for one in found]


async def _region(desk: Desk) -> None:
    where, out = _addresses(desk), desk.args.out
    content = CardService(desk.registry, desk.clock, await root_sha256(desk), where).region_file()
    if out is None:
        tell(desk.args, {"toml": content}, content.rstrip())
        return
    write_new(out, content.encode())
    tell(desk.args, {"file": str(out)}, f"Wrote {out}. Put it on every card's boot partition, as {REGION_FILE}.")


def _addresses(desk: Desk) -> Addresses:
    """Where the region is reached; cards by the dozen must not be made by a guess."""
    if not addresses.are_known(desk.args.data):
        raise Usage("nobody has said yet where this region is reached: start `region serve` once, with its addresses")
    return addresses.load(desk.args.data)
