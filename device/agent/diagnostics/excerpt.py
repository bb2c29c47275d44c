"""What the journal has of our own units, as journalctl tells it; a station without a journal has no lines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterable, Iterator

from messaging.diagnostics import LONGEST_LINE, Line

_log = logging.getLogger(__name__)
UNITS = ("laegeknap-agent", "laegeknap-call", "laegeknap-screen", "laegeknap-boot", "laegeknap-code")
JOURNALCTL = (
    "journalctl", "--no-pager", "--quiet", "--output=json", "--since=-2d", "--lines=6000",
    "--output-fields=MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT", *(f"--unit={unit}.service" for unit in UNITS),
)  # fmt: skip
_MOST_BYTES = 16 * 1024 * 1024  # of what journalctl prints; a line may have 48 KiB
_RAW = 4 * LONGEST_LINE  # of a line before it is redacted: what is cut there is never half a secret's end


async def journal(command: tuple[str, ...] = JOURNALCTL) -> list[Line]:
    """The newest lines, the oldest first, as they stand there: not yet redacted."""
    try:
        asking = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        _log.warning("there is no journal to be read: %s", error)
        return []
    try:
        told = await _bounded(asking.stdout)
    finally:
        if asking.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                asking.kill()
            await asking.wait()
    return list(read_lines(told.decode(errors="replace").splitlines()))


async def _bounded(told: asyncio.StreamReader | None) -> bytes:
    found = bytearray()
    while told is not None and len(found) < _MOST_BYTES and (chunk := await told.read(65_536)):
        found += chunk
    return bytes(found)


def read_lines(told: Iterable[str]) -> Iterator[Line]:
    """journalctl's lines of JSON; one that is none of ours is left out."""
    for text in told:
        try:
            entry = json.loads(text)
            message, unit = entry["MESSAGE"], entry.get("_SYSTEMD_UNIT") or entry.get("UNIT") or ""
            unit = unit if unit.startswith("laegeknap-") else entry.get("UNIT", "")
            at, level = int(entry["__REALTIME_TIMESTAMP"]) / 1e6, int(entry.get("PRIORITY", 6))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
        if isinstance(message, str) and isinstance(unit, str) and 0 <= level <= 7 and 0 <= at <= 1e11:
            yield Line(at, unit.removesuffix(".service")[:64], level, message[:_RAW])
