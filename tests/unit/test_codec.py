"""Plain data becomes a message only when every field is what it should be."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging import call, enrolment, envelope, errors, health, local, status, twin
from messaging.codec import Length, Range, decode, encode
from messaging.errors import MalformedMessage


@dataclass(frozen=True)
class Inner:
    text: Annotated[str, Length(5)]


@dataclass(frozen=True)
class Sample:
    count: Annotated[int, Range(0, 10)]
    ratio: float
    yes: bool
    kind: Literal["a", "b"]
    inner: Inner
    many: Annotated[tuple[Inner, ...], Length(2)] = ()
    maybe: Annotated[int, Range(1, 3)] | None = None
    words: Annotated[dict[str, str], Length(2)] | None = None


GOOD: dict[str, Any] = {"count": 3, "ratio": 0.5, "yes": True, "kind": "a", "inner": {"text": "hej"}}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def test_a_good_message_is_read_and_written_back_the_same() -> None:
    message = decode(Sample, {**GOOD, "many": [{"text": "x"}], "maybe": 2, "words": {"a": "b"}})
    assert message == Sample(3, 0.5, True, "a", Inner("hej"), (Inner("x"),), 2, {"a": "b"})
    assert decode(Sample, json.loads(json.dumps(encode(message)))) == message


def test_a_field_we_do_not_know_is_no_error() -> None:
    assert decode(Sample, {**GOOD, "newer": [1, 2]}) == decode(Sample, GOOD)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("count", 11, "Sample.count: not between 0 and 10"),
        ("count", 1.5, "Sample.count: expected a whole number"),
        ("count", True, "Sample.count: expected a number"),
        ("count", None, "Sample.count: missing"),
        ("ratio", math.nan, "Sample.ratio: expected a number"),
        ("ratio", math.inf, "Sample.ratio: expected a number"),
        ("yes", 1, "Sample.yes: expected true or false"),
        ("kind", "c", "Sample.kind: expected one of a, b"),
        ("inner", {"text": "for lang"}, "Sample.inner.text: longer than 5 characters"),
        ("inner", {"text": "a\x00"}, "Sample.inner.text: a character that is no text"),
        ("inner", {"text": "\ud800"}, "Sample.inner.text: a character that is no text"),
        ("inner", [], "Sample.inner: expected an object"),
        ("many", [{"text": "x"}] * 3, "Sample.many: more than 2 items"),
        ("many", [{"text": "x"}, {"text": 1}], r"Sample.many\[1\].text: expected a text"),
        ("many", "x", "Sample.many: expected a list"),
        ("maybe", 4, "Sample.maybe: not between 1 and 3"),
        ("words", {"a": 1}, "Sample.words.a: expected a text"),
        ("words", {"a" * 65: "x"}, "Sample.words: longer than 64 characters"),
        ("words", {"\0": "x"}, "Sample.words: a character that is no text"),
    ],
)
def test_a_bad_field_is_named_with_what_it_should_be(field: str, value: object, said: str) -> None:
    with pytest.raises(MalformedMessage, match=f"^{said}$"):
        decode(Sample, {**GOOD, field: value})


@given(json_values)
def test_whatever_comes_is_read_or_refused_but_never_breaks_us(data: Any) -> None:
    for kind in (Sample, envelope.Envelope, twin.Desired, status.Connection, health.Health, call.Offer):
        try:
            decode(kind, data)
        except MalformedMessage:
            continue


MESSAGES = [
    kind
    for module in (call, health, local, status, twin, enrolment, envelope)
    for kind in vars(module).values()
    if isinstance(kind, type) and kind.__module__ == module.__name__ and hasattr(kind, "__dataclass_params__")
    and kind is not envelope.Sealer
]  # fmt: skip


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_message_type_is_frozen_and_of_types_the_codec_takes(kind: type) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    for field in fields(kind):
        with pytest.raises(MalformedMessage):  # never TypeError: the codec can read every field's annotation
            decode(kind, {**{f.name: object() for f in fields(kind)}, field.name: object()})


def test_every_error_has_its_own_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len({kind.code for kind in kinds}) == len(kinds) == 9
