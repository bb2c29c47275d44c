"""The commands on cards: codes by the dozen, and the file that is the same on every card."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from messaging.claim import REGION_FILE
from provisioning.authority import vault
from region import addresses
from region.addresses import Addresses
from region.errors import Usage
from region.printing import ACTOR, Desk, tell
from region.registry import Conflict
from region.stations.cards import MOST_CARDS, MOST_DAYS, SHEET, CardService, Order
from region.stations.sheet import draw_sheet
from region.stations.sheet_words import sheet_words

Leaf = Callable[..., argparse.ArgumentParser]


def add_arguments(commands: Any, group: Callable[..., Any], leaf: Leaf) -> None:
    """The parsers; `group` and `leaf` are the house's."""
    card = group(commands, "card", "cards for stations, by the dozen")
    prepare = leaf(card, "prepare", "make stations, a code file for each card, and a sheet of labels", group="card")
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
    region = leaf(card, "region", "write the file, the same on every card, that lets stations ask to be claimed",
                  group="card")  # fmt: skip
    region.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")


async def _prepare(desk: Desk) -> None:
    args, where = desk.args, _addresses(desk)
    order = Order(
        args.site, args.clinic, args.count, args.called or sheet_words(args.language).room, tuple(args.room),
        args.missing, args.expires,
    )  # fmt: skip
    service = CardService(desk.registry, desk.clock, _root_sha256(desk), where)
    draw = partial(draw_sheet, language=args.language, with_codes=args.show_codes)
    batch = await service.prepare(ACTOR, order, args.into, draw)
    cards = [{"number": one.number, "station": one.station, "room": one.room, "folder": one.folder}
             for one in batch.cards]  # fmt: skip
    data = {"site": batch.site, "into": str(args.into), "expires_at": batch.expires, "cards": cards}
    tell(args, data, f"Made {len(cards)} cards for {batch.site} in {args.into}. Each holds a secret that works once.\n"
                     f"Print {args.into / SHEET}.")  # fmt: skip


async def _region(desk: Desk) -> None:
    where, out = _addresses(desk), desk.args.out
    content = CardService(desk.registry, desk.clock, _root_sha256(desk), where).region_file()
    if out is None:
        tell(desk.args, {"toml": content}, content.rstrip())
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:
        raise Conflict(f"{out} is there already: nothing is overwritten") from None
    tell(desk.args, {"file": str(out)}, f"Wrote {out}. Put it on every card's boot partition, as {REGION_FILE}.")


COMMANDS: dict[str, Callable[[Desk], Awaitable[None]]] = {"card prepare": _prepare, "card region": _region}


def _addresses(desk: Desk) -> Addresses:
    """Where the region is reached; cards by the dozen must not be made by a guess."""
    if not addresses.are_known(desk.args.data):
        raise Usage("nobody has said yet where this region is reached: start `region serve` once, with its addresses")
    return addresses.load(desk.args.data)


def _root_sha256(desk: Desk) -> str:
    vault.make_if_absent(desk.args.data / "ca", desk.clock)
    return vault.public_trust(desk.args.data / "ca").root_sha256
