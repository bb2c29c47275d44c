"""The settings one by one, as people read and write them: found in `messaging.twin.Config`, so that none is forgotten.

Each is a field of the config, or of an object in it. Three parts of the network are one setting each, told as JSON:
they are written rarely, by somebody who copies them. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from messaging.codec import Range
from messaging.reasons import say
from messaging.settings import HIDDEN, Spans
from messaging.twin import Config
from provisioning.authority.profiles import OF_THE_REGISTRY, Document, Level, Path, leaves, put, shown, without

Kind = Literal["flag", "choice", "number", "text", "list", "spans", "json"]
NONE = "-"  # what somebody writes for an empty value: nothing written is as the layers above have it
AS_ABOVE = "="  # of many stations at once: what they say themselves is taken away
_WHOLE = {("network", "wifi"), ("network", "wired"), ("network", "proxy")}
_CLINICS = ("clinic", "fallback")
_OF_STATIONS = ("auto_answer",)
_SPAN = re.compile(r"(\d\d:\d\d)\s*[-\N{EN DASH}]\s*(\d\d:\d\d)")


class NoSuchValue(ValueError):
    """What was written cannot be read as a value of that setting; the text says what was expected."""


@dataclass(frozen=True)
class Setting:
    """One setting: its path, the kind of its value, the values to choose from, and a number's bounds."""

    path: Path
    kind: Kind
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 0

    @property
    def name(self) -> str:
        """Its dotted path."""
        return ".".join(self.path)

    @property
    def group(self) -> str:
        """The part of the config that it belongs to."""
        return self.path[0] if len(self.path) > 1 else ""

    def at(self, document: Mapping[str, Any]) -> Any:
        """What the document says of it; None: nothing."""
        found: Any = document
        for name in self.path:
            if not isinstance(found, Mapping) or name not in found:
                return None
            found = found[name]
        return found

    def text(self, value: Any) -> str:
        """The value as it is written in a form; secrets are hidden. Empty for None."""
        if value is None:
            return ""
        if self.kind == "flag":
            return "yes" if value else "no"
        if value in ("", [], (), {}):
            return NONE
        if self.kind == "list":
            return ", ".join(value)
        if self.kind == "spans":
            return ", ".join(f"{one['opens']}-{one['closes']}" for one in value)
        if self.kind == "json":
            return json.dumps(_hidden(value, self.path), ensure_ascii=False, indent=1)
        return str(value)

    def read(self, text: str, now: Any = None) -> Any:
        """The value of what was written, None where nothing was; NoSuchValue. Secrets left hidden are as in `now`."""
        text = text.strip()
        if not text:
            return None
        if text == NONE and self.kind in ("text", "choice", "list", "spans", "json"):
            return {"list": [], "spans": [], "json": {}}.get(self.kind, "")
        return getattr(self, f"_read_{self.kind}")(text) if self.kind != "json" else self._read_json(text, now)

    def _read_flag(self, text: str) -> bool:
        if text not in ("yes", "no"):
            raise NoSuchValue(say("yes_or_no"))
        return text == "yes"

    def _read_choice(self, text: str) -> str:
        if self.choices and text not in self.choices:
            raise NoSuchValue(say("one_of", options=", ".join(self.choices)))
        return text

    def _read_number(self, text: str) -> int:
        if not re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
            raise NoSuchValue(say("whole"))
        return int(text)

    def _read_text(self, text: str) -> str:
        return text

    def _read_list(self, text: str) -> list[str]:
        return [one for one in re.split(r"[,;\s]+", text) if one]

    def _read_spans(self, text: str) -> list[dict[str, str]]:
        found = [_SPAN.fullmatch(one.strip()) for one in text.split(",")]
        if not all(found):
            raise NoSuchValue(say("hours"))
        return [{"opens": one[1], "closes": one[2]} for one in found if one is not None]

    def _read_json(self, text: str, now: Any) -> Document:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NoSuchValue(say("json")) from error
        if not isinstance(value, dict):
            raise NoSuchValue(say("json_object"))
        return _with_secrets(value, now if isinstance(now, dict) else {}, self.path)


def settings(level: Level) -> tuple[Setting, ...]:
    """What a layer of that level can say, in the config's order."""
    return tuple(one for one in _every() if level == "station" or one.path[0] not in _OF_STATIONS)


@cache
def _every() -> tuple[Setting, ...]:
    return tuple(_settings(Config, ()))


def _settings(kind: type, above: Path) -> Iterator[Setting]:
    hints = get_type_hints(kind, include_extras=True)
    for one in fields(kind):
        path = (*above, one.name)
        if path[0] not in OF_THE_REGISTRY:
            yield from _setting(_said(hints[one.name]), path)


def _setting(hint: Any, path: Path) -> Iterator[Setting]:
    extras: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated and hint != Spans:
        hint, *rest = get_args(hint)
        extras = tuple(rest)
    bounds = next((one for one in extras if isinstance(one, Range)), None)
    if path in _WHOLE:
        yield Setting(path, "json")
    elif hint == Spans:
        yield Setting(path, "spans")
    elif isinstance(hint, type) and is_dataclass(hint):
        yield from _settings(hint, path)
    elif hint is bool:
        yield Setting(path, "flag")
    elif hint is int:
        yield (
            Setting(path, "number", least=int(bounds.least), most=int(bounds.most))
            if bounds
            else Setting(path, "number")
        )
    elif get_origin(hint) is Literal:
        yield Setting(path, "choice", get_args(hint))
    elif get_origin(hint) is tuple:
        yield Setting(path, "list")
    else:
        yield Setting(path, "choice" if path[0] in _CLINICS else "text")


def _said(hint: Any) -> Any:
    """The type of the value where one is said."""
    if get_origin(hint) in (Union, UnionType):
        return next(one for one in get_args(hint) if one is not type(None))
    return hint


def _hidden(value: Any, path: Path) -> Any:
    if isinstance(value, dict):
        return {key: _hidden(inner, (*path, key)) for key, inner in value.items()}
    return shown(path, value)


def _with_secrets(written: Document, now: Document, path: Path) -> Document:
    """What was written, with the present secrets where they were left hidden; NoSuchValue where there is none."""
    present = dict(leaves(now))
    for inner, value in list(leaves(written)):
        if value != HIDDEN or shown((*path, *inner), "x") != HIDDEN:
            continue
        if inner not in present:
            raise NoSuchValue(say("inside", where=".".join(inner), why=say("no_secret")))
        written = put(written, inner, present[inner])
    return written


def read_values(texts: Mapping[str, str]) -> tuple[list[tuple[Path, Any]], dict[str, str]]:
    """What somebody has written for many stations at once, and what cannot be read, by name.

    Nothing written leaves a setting as it is; AS_ABOVE (a value of None) has the levels above say it.
    """
    values: list[tuple[Path, Any]] = []
    wrong: dict[str, str] = {}
    for one in settings("station"):
        text = texts.get(one.name, "").strip()
        if not text:
            continue
        try:
            values.append((one.path, None if text == AS_ABOVE else one.read(text)))
        except NoSuchValue as error:
            wrong[one.name] = str(error)
    return values, wrong


def rewritten(document: Document, level: Level, texts: Mapping[str, str]) -> tuple[Document, dict[str, str]]:
    """The document as somebody has written its settings, and what cannot be read, by name. Others stay as they are."""
    wrong: dict[str, str] = {}
    for one in settings(level):
        if one.name not in texts:
            continue
        try:
            value = one.read(texts[one.name], one.at(document))
        except NoSuchValue as error:
            wrong[one.name] = str(error)
            continue
        document = without(document, one.path) if value is None else put(document, one.path, value)
    return document, wrong
