"""What runs here. Only digits, and names from a fixed list: a version cannot carry anything else out."""

from __future__ import annotations

import platform
import re
from pathlib import Path

from device.health import read
from messaging.version import version

_SYSTEMS = ("debian", "raspbian", "ubuntu")
_NUMBERS = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,2}", re.ASCII)
_DOTTED = re.compile(r"\d{1,3}\.\d{1,3}(?:\.\d{1,3})?(?!\d)", re.ASCII)
_OWN = re.compile(r"\d{1,4}(?:\.\d{1,4}){1,3}(?:(?:a|b|rc|\.dev|\.post)\d{1,4})?|unpackaged", re.ASCII)


def versions(root: Path = read.MACHINE, own: str | None = None) -> dict[str, str]:
    """Of our software, Python, the kernel and the operating system; what is not recognised is left out."""
    own = version() if own is None else own
    found = {
        "laegeknap": own if _OWN.fullmatch(own) else None,
        "python": _digits(platform.python_version()),
        "kernel": _digits(read.text(root / "proc/sys/kernel/osrelease") or ""),
        "system": _system(root),
    }
    return {name: text for name, text in found.items() if text}


def _digits(text: str) -> str | None:
    found = _DOTTED.match(text)
    return found[0] if found else None


def _system(root: Path) -> str | None:
    rows = dict(line.partition("=")[::2] for line in (read.text(root / "etc/os-release") or "").splitlines())
    name, number = rows.get("ID", "").strip("\"'"), rows.get("VERSION_ID", "").strip("\"'")
    if name not in _SYSTEMS:
        return None
    return f"{name} {number}" if _NUMBERS.fullmatch(number) else name
