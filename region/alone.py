"""What one process at a time has for itself: a lock of the kernel's on a file, which goes with whoever held it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from region.errors import AlreadyServed


def of_data(data: Path) -> Path:
    """What whoever serves from that folder holds."""
    return data / "serving.lock"


def of_database(file: Path) -> Path:
    """What whoever serves SQLite's file holds, or puts another in its place."""
    return file.with_name(f"{file.name}.serving")


@contextmanager
def alone_with(path: Path, advice: str = "") -> Iterator[None]:
    """Hold it; AlreadyServed, with `advice` after it, where a region that is served holds it."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyServed(f"a region is served from {path.parent}: stop that one first{advice}") from error
        yield
