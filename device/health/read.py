"""Small reads of /proc and /sys, below a root that tests choose."""

from __future__ import annotations

from pathlib import Path

MACHINE = Path("/")
_MOST = 64 * 1024


def text(path: Path) -> str | None:
    """A small file's text; None when it is not there or cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST).decode("utf-8", "replace")
    except OSError:
        return None


def number(path: Path) -> int | None:
    """A file that holds one whole number; None when it does not."""
    content = (text(path) or "").strip()
    try:
        return int(content) if content.isascii() else None
    except ValueError:
        return None
