"""D-Bus messages as bytes: what NetworkManager is told and answers. Source: the D-Bus Specification, 0.43.

A value is Python's own: int, bool, float, str, bytes (for `ay`), list, tuple (a structure), dict, and `Variant`. What
is read is little- or big-endian as its sender says; what is written is little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from device.runtime.errors import BusMalformed

MOST_BYTES = 4 * 1024 * 1024
CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
_FIXED = {"y": "B", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d", "b": "I", "h": "I"}
_ALIGNED = {"s": 4, "o": 4, "a": 4, "g": 1, "v": 1, "(": 8, "{": 8}
_FIELDS = {1: "o", 2: "s", 3: "s", 4: "s", 5: "u", 6: "s", 7: "s", 8: "g", 9: "u"}
_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY_TO, _DESTINATION, _SIGNATURE = 1, 2, 3, 4, 5, 6, 8
_HEAD = 16  # bytes up to the header's fields
_DEEPEST = 32


class Variant(NamedTuple):
    """A value with its type."""

    signature: str
    value: Any


@dataclass(frozen=True)
class Call:
    """A method call. `values` are those of `signature`, in order."""

    destination: str
    path: str
    interface: str
    member: str
    signature: str = ""
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Answer:
    """A message that came: `kind` is RETURN, ERROR or another that is nobody's answer; `to` is the call's number."""

    kind: int
    to: int
    error: str = ""
    values: tuple[Any, ...] = field(default=())


def types(signature: str) -> list[str]:
    """The complete types of a signature; BusMalformed if it is none."""
    found, at = [], 0
    while at < len(signature):
        end = _end(signature, at, 0)
        found.append(signature[at:end])
        at = end
    return found


def _end(signature: str, at: int, depth: int) -> int:
    letter = signature[at : at + 1]
    if depth > _DEEPEST:
        raise BusMalformed("types within types, too deep")
    if letter in _FIXED or letter in ("s", "o", "g", "v"):
        if letter:
            return at + 1
    elif letter == "a":
        return _end(signature, at + 1, depth + 1)
    elif letter in ("(", "{"):
        close, at, inside = {"(": ")", "{": "}"}[letter], at + 1, 0
        key = signature[at : at + 1]
        while signature[at : at + 1] not in (close, ""):
            at, inside = _end(signature, at, depth + 1), inside + 1
        whole = inside == 2 and key in (*_FIXED, "s", "o", "g") if letter == "{" else inside > 0
        if signature[at : at + 1] == close and whole:
            return at + 1
    raise BusMalformed("not a signature")


def to_bytes(call: Call, serial: int) -> bytes:
    """A call as it travels."""
    body = _Writer()
    for one, value in zip(types(call.signature), call.values, strict=True):
        body.put(one, value)
    fields = [
        (_PATH, Variant("o", call.path)), (_INTERFACE, Variant("s", call.interface)),
        (_MEMBER, Variant("s", call.member)), (_DESTINATION, Variant("s", call.destination)),
    ]  # fmt: skip
    if call.signature:
        fields.append((_SIGNATURE, Variant("g", call.signature)))
    head = _Writer()
    for letter, value in (("y", ord("l")), ("y", CALL), ("y", 0), ("y", 1), ("u", len(body.out)), ("u", serial)):
        head.put(letter, value)
    head.put("a(yv)", fields)
    head.align(8)
    return bytes(head.out + body.out)


def length(start: bytes) -> int:
    """How long a whole message is, of its first 16 bytes; BusMalformed when it is none, or one too long."""
    order = _order(start)
    body, fields = struct.unpack_from(f"{order}I", start, 4)[0], struct.unpack_from(f"{order}I", start, 12)[0]
    whole: int = _HEAD + -(-fields // 8) * 8 + body
    if whole > MOST_BYTES:
        raise BusMalformed("a message that is too long")
    return whole


def from_bytes(message: bytes) -> Answer:
    """Read a whole message."""
    reader = _Reader(message, _order(message))
    kind = message[1]
    reader.at = 12
    fields = {number: variant.value for number, variant in reader.take("a(yv)", 0) if number in _FIELDS}
    reader.align(8)
    values = tuple(reader.take(one, 0) for one in types(str(fields.get(_SIGNATURE, ""))))
    return Answer(kind, int(fields.get(_REPLY_TO, 0)), str(fields.get(_ERROR_NAME, "")), values)


def _order(message: bytes) -> str:
    order = {b"l": "<", b"B": ">"}.get(message[:1])
    if order is None or len(message) < _HEAD or message[3] != 1:
        raise BusMalformed("not a message")
    return order


class _Writer:
    def __init__(self) -> None:
        self.out = bytearray()

    def align(self, to: int) -> None:
        self.out += bytes(-len(self.out) % to)

    def put(self, one: str, value: Any) -> None:
        letter = one[0]
        if letter in _FIXED:
            packed = struct.pack(f"<{_FIXED[letter]}", value)
            self.align(len(packed))
            self.out += packed
            return
        self.align(_ALIGNED[letter])
        match letter:
            case "s" | "o":
                self._text("I", value)
            case "g":
                self._text("B", value)
            case "v":
                self._text("B", value.signature)
                self.put(value.signature, value.value)
            case "(" | "{":
                for inner, item in zip(types(one[1:-1]), value, strict=True):
                    self.put(inner, item)
            case _:
                self._array(one[1:], value)

    def _text(self, size: str, value: str) -> None:
        encoded = value.encode()
        self.out += struct.pack(f"<{size}", len(encoded)) + encoded + b"\0"

    def _array(self, inner: str, value: Any) -> None:
        at = len(self.out)
        self.out += bytes(4)
        self.align(struct.calcsize(_FIXED[inner[0]]) if inner[0] in _FIXED else _ALIGNED[inner[0]])
        begins = len(self.out)
        for item in value.items() if isinstance(value, dict) else value:
            self.put(inner, item)
        struct.pack_into("<I", self.out, at, len(self.out) - begins)


class _Reader:
    def __init__(self, message: bytes, order: str) -> None:
        self.at = 0
        self._message = message
        self._order = order

    def align(self, to: int) -> None:
        self.at += -self.at % to

    def take(self, one: str, depth: int) -> Any:
        letter = one[0]
        if depth > _DEEPEST:
            raise BusMalformed("values within values, too deep")
        if letter in _FIXED:
            value = self._fixed(_FIXED[letter])
            return bool(value) if letter == "b" else value
        self.align(_ALIGNED[letter])
        match letter:
            case "s" | "o":
                return self._text(self._fixed("I"))
            case "g":
                return self._text(self._fixed("B"))
            case "v":
                inner = types(self._text(self._fixed("B")))
                if len(inner) != 1:
                    raise BusMalformed("a variant has one type")
                return Variant(inner[0], self.take(inner[0], depth + 1))
            case "(" | "{":
                return tuple(self.take(inner, depth + 1) for inner in types(one[1:-1]))
            case _:
                return self._array(one[1:], depth)

    def _fixed(self, form: str) -> Any:
        size = struct.calcsize(form)
        self.align(size)
        return struct.unpack(self._order + form, self._bytes(size))[0]

    def _text(self, size: int) -> str:
        raw = self._bytes(size + 1)
        try:
            return raw[:-1].decode()
        except UnicodeDecodeError as error:
            raise BusMalformed("a text that is not UTF-8") from error

    def _array(self, inner: str, depth: int) -> Any:
        size = self._fixed("I")
        self.align(struct.calcsize(_FIXED[inner[0]]) if inner[0] in _FIXED else _ALIGNED[inner[0]])
        if inner == "y":
            return self._bytes(size)
        end, items = self.at + size, []
        if end > len(self._message):
            raise BusMalformed("an array longer than its message")
        while self.at < end:
            items.append(self.take(inner, depth + 1))
        return dict(items) if inner[0] == "{" else items

    def _bytes(self, size: int) -> bytes:
        found = self._message[self.at : self.at + size]
        if len(found) != size:
            raise BusMalformed("a message that was cut off")
        self.at += size
        return found
