"""Desired config against what is in force: decided here, without I/O.

A version only grows. A field that is not valid is refused by name and keeps the value it had; the rest comes into
force. A whole document is refused when it is older, or of the same version and different.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any

from messaging.codec import Length, Range, decode
from messaging.errors import MalformedMessage
from messaging.twin import Config, Reported

_PHONE = re.compile(r"[0-9+() -]*")


@dataclass(frozen=True)
class InForce:
    """What the station works by; version 0: nothing has been desired yet."""

    version: Annotated[int, Range(0, 2**53)] = 0
    config: Config = field(default_factory=Config)


@dataclass(frozen=True)
class Verdict:
    """What is in force afterwards, and what was refused (field, or `document`, to reason; no value is repeated)."""

    in_force: InForce
    refused: dict[str, str]

    @property
    def reported(self) -> Reported:
        """The same, for the region."""
        return Reported(self.in_force.version, self.in_force.config, self.refused)


@dataclass(frozen=True)
class _Document:
    version: Annotated[int, Range(1, 2**53)]
    config: Annotated[dict[str, Any], Length(64)]


def consider(now: InForce, data: dict[str, Any]) -> Verdict:
    """Judge a `messaging.twin.Desired` as it came over the wire."""
    try:
        document = decode(_Document, data)
    except MalformedMessage as error:
        return Verdict(now, {"document": _reason(error)})
    if document.version < now.version:
        return Verdict(now, {"document": f"version {document.version} is older than {now.version}, which is in force"})
    config, refused = _apply(now.config, document.config)
    if document.version == now.version and config != now.config:
        return Verdict(now, {"document": f"version {now.version} is in force with other content"})
    return Verdict(InForce(document.version, config), refused)


def _apply(config: Config, wanted: dict[str, Any]) -> tuple[Config, dict[str, str]]:
    # What the document leaves out goes back to its default: the document is the whole of what is desired.
    values: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for one in fields(Config):
        try:
            values[one.name] = getattr(decode(Config, {one.name: wanted.get(one.name)}), one.name)
            _check(one.name, values[one.name])
        except MalformedMessage as error:
            refused[one.name] = _reason(error)
            values[one.name] = getattr(config, one.name)
    return replace(config, **values), refused


def _check(name: str, value: object) -> None:
    if isinstance(value, str) and any(unicodedata.category(letter)[0] == "C" for letter in value):
        raise MalformedMessage("a character that cannot be shown")
    if name == "phone" and not _PHONE.fullmatch(str(value)):
        raise MalformedMessage("expected a telephone number")


def _reason(error: MalformedMessage) -> str:
    return str(error).rpartition(": ")[2]
