"""A file in memory that one process writes and others read, without locks: what pictures and sound share.

The file lives in the runtime directory (a tmpfs), mode 0640. A new writer replaces it whole, so readers see a whole
file or none; readers notice a writer that said goodbye, one that was killed, and its successor.

Layout, little endian: header `magic (8 bytes), version, a, b, counter, writer`, then the data from byte 64. `a` and
`b` are the owner's geometry, `counter` what it counts as written, `writer` 1 while the writer is there.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DATA = 64  # where the data begins

_HEADER = struct.Struct("<8sIIQQQ")
_VERSION = 1
_COUNTER = 24
_WRITER = 32


class SharedWriter:
    """Makes the file, with room for `data_bytes`, and owns it until closed."""

    def __init__(self, path: Path, magic: bytes, a: int, b: int, data_bytes: int) -> None:
        self._path = path
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            os.fchmod(handle, 0o640)
            os.ftruncate(handle, DATA + data_bytes)
            self._inode = os.fstat(handle).st_ino
            self.memory = mmap.mmap(handle, 0)
            _HEADER.pack_into(self.memory, 0, magic, _VERSION, a, b, 0, 1)
            self._counter = _counter(self.memory)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)

    def count(self, written: int) -> None:
        """Say how much has been written; readers look for this first."""
        self._counter[0] = written

    def close(self) -> None:
        """Say that no more comes, and remove the file (readers keep what they have mapped)."""
        if self.memory.closed:
            return
        struct.pack_into("<Q", self.memory, _WRITER, 0)
        self._counter.release()
        self.memory.close()
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:  # else it is our successor's
                self._path.unlink()


@dataclass(frozen=True)
class Attached:
    """One writer's file, as a reader has it."""

    memory: mmap.mmap
    inode: int
    a: int
    b: int

    def counted(self) -> int:
        """How much has been written."""
        with _counter(self.memory) as counter:
            return counter[0]


class SharedReader:
    """Follows the writer of a file. `size(a, b)` gives the bytes of data that such a geometry needs, 0 for nonsense."""

    def __init__(self, path: Path, magic: bytes, size: Callable[[int, int], int]) -> None:
        self._path = path
        self._magic = magic
        self._size = size
        self._attached: Attached | None = None

    def attached(self) -> Attached | None:
        """The file of the writer there is now; another object for another writer, None without one. Never waits."""
        now = self._attached
        if now is not None and struct.unpack_from("<Q", now.memory, _WRITER)[0] and self._inode() == now.inode:
            return now
        self.close()
        self._attached = self._attach()
        return self._attached

    def close(self) -> None:
        """Let go of the shared memory."""
        if self._attached is not None:
            self._attached.memory.close()
            self._attached = None

    def _attach(self) -> Attached | None:
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size <= DATA:
                return None
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            magic, version, a, b, _, writer = _HEADER.unpack_from(memory, 0)
            needed = self._size(a, b)
            if (magic, version) == (self._magic, _VERSION) and writer and 0 < needed <= len(memory) - DATA:
                return Attached(memory, status.st_ino, a, b)
            memory.close()
        return None

    def _inode(self) -> int | None:
        # A writer that was killed leaves its flag up; its successor's file has another inode.
        try:
            return self._path.stat().st_ino
        except FileNotFoundError:
            return None


def _counter(memory: mmap.mmap) -> memoryview[int]:
    # Through a typed view the count is read and written at once; struct does it byte by byte.
    return memoryview(memory)[_COUNTER : _COUNTER + 8].cast("Q")
