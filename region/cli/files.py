"""Files that a command is given, or makes."""

from __future__ import annotations

import sys
from pathlib import Path

from region.registry import Conflict, NotFound


def read_input(path: Path) -> bytes:
    """What a file holds; of `-`, standard input."""
    if str(path) == "-":
        return sys.stdin.buffer.read()
    if not path.is_file():
        raise NotFound(f"{path} is not there")
    return path.read_bytes()


def write_new(path: Path, content: bytes) -> None:
    """A file that was not there before; Conflict for one that was."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise Conflict(f"{path} is there already: nothing is overwritten") from None
