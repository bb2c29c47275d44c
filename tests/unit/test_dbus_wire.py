"""D-Bus messages: what is written is read as it was meant, what is no message is refused, the bytes are the spec's."""

from __future__ import annotations

import contextlib
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.runtime import dbus_wire
from device.runtime.dbus_wire import CALL, Answer, Call, Variant, from_bytes, to_bytes, types
from device.runtime.errors import BusMalformed

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "y": st.integers(0, 255), "b": st.booleans(), "n": st.integers(-(2**15), 2**15 - 1), "q": st.integers(0, 2**16 - 1),
    "i": st.integers(-(2**31), 2**31 - 1), "u": st.integers(0, 2**32 - 1), "x": st.integers(-(2**63), 2**63 - 1),
    "t": st.integers(0, 2**64 - 1), "d": st.floats(allow_nan=False), "s": TEXT, "o": st.just("/a/b"),
    "g": st.just("a{sv}"),
}  # fmt: skip


def _typed(inner: st.SearchStrategy[tuple[str, Any]]) -> st.SearchStrategy[tuple[str, Any]]:
    arrays = inner.flatmap(lambda one: st.integers(0, 3).map(lambda n: (f"a{one[0]}", _array(one, n))))
    structures = st.lists(inner, min_size=1, max_size=3).map(
        lambda parts: (f"({''.join(one for one, _ in parts)})", tuple(value for _, value in parts))
    )
    variants = inner.map(lambda one: ("v", Variant(*one)))
    entries = st.tuples(TEXT, inner).map(lambda pair: (f"a{{s{pair[1][0]}}}", {pair[0]: pair[1][1]}))
    return arrays | structures | variants | entries


def _array(one: tuple[str, Any], times: int) -> Any:
    return bytes([one[1]] * times) if one[0] == "y" else [one[1]] * times


VALUES = st.recursive(
    st.sampled_from(sorted(PLAIN)).flatmap(lambda letter: st.tuples(st.just(letter), PLAIN[letter])), _typed,
    max_leaves=12,
)  # fmt: skip


def call(signature: str, *values: Any) -> bytes:
    return to_bytes(Call("org.example", "/org/example", "org.example.Thing", "Do", signature, values), 7)


@given(st.lists(VALUES, max_size=4))
def test_what_is_written_is_read_as_it_was_meant(values: list[tuple[str, Any]]) -> None:
    message = call("".join(one for one, _ in values), *(value for _, value in values))
    assert dbus_wire.length(message[:16]) == len(message)
    answer = from_bytes(message)
    assert (answer.kind, answer.values) == (CALL, tuple(value for _, value in values))


def test_the_bytes_are_those_of_the_specification() -> None:
    """Header: byte order, type, flags, version, length of the body, serial; fields aligned to 8; then the body."""
    message = call("s", "hi")
    assert message[:4] == b"l\x01\x00\x01"
    assert struct.unpack_from("<II", message, 4) == (7, 7)
    assert message.endswith(b"\x02\x00\x00\x00hi\x00")
    assert b"\x01\x01o\x00\x0c\x00\x00\x00/org/example\x00" in message
    assert (len(message) - 7) % 8 == 0


def test_a_service_of_another_byte_order_is_read_as_well() -> None:
    fields = b"\x05\x01u\x00" + struct.pack(">I", 9)
    body = struct.pack(">I", 4711)
    signature = b"\x08\x01g\x00\x01u\x00"
    head = b"B\x02\x00\x01" + struct.pack(">III", len(body), 1, len(fields + signature)) + fields + signature
    assert from_bytes(head + bytes(-len(head) % 8) + body) == Answer(2, 9, "", (4711,))


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_nothing_else_happens(garbage: bytes) -> None:
    with pytest.raises(BusMalformed):
        from_bytes(b"?" + garbage)
    _read(b"l" + garbage)


@given(st.data())
def test_a_message_with_a_byte_altered_is_read_or_refused(data: st.DataObject) -> None:
    message = bytearray(call("a{sa{sv}}u", {"connection": {"id": Variant("s", "x"), "ssid": Variant("ay", b"abc")}}, 3))
    place = data.draw(st.integers(0, len(message) - 1))
    message[place] = data.draw(st.integers(0, 255))
    _read(bytes(message))


def _read(message: bytes) -> None:
    with contextlib.suppress(BusMalformed):
        from_bytes(message)


@pytest.mark.parametrize(
    "signature", ["a", "(", "(i", "()", "{si}s}", "a{vs}", "a{s}", "a{sss}", "z", "a" * 40 + "i", ")"]
)
def test_what_is_no_signature_is_refused(signature: str) -> None:
    with pytest.raises(BusMalformed):
        types(signature)


def test_a_signature_s_types_are_told_apart() -> None:
    assert types("a{sa{sv}}ua(ii)av") == ["a{sa{sv}}", "u", "a(ii)", "av"]


def test_a_message_that_says_it_is_endless_is_not_waited_for() -> None:
    with pytest.raises(BusMalformed, match="too long"):
        dbus_wire.length(b"l\x02\x00\x01" + struct.pack("<III", 2**31, 1, 16))
