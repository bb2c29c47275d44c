"""Files that survive a power cut: each is there whole in its old form or whole in its new one.

Source: rename(2) and fsync(2); the directory is synchronised too, or the rename itself may be lost.
"""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int | None = 0o640) -> None:
    """Replace a file's content atomically and durably; OSError if it cannot.

    With mode None it stays 0600 where the file system has modes (a boot partition's FAT refuses to set one). What a
    power cut leaves of it has always the same name, so that the next writing takes it away, and no secret stays behind.
    """
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def remove(path: Path) -> None:
    """Remove a file durably, if it is there."""
    path.unlink(missing_ok=True)
    sync_directory(path.parent)


def wipe(path: Path) -> None:
    """Overwrite a small secret file, then remove it durably. OSError if it cannot."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    remove(path)


def sync_directory(directory: Path) -> None:
    """Make renames and removals in a directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fingerprint(path: Path) -> tuple[int, int, int] | None:
    """Changes when another file is put there: (inode, size, time of change in ns); None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
