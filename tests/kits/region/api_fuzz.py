"""Requests made of the API's own document: such as it tells of, and such as nobody should send."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from tests.kits.region.api import Operation, resolved

MOST_ITEMS = 3
LETTERS = 40
Strategy = st.SearchStrategy[Any]


@dataclass(frozen=True)
class Sent:
    """One request: `target` is path and query, `content` the body as it goes over the wire."""

    target: str
    content: bytes | None
    media: str


def of_schema(schema: Mapping[str, Any]) -> Strategy:
    """Values that the schema takes; one of its examples as often as any other."""
    told = resolved(dict(schema)) or {}
    if "examples" in told:
        return st.sampled_from(told["examples"]) | of_schema({k: v for k, v in told.items() if k != "examples"})
    if "anyOf" in told:
        return st.one_of(*map(of_schema, told["anyOf"]))
    if "enum" in told:
        return st.sampled_from(told["enum"])
    match told.get("type"):
        case "string":
            return _text(told)
        case "integer":
            return st.integers(told.get("minimum"), told.get("maximum"))
        case "number":
            return st.floats(told.get("minimum"), told.get("maximum"), allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "array":
            most = min(told.get("maxItems", MOST_ITEMS), MOST_ITEMS)
            return st.lists(of_schema(told.get("items", {})), min_size=told.get("minItems", 0), max_size=most)
        case "object":
            return _object(told)
    return plain()


def _text(told: Mapping[str, Any]) -> Strategy:
    most = min(told.get("maxLength", LETTERS), LETTERS)
    if told.get("format") == "date-time":
        return st.datetimes(timezones=st.timezones()).map(_rfc_3339)
    if "pattern" in told:
        pattern = re.compile(told["pattern"].removeprefix("^").removesuffix("$"))
        return st.from_regex(pattern, fullmatch=True).filter(lambda text: len(text) <= most)
    return st.text(min_size=told.get("minLength", 0), max_size=most)


def _rfc_3339(moment: datetime) -> str:
    """RFC 3339 knows no seconds in an offset, which Python's zones have in years long past."""
    return re.sub(r"([+-]\d\d:\d\d):.*$", r"\1", moment.isoformat(timespec="seconds"))


def _object(told: Mapping[str, Any]) -> Strategy:
    if "properties" not in told:
        values = told.get("additionalProperties")
        keys = of_schema({"type": "string", **told.get("propertyNames", {})})
        most = min(told.get("maxProperties", MOST_ITEMS), MOST_ITEMS)
        return st.dictionaries(keys, of_schema(values if isinstance(values, dict) else {}), max_size=most)
    fields = {name: of_schema(one) for name, one in told["properties"].items()}
    needed = set(told.get("required", ()))
    return st.fixed_dictionaries(
        {name: one for name, one in fields.items() if name in needed},
        optional={name: one for name, one in fields.items() if name not in needed},
    )


def odd_text() -> Strategy:
    """What is hardly a text: lone surrogates, NUL, marks that turn the direction, letters that are many bytes."""
    letters = st.sampled_from("\x00\ud800\udfff\u202e\ufeff\u0300\U0001f9d1\x7f\r\n'\"<>%{}\\;")
    return st.text(letters, min_size=1, max_size=12) | st.text(max_size=4).map(lambda text: text * 300)


def plain() -> Strategy:
    """Any JSON, and what Python's takes for it: NaN, infinities, numbers past any column."""
    numbers = st.sampled_from([0, -1, 2**31, 2**63, -(2**63) - 1, 10**30, 1e308, float("nan"), float("inf"), 0.5])
    leaves = st.none() | st.booleans() | numbers | st.text(max_size=8) | odd_text()
    return st.recursive(
        leaves, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=6), one, max_size=3),
        max_leaves=6,
    )  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn, right: Strategy) -> Any:
    """A right value with one thing in it that is something else, one too many, or gone."""
    value = copy.deepcopy(draw(right))
    place: Any = value
    while isinstance(place, dict | list) and place:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = draw(st.sampled_from(list(keys)))
        if not isinstance(place[key], dict | list) or draw(st.booleans()):
            break
        place = place[key]
    if not isinstance(place, dict | list) or not place:
        return draw(plain())
    match draw(st.sampled_from(("other", "more", "gone"))):
        case "other":
            place[key] = draw(plain())
        case "more" if isinstance(place, dict):
            place[draw(st.text(max_size=6) | odd_text())] = draw(plain())
        case _:
            del place[key]
    return value


def _bodies(operation: Operation) -> Strategy:
    told = operation.body()
    if told is None:
        return st.just((None, "application/json"))
    media, content = told
    garbage = st.binary(max_size=60) | st.sampled_from([b"", b"[" * 50_000, b"1" * 5000, b"\xff\xfe{}", b"{}" * 9])
    if media != "application/json":
        return st.tuples(garbage | st.text(max_size=80).map(str.encode), st.just(media))
    right = of_schema(content["schema"]) | st.just(content["example"])
    said = (right | spoilt(right)).map(lambda value: json.dumps(value).encode())
    return st.tuples(said | said | garbage, st.sampled_from((media, media, media, "text/plain", "application/xml")))


@st.composite
def requests(draw: st.DrawFn, operation: Operation) -> Sent:
    """A request for this operation: as told, or spoilt anywhere."""
    values = {  # an empty one, a slash, or a step (`.`) is another route's
        name: quote(draw(of_part(schema)).encode("utf-8", "surrogatepass"), safe="")
        for name, schema in operation.parameters("path").items()
    }
    asked = [
        (name, _said(value))
        for name, schema in operation.parameters("query").items()
        if draw(st.booleans()) and (value := draw(of_schema(schema) | odd_text())) is not None
    ]
    query = urlencode(asked, doseq=True, encoding="utf-8", errors="surrogatepass")
    content, media = draw(_bodies(operation))
    return Sent(f"{operation.at(values)}{'?' if query else ''}{query}", content, media)


def of_part(schema: Mapping[str, Any]) -> Strategy:
    """What may stand in the place of one part of a path."""
    text = of_schema(schema).map(str) | odd_text()
    return text.filter(lambda part: part not in ("", ".", "..") and "/" not in part)


def _said(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
