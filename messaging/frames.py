"""The ring through which decoded pictures reach the screen: a few slots in shared memory, the newest wins.

One writer, any number of readers, no locks: each slot carries a sequence number that is odd while it is written. A
reader that was overtaken sees the number change and takes the next picture instead. The file lives in the runtime
directory (a tmpfs); a new writer replaces it, and readers notice (`RingReader.read` opens it anew).

Layout, little endian: header `magic, version, slots, slot_bytes, newest, writer` then the slots, each
`sequence, width, height, captured_us` and the planes Y, U, V of a planar 4:2:0 picture without padding.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_HEADER = struct.Struct(
    "<8sIIQQQ"
)  # magic, version, slots, bytes of a slot, newest sequence, writer alive (1) or gone (0)
_SLOT = struct.Struct("<QIIQ")  # sequence, width, height, captured (microseconds, Unix)
_MAGIC = b"LKFRAMES"
_VERSION = 1
_NEWEST = 24  # offset of `newest` in the header
_WRITER = 32
_FIRST_SLOT = 64


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
        self._path = path
        self._slots = slots
        self._slot_bytes = (_SLOT.size + sum(plane_sizes(max_width, max_height)) + 63) // 64 * 64
        self._newest = 0
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            os.fchmod(handle, 0o640)
            os.ftruncate(handle, _FIRST_SLOT + slots * self._slot_bytes)
            self._map = mmap.mmap(handle, 0)
            _HEADER.pack_into(self._map, 0, _MAGIC, _VERSION, slots, self._slot_bytes, 0, 1)
            Path(name).replace(path)  # readers see a whole ring or none
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)

    def write(self, width: int, height: int, captured_us: int, planes: Iterable[bytes | memoryview]) -> None:
        """Write one picture from its three planes (without padding); RingError if it does not fit the ring."""
        if width % 2 or height % 2 or width <= 0 or height <= 0:
            raise RingError(f"{width}x{height}: sides must be even")
        if _SLOT.size + sum(plane_sizes(width, height)) > self._slot_bytes:
            raise RingError(f"{width}x{height}: larger than the ring's slots")
        sequence = self._newest + 1
        start = _FIRST_SLOT + sequence % self._slots * self._slot_bytes
        _SLOT.pack_into(self._map, start, sequence * 2 - 1, width, height, captured_us)
        at = start + _SLOT.size
        for plane, size in zip(planes, plane_sizes(width, height), strict=True):
            self._map[at : at + size] = plane
            at += size
        struct.pack_into("<Q", self._map, start, sequence * 2)
        struct.pack_into("<Q", self._map, _NEWEST, sequence)
        self._newest = sequence

    def close(self) -> None:
        """Say that no more pictures come, and remove the file (readers keep what they have mapped)."""
        if not self._map.closed:
            struct.pack_into("<Q", self._map, _WRITER, 0)
            self._map.close()
            self._path.unlink(missing_ok=True)


class RingReader:
    """Reads the newest picture; survives the writer's death and its successor."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._map: mmap.mmap | None = None
        self._seen = 0

    def read(self) -> Picture | None:
        """The newest picture not read before, or None. Never waits."""
        if not self._attached():
            return None
        ring = self._map
        assert ring is not None  # noqa: S101 - said by _attached
        _, _, slots, slot_bytes, newest, _ = _HEADER.unpack_from(ring, 0)
        if newest == self._seen:
            return None
        start = _FIRST_SLOT + newest % slots * slot_bytes
        stamp, width, height, captured_us = _SLOT.unpack_from(ring, start)
        size = sum(plane_sizes(width, height))
        if stamp != newest * 2 or _SLOT.size + size > slot_bytes:
            return None  # overtaken while looking: the next one is on its way
        planes = ring[start + _SLOT.size : start + _SLOT.size + size]
        if struct.unpack_from("<Q", ring, start)[0] != stamp:
            return None
        self._seen = newest
        return Picture(width, height, captured_us, newest, planes)

    def close(self) -> None:
        """Let go of the shared memory."""
        if self._map is not None:
            self._map.close()
            self._map = None

    def _attached(self) -> bool:
        if self._map is not None and struct.unpack_from("<Q", self._map, _WRITER)[0] and self._same_file():
            return True
        self.close()
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size < _FIRST_SLOT:
                return False
            ring = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            magic, version, slots, slot_bytes, *_ = _HEADER.unpack_from(ring, 0)
            if magic != _MAGIC or version != _VERSION or _FIRST_SLOT + slots * slot_bytes > len(ring) or not slots:
                ring.close()
                return False
            self._map, self._inode, self._seen = ring, status.st_ino, 0
            return True
        return False

    def _same_file(self) -> bool:
        # A writer that was killed leaves its flag up; its successor's file has another inode.
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False
