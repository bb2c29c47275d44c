"""Plain data to frozen dataclasses and back, strictly.

A message type is a frozen dataclass. Its annotations are the schema: `str`, `int`, `float`, `bool`, `Literal`,
`X | None`, `tuple[X, ...]`, `dict[str, X]`, `dict[str, Any]` (plain JSON), or another such dataclass. Bounds
stand beside the field with `Annotated`: `Annotated[str, Length(64)]`, `Annotated[int, Range(0, 100)]`; a `Form` too.

A field the type does not know is ignored when decoding (a newer peer may send more); the envelope keeps the
plain data it came in, so that whoever relays a message relays all of it.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from messaging.errors import MalformedMessage
from messaging.reasons import say

T = TypeVar("T")
DEFAULT_TEXT = 256
DEFAULT_ITEMS = 256
_KEY = 64  # characters of a mapping's key


@dataclass(frozen=True)
class Length:
    """The most characters of a text, or items of a list or mapping."""

    most: int


@dataclass(frozen=True)
class Form:
    """What a text must be besides short enough; `words` are the refusal, and do not repeat the text."""

    fits: Callable[[str], object]
    words: str


@dataclass(frozen=True)
class Range:
    """Inclusive bounds of a number."""

    least: float
    most: float


def decode(kind: type[T], data: object) -> T:
    """Build a `kind` from plain JSON data, or raise MalformedMessage naming the field and what it should be."""
    return _decode_dataclass(kind, data, kind.__name__)


def encode(message: object) -> dict[str, Any]:
    """Turn a message into plain data for JSON; fields that are None are left out."""
    if not is_dataclass(message) or isinstance(message, type):
        raise TypeError(f"not a message: {message!r}")
    return {f.name: _encode(value) for f in fields(message) if (value := getattr(message, f.name)) is not None}


def _encode(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return encode(value)
    if isinstance(value, list | tuple):
        return [_encode(item) for item in value]
    if isinstance(value, dict):
        return {key: _encode(item) for key, item in value.items()}
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _decode_dataclass(kind: type[T], data: object, path: str) -> T:
    if not isinstance(data, dict):
        raise MalformedMessage(f"{path}: {say('object')}")
    hints = _hints(kind)  # type: ignore[arg-type]  # mypy: a type is hashable
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name in data and data[field.name] is not None:
            values[field.name] = _decode(hints[field.name], data[field.name], f"{path}.{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise MalformedMessage(f"{path}.{field.name}: {say('missing')}")
    return kind(**values)


def _decode(hint: Any, value: object, path: str) -> Any:
    bounds: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        bounds = tuple(rest)
    origin = get_origin(hint)
    if origin is Literal:
        options = get_args(hint)
        if not isinstance(value, str) or value not in options:
            raise MalformedMessage(f"{path}: {say('one_of', options=', '.join(options))}")
        return value
    if origin in (Union, types.UnionType):
        (inner,) = (arm for arm in get_args(hint) if arm is not type(None))
        return _decode(Annotated[inner, *bounds] if bounds else inner, value, path)
    if origin is tuple:
        items = _sized(value, list, "list", bounds, path)
        return tuple(_decode(get_args(hint)[0], item, f"{path}[{i}]") for i, item in enumerate(items))
    if origin is dict:
        mapping = _sized(value, dict, "object", bounds, path)
        item_hint = get_args(hint)[1]
        if item_hint is Any:
            return mapping
        return {_text(key, _KEY, path): _decode(item_hint, item, f"{path}.{key}") for key, item in mapping.items()}
    if is_dataclass(hint):
        return _decode_dataclass(hint, value, path)  # type: ignore[arg-type]
    return _decode_scalar(hint, value, bounds, path)


def _sized(value: object, kind: type, code: str, bounds: tuple[Any, ...], path: str) -> Any:
    if not isinstance(value, kind):
        raise MalformedMessage(f"{path}: {say(code)}")
    most = next((b.most for b in bounds if isinstance(b, Length)), DEFAULT_ITEMS)
    if len(value) > most:  # type: ignore[arg-type]
        raise MalformedMessage(f"{path}: {say('items', most=most)}")
    return value


def _decode_scalar(hint: Any, value: object, bounds: tuple[Any, ...], path: str) -> Any:
    if hint is str:
        if not isinstance(value, str):
            raise MalformedMessage(f"{path}: {say('text')}")
        value = _text(value, next((b.most for b in bounds if isinstance(b, Length)), DEFAULT_TEXT), path)
        for form in bounds:
            if isinstance(form, Form) and not form.fits(value):
                raise MalformedMessage(f"{path}: {form.words}")
        return value
    if hint is bool:
        if not isinstance(value, bool):
            raise MalformedMessage(f"{path}: {say('flag')}")
        return value
    if hint in (int, float):
        return _decode_number(hint, value, bounds, path)
    raise TypeError(f"{path}: a message type may not hold {hint!r}")


def _text(value: str, most: int, path: str) -> str:
    if len(value) > most:
        raise MalformedMessage(f"{path}: {say('length', most=most)}")
    if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise MalformedMessage(f"{path}: {say('no_text')}")
    return value


def _decode_number(hint: Any, value: object, bounds: tuple[Any, ...], path: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise MalformedMessage(f"{path}: {say('number')}")
    if hint is int and not isinstance(value, int):
        raise MalformedMessage(f"{path}: {say('whole')}")
    for bound in bounds:
        if isinstance(bound, Range) and not bound.least <= value <= bound.most:
            raise MalformedMessage(f"{path}: {say('range', least=f'{bound.least:g}', most=f'{bound.most:g}')}")
    return hint(value)
