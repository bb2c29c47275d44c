"""How `messaging.twin.Config` marks a field that a path of a document leads to: which values are whose. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, cast, get_args, get_origin, get_type_hints

from messaging.twin import Config

Mark = Literal["open", "secret", "resident", "unknown"]


def mark_of(path: tuple[str, ...], value: Any) -> Mark:
    """The mark of the field at that path; `unknown`: this version has none there, or none of the value's shape."""
    kind, within = cast("type | None", Config), frozenset[str]()
    is_key = False  # the next name is a mapping's key, as an SSID
    for name in path:
        if is_key:
            is_key = False
            continue
        one = None if kind is None else next((one for one in fields(kind) if one.name == name), None)
        if kind is None or one is None:
            return "unknown"
        if mark := _marked(one):
            return mark
        hint = hints_of(kind)[name]
        within = _open_within(hint)
        kind, is_key = object_of(hint) or (None, False)
    return "open" if value == {} or (kind is None and within.issuperset(_names(value))) else "unknown"


@cache
def hints_of(kind: type) -> dict[str, Any]:
    """The types of its fields, with their bounds."""
    return get_type_hints(kind, include_extras=True)


def object_of(hint: Any) -> tuple[type, bool] | None:
    """The dataclass behind a field that is an object, and whether it is a mapping of such."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) is dict:
        inner = object_of(get_args(hint)[1])
        return None if inner is None else (inner[0], True)
    return (hint, False) if isinstance(hint, type) and is_dataclass(hint) else None


def _marked(one: Field[Any]) -> Literal["secret", "resident"] | None:
    return "secret" if one.metadata.get("secret") else "resident" if one.metadata.get("resident") else None


def _open_within(hint: Any) -> frozenset[str]:
    """The names that the objects of a list may have, as a span of opening hours."""
    if isinstance(hint, type) and is_dataclass(hint):
        return frozenset(one.name for one in fields(hint) if _marked(one) is None)
    return frozenset().union(*(_open_within(one) for one in get_args(hint)))


def _names(value: Any) -> Iterator[str]:
    """Every name of every object in it."""
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _names(inner)
