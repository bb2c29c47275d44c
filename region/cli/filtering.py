"""The filter of stations as somebody types it; what it can say: `region.registry.filters`."""

from __future__ import annotations

import argparse

from region.registry.filters import KEYS, STATES, Filter, read_words

_PLACES = ("cluster", "municipality", "site")


def add_filter(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    for place in _PLACES:
        parser.add_argument(f"--{place}", action="append", metavar="NAME", help=f"every station of this {place}")
    parser.add_argument(
        "--where", action="append", metavar="KEY=VALUE",
        help=f"those of which this holds; of {', '.join(KEYS)}; state is one of {', '.join(STATES)}",
    )  # fmt: skip


def read_filter(args: argparse.Namespace) -> Filter:
    """What was typed; Invalid for a key or a state that there is not."""
    given = vars(args)
    places = [f"{place}={name}" for place in _PLACES for name in given[place] or ()]
    return read_words([*places, *(args.where or ())])
