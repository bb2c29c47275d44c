"""Desired config against what is in force: decided here, without I/O.

A version only grows. A field that is not valid is refused by name and keeps the value it had; the rest comes into
force. A whole document is refused when it is older, or of the same version and different. A field that this station
understands and cannot carry out is refused as `unsupported` and keeps its default: never silently left undone.

The document is kept as it came, so that what a newer region said is there when newer software starts to understand it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from typing import Annotated, Any

from messaging import settings
from messaging.codec import Length, Range, decode
from messaging.errors import MalformedMessage
from messaging.reasons import say
from messaging.settings import objections
from messaging.twin import Config

APPLIED = frozenset(
    {
        "clinic", "phone", "fallback", "fallback_phone", "opening", "site", "station", "language", "volume", "sound",
        "framing", "screen", "levels", "night", "auto_answer", "camera", "network", "time_servers", "log_level",
        "telemetry", "update_ring",
    }
)  # fmt: skip
UNSUPPORTED = say("unsupported")
_MOST_FIELDS = 64


@dataclass(frozen=True)
class InForce:
    """What the station works by; version 0: nothing has been desired yet. `document`: as the region said it."""

    version: Annotated[int, Range(0, 2**53)] = 0
    config: Config = field(default_factory=Config)
    document: Annotated[dict[str, Any], Length(_MOST_FIELDS)] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Verdict:
    """What is in force afterwards, and what was refused (field, or `document`, to reason; no value is repeated)."""

    in_force: InForce
    refused: dict[str, str]


@dataclass(frozen=True)
class _Document:
    version: Annotated[int, Range(1, 2**53)]
    config: Annotated[dict[str, Any], Length(_MOST_FIELDS)]


def consider(now: InForce, data: dict[str, Any]) -> Verdict:
    """Judge a `messaging.twin.Desired` as it came over the wire."""
    try:
        document = decode(_Document, data)
    except MalformedMessage as error:
        return Verdict(now, {"document": _reason(error)})
    if document.version < now.version:
        return Verdict(now, {"document": say("older", version=document.version, newer=now.version)})
    config, refused = _apply(now.config, document.config)
    if document.version == now.version and not _same(now, document.config, config):
        return Verdict(now, {"document": say("other_content", version=now.version)})
    return Verdict(InForce(document.version, config, document.config), refused)


def _same(now: InForce, wanted: dict[str, Any], config: Config) -> bool:
    """Whether it is the document in force, or says the same: newer software makes more of the same document."""
    return wanted == now.document or config == now.config


def _apply(config: Config, wanted: dict[str, Any]) -> tuple[Config, dict[str, str]]:
    # What the document leaves out goes back to its default: the document is the whole of what is desired.
    values: dict[str, Any] = {}
    refused: dict[str, str] = {}
    default = Config()
    for one in fields(Config):
        try:
            value = _judged(one.name, wanted.get(one.name))
        except MalformedMessage as error:
            refused[one.name] = _reason(error)
            values[one.name] = getattr(config, one.name)
            continue
        values[one.name] = value if one.name in APPLIED else getattr(default, one.name)
        if value != values[one.name]:
            refused[one.name] = UNSUPPORTED
    return replace(config, **values), refused


def _judged(name: str, wanted: Any) -> Any:
    value = getattr(decode(Config, {name: wanted}), name)
    for path, text in objections(value):
        raise MalformedMessage(": ".join((".".join((name, *path)), text)))
    return value


def _reason(error: MalformedMessage) -> str:
    """Where in the field (names of ours alone, never a key of the document's) and why."""
    place, _, reason = str(error).rpartition(": ")
    inside = [word for part in place.split(".")[2:] if (word := part.partition("[")[0]) in _words()]
    return say("inside", where=".".join(inside), why=reason) if inside else reason


@cache
def _words() -> frozenset[str]:
    """The names of all fields of a config's parts."""
    kinds = [value for value in vars(settings).values() if isinstance(value, type) and is_dataclass(value)]
    return frozenset(one.name for kind in kinds for one in fields(kind))
