"""The hash chain of the audit: what a row's seal is, and where a chain does not hold. Pure.

Row N is sealed over its number, all that it tells, and the seal of row N - 1. Whoever changes, removes, adds or moves a
row has to seal every later one anew, and then the last seal (the head) is another than the one that somebody keeps.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

BEFORE_ALL = "0" * 64  # what the first row follows
_TELLS = ("id", "at", "actor", "action", "station_id", "call_id", "outcome", "detail")
_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")

Fault = Literal["changed", "missing", "inserted", "reordered", "cut_off", "rewritten"]


def seal(previous: str, row: Mapping[str, Any]) -> str:
    """The seal of a row: SHA-256, hexadecimal, over the seal before it and the row as JSON with its keys in order."""
    told = {name: float(row[name]) if name == "at" else row[name] for name in _TELLS}
    content = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{content}".encode()).hexdigest()


@dataclass(frozen=True)
class Head:
    """The last row and its seal. Kept elsewhere, as `row:seal`, it shows a chain that was cut or sealed anew."""

    row: int
    seal: str

    def __str__(self) -> str:
        return f"{self.row}:{self.seal}"


NOTHING_YET = Head(0, BEFORE_ALL)


def read_head(text: str) -> Head | None:
    """A head as it was written down; None if that is none."""
    found = _HEAD.fullmatch(text.strip())
    return None if found is None else Head(int(found[1]), found[2])


@dataclass(frozen=True)
class Broken:
    """The first row that is not as it was written, or, of one that is gone, where it stood."""

    row: int
    fault: Fault


@dataclass(frozen=True)
class Verdict:
    """What came of looking at every row: how many, the last one, and the first fault."""

    rows: int
    head: Head
    broken: Broken | None


@dataclass(frozen=True)
class Loose:
    """A row that does not follow the one before it. `itself`: what it tells fits its own seal."""

    row: int
    previous: str  # what it says that it follows
    before: Head  # what stands before it
    itself: bool


class Walk:
    """Along the rows, in the order of their numbers, up to the head; None: the head is gone."""

    def __init__(self, head: Head | None) -> None:
        self.last = NOTHING_YET
        self._head = head

    def take(self, row: Mapping[str, Any]) -> Broken | Loose | None:
        """The next row, with `previous` and `seal`; what is wrong with it. After a fault the walk is over."""
        before, number = self.last, row["id"]
        if number != before.row + 1:
            return Broken(number, "inserted") if number < 1 else Broken(before.row + 1, "missing")
        itself = row["seal"] == seal(row["previous"], row)
        if row["previous"] != before.seal:
            return Loose(number, row["previous"], before, itself)
        if self._head is not None and number > self._head.row:
            return Broken(number, "inserted")
        if not itself:
            return Broken(number, "changed")
        self.last = Head(number, row["seal"])
        return None

    def end(self) -> Broken | None:
        """After the last row: whether it is the one that the head names."""
        if self._head is not None and self.last.row < self._head.row:
            return Broken(self.last.row + 1, "cut_off")
        return None if self._head == self.last else Broken(self.last.row, "rewritten")


def judge(loose: Loose, follows: int | None, heir: bool) -> Broken:
    """What happened.

    `follows`: the row whose seal the loose one names, if there is any. `heir`: whether any other row names the seal
    that stands before the loose one.
    """
    before, follows = loose.before, 0 if loose.previous == BEFORE_ALL else follows
    if follows is not None and follows > loose.row:
        return Broken(loose.row, "reordered")
    if heir:
        return Broken(loose.row, "inserted")
    if follows is not None:
        return Broken(follows + 1, "inserted")
    if not loose.itself or before.row == 0:
        return Broken(loose.row, "missing")
    return Broken(before.row, "changed")  # and sealed anew: the row after it still names the seal it had


def kept_elsewhere(kept: Head, seal_now: str | None, last: Head) -> Broken | None:
    """Against a head that somebody has kept; `seal_now` is that of the row with its number."""
    if kept.row > last.row:
        return Broken(last.row + 1, "cut_off")
    return None if seal_now == kept.seal else Broken(kept.row, "rewritten")
