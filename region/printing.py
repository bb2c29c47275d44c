"""What the commands share: what they work with, and how they print."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from messaging.clock import Clock
from region.registry import Registry

ACTOR = "command line"


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


def positive(text: str) -> int:
    """A number of an argument, at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
