"""The bundle, put together and made to fit: the newest lines, as many as there is room for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from device.agent.diagnostics.redacting import redact
from messaging.diagnostics import MOST_LINES, MOST_PACKED, MOST_UNPACKED, Bundle, Line, pack

_ROOM = MOST_UNPACKED // 2  # for lines: characters of more than one byte, and the rest, have the other half


def with_lines(bundle: Bundle, lines: Sequence[Line], names: Iterable[str]) -> bytes:
    """The bundle as it travels, with the newest of these lines, redacted."""
    names = tuple(names)
    clean = [replace(line, text=redact(line.text, names)) for line in _newest(lines)]
    while True:
        told = replace(bundle, lines=tuple(clean), left_out=len(lines) - len(clean))
        packed = pack(told)
        if len(packed) <= MOST_PACKED or not clean:
            return packed
        clean = clean[len(clean) // 4 + 1 :]


def _newest(lines: Sequence[Line]) -> list[Line]:
    room, found = _ROOM, list[Line]()
    for line in reversed(lines[-MOST_LINES:]):
        room -= len(line.text.encode()) + 100  # what JSON puts around it
        if room < 0:
            break
        found.append(line)
    return found[::-1]
