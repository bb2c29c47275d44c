"""Encoded frames cut into RTP payloads: H.264 (RFC 6184), VP8 (RFC 7741) and Opus (RFC 7587).

A payload is at most PAYLOAD_MAX bytes: with headers, encryption and a relay's wrapping it fits the smallest IPv6 line.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable, Iterator

PAYLOAD_MAX = 1160

_START = b"\x00\x00\x01"
_FU_A, _STAP_A = 28, 24
_FU_START, _FU_END = 0x80, 0x40
_PICTURE_IDS = 1 << 15

Pack = Callable[[bytes], list[bytes]]


def packer(codec: str) -> Pack:
    """What packs the frames of one stream, by the codec's name: `H264`, `VP8` or `opus`; KeyError for another."""
    return _PACKERS[codec]()


def pack_h264(data: bytes) -> list[bytes]:
    """One picture in Annex B form: small NAL units together (STAP-A), large ones in even pieces (FU-A)."""
    payloads: list[bytes] = []
    small: list[bytes] = []
    room = PAYLOAD_MAX - 1
    for unit in _units(data):
        if small and len(unit) + 2 > room:
            payloads.append(_together(small))
            small, room = [], PAYLOAD_MAX - 1
        if len(unit) > PAYLOAD_MAX:
            payloads += _fragments(unit)
        else:
            small.append(unit)
            room -= len(unit) + 2
    if small:
        payloads.append(_together(small))
    return payloads


def pack_opus(data: bytes) -> list[bytes]:
    """One packet of sound, as it is."""
    return [data] if data else []


class Vp8Packer:
    """VP8 pictures, numbered."""

    def __init__(self) -> None:
        self._picture = secrets.randbelow(_PICTURE_IDS)

    def __call__(self, data: bytes) -> list[bytes]:
        """One picture in even pieces."""
        first, rest = (struct.pack("!BBH", begins, 0x80, 0x8000 | self._picture) for begins in (0x90, 0x80))
        self._picture = (self._picture + 1) % _PICTURE_IDS
        pieces = _even(data, 0, PAYLOAD_MAX - len(first))
        return [(rest if number else first) + piece for number, piece in enumerate(pieces)]


def _units(data: bytes) -> Iterator[bytes]:
    """The NAL units of an Annex B stream, without start codes."""
    begin = data.find(_START) + len(_START)
    while begin >= len(_START):
        following = data.find(_START, begin)
        unit = data[begin:] if following < 0 else data[begin:following].rstrip(b"\x00")  # a start code may be longer
        if unit:
            yield unit
        begin = following + len(_START)


def _together(units: list[bytes]) -> bytes:
    if len(units) == 1:
        return units[0]
    forbidden = max(unit[0] & 0x80 for unit in units)
    importance = max(unit[0] & 0x60 for unit in units)
    parts = [bytes((forbidden | importance | _STAP_A,))]
    for unit in units:
        parts += (struct.pack("!H", len(unit)), unit)
    return b"".join(parts)


def _fragments(unit: bytes) -> list[bytes]:
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
    pieces = list(_even(unit, 1, PAYLOAD_MAX - 2))
    marks = [_FU_START, *[0] * (len(pieces) - 2), _FU_END]
    return [bytes((indicator, mark | kind)) + piece for mark, piece in zip(marks, pieces, strict=True)]


def _even(data: bytes, begin: int, most: int) -> Iterator[bytes]:
    """`data` from `begin` on, in as few pieces as can be, of nearly the same length."""
    length = len(data) - begin
    count = -(-length // most)
    for number in range(count):
        yield data[begin + length * number // count : begin + length * (number + 1) // count]


_PACKERS: dict[str, Callable[[], Pack]] = {"H264": lambda: pack_h264, "VP8": Vp8Packer, "opus": lambda: pack_opus}
