"""What a change changed, as the audit keeps it: field by field what it was and what it became. Pure.

In a row's detail stand `changes`, a list of `{"field", "before", "after"}`, and `more`: how many further fields there
were. A value is a plain one of JSON, None where nothing was said; HIDDEN for one that is a secret or of a resident
(`profiles.recorded`); one too long is an object of its `start`, its `length` in letters, and the beginning
of its SHA-256, by which it can be held against what somebody has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioning.authority.profiles import Change, recorded
from region.registry.records import Clinic, Person, Station

MOST = 60  # fields of one row
LONGEST = 160  # letters of one value, or of a list as JSON
_DIGITS = 16  # of a SHA-256
_OF_A_STATION = ("name", "clinic", "language", "volume", "serial")
_OF_A_PERSON = ("role", "clinic", "display_name", "title", "language")


@dataclass(frozen=True)
class Changes:
    """What changed, fit to be kept; made by the functions below alone. False: nothing did."""

    told: tuple[Mapping[str, Any], ...] = ()
    more: int = 0

    def __bool__(self) -> bool:
        return bool(self.told)

    @property
    def detail(self) -> dict[str, Any]:
        """As it stands in a row."""
        told = {"changes": [dict(one) for one in self.told]} if self.told else {}
        return told | ({"more": self.more} if self.more else {})


NO_CHANGES = Changes()


def of_layer(changes: Sequence[Change]) -> Changes:
    """What changed of what a level says."""
    return _kept(
        (".".join(one.path), recorded(one.path, one.before), recorded(one.path, one.after)) for one in changes
    )  # fmt: skip


def of_station(before: Station, after: Station) -> Changes:
    """What changed of a station, save where it stands: a move is told by itself."""
    return _between(_facts(before, _OF_A_STATION), _facts(after, _OF_A_STATION))


def of_move(before: Station, after: Station) -> Changes:
    """From where to where a station was moved."""
    return _between(_facts(before, ("site", "room")), _facts(after, ("site", "room")))


def of_field(field: str, before: str, after: str) -> Changes:
    """One field of whatever it is: another name, another place to belong to."""
    return _between({field: before}, {field: after})


def of_clinic(before: Clinic, after: Clinic) -> Changes:
    """What changed of a clinic."""
    return _between(_facts(before, ("name", "phone")), _facts(after, ("name", "phone")))


def of_person(before: Person, after: Person) -> Changes:
    """What changed of somebody who may sign in."""
    was, now = (
        {**_facts(one, _OF_A_PERSON), "sites": [site.name for site in one.sites]} for one in (before, after)
    )  # fmt: skip
    return _between(was, now)


def _facts(one: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(one, name) for name in names}


def _between(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    return _kept((name, before[name], after[name]) for name in before if before[name] != after[name])


def _kept(changes: Iterable[tuple[str, Any, Any]]) -> Changes:
    every = list(changes)
    told = [
        {"field": _one_line(field)[:LONGEST], "before": _bounded(before), "after": _bounded(after)}
        for field, before, after in every[:MOST]
    ]  # fmt: skip
    return Changes(tuple(told), len(every) - len(told))


def _bounded(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(text) <= LONGEST:
        return _one_line(value) if isinstance(value, str) else value
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return {"start": _one_line(text[:LONGEST]), "length": len(text), "sha256": digest[:_DIGITS]}


def _one_line(text: str) -> str:
    """What cannot be shown, a line's end too, as a blank: a database may not even take it."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
