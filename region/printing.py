"""What the commands share: what they work with, and how they print."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from messaging.clock import Clock
from region.errors import Usage
from region.registry import Registry

ACTOR = "command line"
_MOST_SHOWN = 10


@dataclass(frozen=True)
class Desk:
    """What a command works with."""

    args: argparse.Namespace
    registry: Registry
    clock: Clock


def tell(args: argparse.Namespace, data: Any, text: str) -> None:
    """Print JSON for scripts where they asked for it, else the text."""
    print(json.dumps(plain(data), ensure_ascii=False, indent=1) if args.json else text)


def plain(data: Any) -> Any:
    """As JSON takes it."""
    if dataclasses.is_dataclass(data) and not isinstance(data, type):
        return dataclasses.asdict(data)
    return [plain(item) for item in data] if isinstance(data, list) else data


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Columns as wide as they need be."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


async def confirm(args: argparse.Namespace, what: str, stations: Sequence[str]) -> None:
    """Usage unless somebody says yes: a slip of the hand must not reach a whole town. One station is not asked for."""
    if len(stations) < 2 or args.yes:
        return
    shown = ", ".join(stations[:_MOST_SHOWN]) + (" …" if len(stations) > _MOST_SHOWN else "")
    print(f"{what}: {len(stations)} stations, {shown}", file=sys.stderr)
    if not await agreed("Go on?"):
        raise Usage("nothing was done: say --yes, or answer y")


async def agreed(question: str) -> bool:
    """Whether somebody says yes; nobody does where there is no terminal."""
    answer = await asyncio.to_thread(input, f"{question} [y/N] ") if sys.stdin.isatty() else ""
    return answer.strip().lower() in ("y", "yes", "j", "ja")


def positive(text: str) -> int:
    """A number of an argument, at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
