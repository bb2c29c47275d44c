"""What stations should work by, in layers: region, cluster, municipality, site, station. Pure.

A layer's document says some fields of `messaging.twin.Config`, in plain JSON. The layers of a station laid upon each
other, the nearest last, are its config: objects are merged field by field, everything else is replaced whole (a list
too). What no layer says has `Config`'s default. `merge` tells of each value which layer it came from.

Laying upon each other is associative where a field is an object in every layer or in none, which `refusals` sees to.
A field that this version does not know is refused when somebody sets it, but survives where a newer region left it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from messaging.codec import decode
from messaging.errors import MalformedMessage
from messaging.reasons import say
from messaging.settings import HIDDEN, objections
from messaging.signed import MOST_CLAIMS
from messaging.twin import Config
from provisioning.authority.marks import hints_of, mark_of, object_of

Level = Literal["region", "cluster", "municipality", "site", "station"]
LEVELS: tuple[Level, ...] = ("region", "cluster", "municipality", "site", "station")
Path = tuple[str, ...]
Document = dict[str, Any]
# The registry knows these, so no layer says them: where the station stands, and its clinics' telephones.
OF_THE_REGISTRY = {
    "site": say("of_the_site"),
    "station": say("of_the_name"),
    "phone": say("of_the_clinic"),
    "fallback_phone": say("of_the_clinic"),
}
_OF_STATIONS_ALONE = ("auto_answer",)  # consent is one person's, about one room
_DEEPEST = 8
# What of a signed word is left for a config, beside what the registry says itself and the word's own fields.
MOST_BYTES = MOST_CLAIMS - 2048


@dataclass(frozen=True)
class Layer:
    """What one level says."""

    level: Level
    document: Document


@dataclass(frozen=True)
class Merged:
    """The layers laid upon each other, and of each value (by its path) the level that it came from."""

    document: Document
    sources: dict[Path, Level]


@dataclass(frozen=True)
class Change:
    """One value that differs; None: not said."""

    path: Path
    before: Any
    after: Any


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> Document:
    """`above` laid upon `below`; neither is changed."""
    laid = dict(below)
    for key, value in above.items():
        under = laid.get(key)
        both = isinstance(value, dict) and isinstance(under, dict)
        laid[key] = overlay(cast("Document", under), value) if both else value
    return laid


def merge(layers: Sequence[Layer]) -> Merged:
    """Lay the layers upon each other in the order of LEVELS, whatever order they come in."""
    document: Document = {}
    sources: dict[Path, Level] = {}
    for layer in sorted(layers, key=lambda one: LEVELS.index(one.level)):
        document = overlay(document, layer.document)
        sources.update(dict.fromkeys(dict(leaves(layer.document)), layer.level))
    there = dict(leaves(document))
    return Merged(document, {path: sources[path] for path in there})


def leaves(document: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no object, or an empty one, with its path."""
    for key, value in document.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What is not the same in two documents, by path; secrets are hidden."""
    old, new = dict(leaves(before)), dict(leaves(after))
    return [
        Change(path, shown(path, old.get(path)), shown(path, new.get(path)))
        for path in sorted({*old, *new})
        if (path in old, old.get(path)) != (path in new, new.get(path))
    ]


def put(document: Mapping[str, Any], path: Path, value: Any) -> Document:
    """The document with that value set."""
    for name in reversed(path):
        value = {name: value}
    return overlay(without(document, path), cast("Document", value))


def without(document: Mapping[str, Any], path: Path) -> Document:
    """The document without that value, and without objects that it leaves empty."""
    name, rest = path[0], path[1:]
    left = dict(document)
    inner = left.pop(name, None)
    if rest and isinstance(inner, dict) and (kept := without(inner, rest)):
        left[name] = kept
    elif rest and inner is not None and not isinstance(inner, dict):
        left[name] = inner
    return left


def copied(source: Document, target: Document, only: Sequence[str] = (), but: Sequence[str] = ()) -> Document:
    """The target's document with the source's fields in place of its own: all of them, `only` some, or all `but` some.

    Static addresses stay where they are: two stations of one address are none.
    """
    fields_copied = set(only) if only else {*source, *target} - set(but)
    result = {name: value for name, value in target.items() if name not in fields_copied}
    result |= {name: value for name, value in source.items() if name in fields_copied}
    for path, _ in [*leaves(result)]:
        if _is_address(path):
            result = without(result, path)
    for path, value in leaves(target):
        if _is_address(path):
            result = put(result, path, value)
    return result


def _is_address(path: Path) -> bool:
    return path[0] == "network" and "ip" in path[-2:-1]


def refusals(level: Level, document: object) -> dict[str, str]:
    """What a layer of that level may not say: dotted path to reason; empty: it may be stored. No value is repeated."""
    if not isinstance(document, dict):
        return {"document": say("object")}
    if _depth(document) > _DEEPEST:
        return {"document": say("deep", most=_DEEPEST)}
    refused = {name: why for name, why in OF_THE_REGISTRY.items() if name in document}
    if level != "station":
        refused |= {name: say("of_one_station") for name in _OF_STATIONS_ALONE if name in document}
    rest = {key: value for key, value in document.items() if key not in refused}
    return refused | dict(_refused(Config, rest, ()))


def objected(document: Mapping[str, Any]) -> dict[str, str]:
    """What the values of a merged document are not to each other; dotted path to reason. It must decode."""
    return {".".join(path): text for path, text in objections(config_of(document))}


def weight(document: Mapping[str, Any]) -> int:
    """How many bytes it is as it travels."""
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def config_of(document: Mapping[str, Any]) -> Config:
    """A merged document as a Config; MalformedMessage if it is none."""
    return decode(Config, dict(document))


def hidden(document: Mapping[str, Any], path: Path = ()) -> Document:
    """The document with HIDDEN in the place of every secret."""
    return {
        key: hidden(value, (*path, key)) if isinstance(value, dict) else shown((*path, key), value)
        for key, value in document.items()
    }


def shown(path: Path, value: Any) -> Any:
    """A value as people may see it: secrets are hidden, and what this version does not know, which may be one."""
    return HIDDEN if _is_said(value) and mark_of(path, value) in ("secret", "unknown") else value


def recorded(path: Path, value: Any) -> Any:
    """A value as it may stand in a log that nothing is ever taken out of: as `shown`, and nothing of a resident."""
    return HIDDEN if _is_said(value) and mark_of(path, value) != "open" else value


def _is_said(value: Any) -> bool:
    return value not in (None, "", HIDDEN)


def _refused(kind: type, document: Document, path: Path) -> Iterator[tuple[str, str]]:
    hints = hints_of(kind)
    for key, value in document.items():
        where = ".".join((*path, str(key)[:64]))
        if key not in hints:
            yield where, _unknown(str(key), hints)
        elif value is None:
            yield where, say("says_nothing")
        elif (inner := object_of(hints[key])) is None:
            yield from _refused_value(kind, key, value, where)
        elif not isinstance(value, dict):
            yield where, say("object")
        elif not inner[1]:
            yield from _refused(inner[0], value, (*path, key))
        else:
            yield from _refused_mapping(kind, key, value, (*path, key), inner[0])


def _refused_mapping(kind: type, key: str, value: Document, path: Path, inner: type) -> Iterator[tuple[str, str]]:
    yield from _refused_value(kind, key, {name: {} for name in value}, ".".join(path))
    for name, item in value.items():
        if isinstance(item, dict):
            yield from _refused(inner, item, (*path, str(name)[:64]))
        else:
            yield ".".join((*path, str(name)[:64])), say("object")


def _refused_value(kind: type, key: str, value: Any, where: str) -> Iterator[tuple[str, str]]:
    try:
        decode(kind, {key: value})
    except MalformedMessage as error:
        place, _, reason = str(error).rpartition(": ")
        inside = place.removeprefix(f"{kind.__name__}.{key}")
        yield where + (inside if inside.startswith("[") else ""), reason


def _unknown(key: str, hints: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(key, [*hints], 1)
    return say("perhaps", near=near[0]) if near else say("no_field", names=", ".join(hints))


def _depth(value: object) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        deepest = max(deepest, depth)
        inside = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        waiting.extend((item, depth + 1) for item in inside if depth <= _DEEPEST)
    return deepest
