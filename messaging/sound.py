"""The ring through which the simulated speaker's sound reaches the front panel: the last seconds, in shared memory.

One writer, any number of readers, no locks: samples are written first and counted afterwards, and a reader keeps a
margin from the oldest ones. The file lives in the runtime directory (a tmpfs) while the speaker is open; a new
writer replaces it, and readers notice.

Layout, little endian: header `magic, version, rate, capacity, written, writer`, then `capacity` samples, signed 16
bits, mono; sample n of all that were written stands at n modulo `capacity`.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import tempfile
from pathlib import Path

SPEAKER_RING = "speaker.ring"  # in the station's runtime directory
RATE = 48_000
SAMPLE_BYTES = 2

_HEADER = struct.Struct("<8sIIQQQ")  # magic, version, rate, capacity, samples written, writer alive (1) or gone (0)
_MAGIC = b"LKSOUND1"
_VERSION = 1
_WRITTEN = 24
_WRITER = 32
_DATA = 64


class SoundRingWriter:
    """Makes the ring's file (mode 0640) and writes sound into it."""

    def __init__(self, path: Path, rate: int = RATE, seconds: float = 2.0) -> None:
        self._path = path
        self._capacity = int(rate * seconds)
        self._written = 0
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            os.fchmod(handle, 0o640)
            os.ftruncate(handle, _DATA + self._capacity * SAMPLE_BYTES)
            self._inode = os.fstat(handle).st_ino
            self._map = mmap.mmap(handle, 0)
            _HEADER.pack_into(self._map, 0, _MAGIC, _VERSION, rate, self._capacity, 0, 1)
            self._counter = _counter(self._map)
            Path(name).replace(path)  # readers see a whole ring or none
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)

    def write(self, pcm: bytes | memoryview) -> None:
        """Append samples: signed 16 bits little endian, mono; at most what the ring holds at once."""
        count = len(pcm) // SAMPLE_BYTES
        if len(pcm) % SAMPLE_BYTES or count > self._capacity:
            raise ValueError(f"{len(pcm)} bytes are no whole samples, or more than the ring holds")
        at = self._written % self._capacity
        first = min(count, self._capacity - at) * SAMPLE_BYTES
        start = _DATA + at * SAMPLE_BYTES
        self._map[start : start + first] = pcm[:first]
        self._map[_DATA : _DATA + len(pcm) - first] = pcm[first:]
        self._written += count
        self._counter[0] = self._written

    def close(self) -> None:
        """Say that no more comes, and remove the file (readers keep what they have mapped)."""
        if not self._map.closed:
            struct.pack_into("<Q", self._map, _WRITER, 0)
            self._counter.release()
            self._map.close()
            with contextlib.suppress(FileNotFoundError):
                if self._path.stat().st_ino == self._inode:  # else it is our successor's
                    self._path.unlink()


class SoundRingReader:
    """Reads what has been written since the last read; survives the writer's death and its successor."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._map: mmap.mmap | None = None
        self._inode = -1
        self._capacity = 0
        self._read = 0
        self.rate = RATE
        self.lost = 0  # samples that were overwritten before they were read

    def read(self) -> bytes:
        """The samples since the last call, at most the newer half of the ring; empty when there are none. Never waits.

        A reader that has just found a ring begins at its newest sample: what was played before it came is past.
        """
        if not self._attached():
            return b""
        ring = self._map
        assert ring is not None  # noqa: S101 - said by _attached
        with _counter(ring) as counter:
            written = counter[0]
        oldest = max(0, written - self._capacity // 2)
        if self._read < oldest:
            self.lost += oldest - self._read
            self._read = oldest
        count = min(max(0, written - self._read), self._capacity)
        at = self._read % self._capacity
        first = min(count, self._capacity - at)
        start = _DATA + at * SAMPLE_BYTES
        pcm = ring[start : start + first * SAMPLE_BYTES] + ring[_DATA : _DATA + (count - first) * SAMPLE_BYTES]
        self._read = written
        return pcm

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
            if status.st_size <= _DATA:
                return False
            ring = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            magic, version, rate, capacity, written, writer = _HEADER.unpack_from(ring, 0)
            whole = capacity > 0 and _DATA + capacity * SAMPLE_BYTES <= len(ring)
            if magic != _MAGIC or version != _VERSION or not whole or not writer:
                ring.close()
                return False
            self._map, self._inode = ring, status.st_ino
            self.rate, self._capacity, self._read = rate, capacity, written
            return True
        return False

    def _same_file(self) -> bool:
        # A writer that was killed leaves its flag up; its successor's file has another inode.
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False


def _counter(ring: mmap.mmap) -> memoryview[int]:
    # Through a typed view the count is read and written at once; struct does it byte by byte.
    return memoryview(ring)[_WRITTEN : _WRITTEN + 8].cast("Q")
