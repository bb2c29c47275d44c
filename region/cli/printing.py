"""How the commands answer and ask."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import getpass
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from region.errors import Usage

if TYPE_CHECKING:
    from region.registry.records import ApiToken, Person

_MOST_SHOWN = 10


def tell(args: argparse.Namespace, data: Any, text: str) -> None:
    """Print JSON for scripts where they asked for it, else the text."""
    print(json.dumps(plain(data), ensure_ascii=False, indent=1) if args.json else text)


def plain(data: Any) -> Any:
    """As JSON takes it, and as the API has it: times are RFC 3339."""
    if dataclasses.is_dataclass(data) and not isinstance(data, type):
        return _adapter(type(data)).dump_python(data, mode="json")
    return [plain(item) for item in data] if isinstance(data, list) else data


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def moment(at: float) -> str:
    """A time for people, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def places(whose: Person | ApiToken) -> str:
    """The names of the places that somebody, or a token, is bound to."""
    return ", ".join(filter(None, (whose.clinic, *(site.name for site in whose.sites)))) or "-"


def configs_changed(count: int) -> str:
    """A sentence on the stations that a change has reached."""
    return "No station's config changes." if not count else f"Stations whose config changes: {count}."


def remark(text: str) -> None:
    """What whoever typed it should know, beside what it prints: that may go into a file."""
    print(text, file=sys.stderr)


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


def ask_twice(prompt: str) -> str:
    """A new secret, typed where nobody sees it; Usage when it is not the same both times."""
    secret = getpass.getpass(prompt)
    if getpass.getpass("Again: ") != secret:
        raise Usage("the two are not the same")
    return secret
