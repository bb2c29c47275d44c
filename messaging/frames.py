"""The ring through which decoded pictures reach the screen: a few slots in shared memory, the newest wins.

One writer, any number of readers, no locks: each slot carries a sequence number that is odd while it is written. A
reader that was overtaken sees the number change and takes the next picture instead.

Layout after the header of `messaging.shared_file` (a: slots, b: bytes of a slot, counter: the newest sequence): the
slots, each `sequence, width, height, captured_us` and the planes Y, U, V of a planar 4:2:0 picture without padding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from messaging.shared_file import DATA, Attached, SharedReader, SharedWriter

_SLOT = struct.Struct("<QIIQ")  # sequence, width, height, captured (microseconds, Unix)
_MAGIC = b"LKFRAMES"


class RingError(Exception):
    """A picture that cannot be taken into the ring."""


@dataclass(frozen=True)
class Picture:
    """One picture, planar YUV 4:2:0 (I420), 8 bits: `planes` is Y (height x width) then U and V (half each way).

    `captured_us` is Unix time in microseconds when the writer had it; `sequence` grows by one a picture.
    """

    width: int
    height: int
    captured_us: int
    sequence: int
    planes: bytes


def plane_sizes(width: int, height: int) -> tuple[int, int, int]:
    """Bytes of the Y, U and V plane of a picture with even sides."""
    chroma = (width // 2) * (height // 2)
    return width * height, chroma, chroma


class RingWriter:
    """Makes the ring's file (mode 0640) and writes pictures into it."""

    def __init__(self, path: Path, max_width: int = 1920, max_height: int = 1080, slots: int = 4) -> None:
        self._slots = slots
        self._slot_bytes = (_SLOT.size + sum(plane_sizes(max_width, max_height)) + 63) // 64 * 64
        self._newest = 0
        self._file = SharedWriter(path, _MAGIC, slots, self._slot_bytes, slots * self._slot_bytes)

    def write(self, width: int, height: int, captured_us: int, planes: Iterable[bytes | memoryview]) -> None:
        """Write one picture from its three planes (without padding); RingError if it does not fit the ring."""
        if width % 2 or height % 2 or width <= 0 or height <= 0:
            raise RingError(f"{width}x{height}: sides must be even")
        if _SLOT.size + sum(plane_sizes(width, height)) > self._slot_bytes:
            raise RingError(f"{width}x{height}: larger than the ring's slots")
        sequence = self._newest + 1
        memory = self._file.memory
        start = DATA + sequence % self._slots * self._slot_bytes
        _SLOT.pack_into(memory, start, sequence * 2 - 1, width, height, captured_us)
        at = start + _SLOT.size
        for plane, size in zip(planes, plane_sizes(width, height), strict=True):
            memory[at : at + size] = plane
            at += size
        struct.pack_into("<Q", memory, start, sequence * 2)
        self._file.count(sequence)
        self._newest = sequence

    def close(self) -> None:
        """Say that no more pictures come, and remove the file (readers keep what they have mapped)."""
        self._file.close()


class RingReader:
    """Reads the newest picture; survives the writer's death and its successor."""

    def __init__(self, path: Path) -> None:
        self._file = SharedReader(path, _MAGIC, lambda slots, slot_bytes: slots * slot_bytes)
        self._ring: Attached | None = None
        self._seen = 0

    def read(self) -> Picture | None:
        """The newest picture not read before, or None. Never waits."""
        ring = self._file.attached()
        if ring is not self._ring:
            self._ring, self._seen = ring, 0
        if ring is None:
            return None
        newest = ring.counted()
        if newest == self._seen:
            return None
        start = DATA + newest % ring.a * ring.b
        stamp, width, height, captured_us = _SLOT.unpack_from(ring.memory, start)
        size = sum(plane_sizes(width, height))
        if stamp != newest * 2 or _SLOT.size + size > ring.b:
            return None  # overtaken while looking: the next one is on its way
        planes = ring.memory[start + _SLOT.size : start + _SLOT.size + size]
        if struct.unpack_from("<Q", ring.memory, start)[0] != stamp:
            return None
        self._seen = newest
        return Picture(width, height, captured_us, newest, planes)

    def close(self) -> None:
        """Let go of the shared memory."""
        self._file.close()
        self._ring = None
