"""A display for the screen: the machine's own, or one in memory when it has none."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

_SIZE = "1280x800x24"


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a window can be opened here."""
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def in_memory(number: Path) -> list[str]:
    """The command of a display in memory, open to this machine only, that writes its number to a file."""
    xvfb = ["Xvfb", "-displayfd", "3", "-screen", "0", _SIZE, "-nolisten", "tcp", "-noreset"]
    return ["sh", "-c", f"exec {shlex.join(xvfb)} 3>{shlex.quote(str(number))}"]


def shown_on(number: Path, command: Sequence[str]) -> list[str]:
    """That command, on the display that wrote this file; it waits for the display, and ends if there is none in 10 s.

    The number is read at each start: a display that was started again may have another.
    """
    wait = 'n=0; until [ -s "$0" ] || [ $n -ge 100 ]; do n=$((n+1)); sleep 0.1; done; DISPLAY=:$(cat "$0") exec "$@"'
    return ["sh", "-c", wait, str(number), *command]
