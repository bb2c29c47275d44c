"""Runs one of the system's own tools, busctl or nmcli, and says what came of it. None is run through a shell."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

MISSING = 127  # as a shell says it
TOO_SLOW = 124  # as timeout(1) says it
_MOST_SAID = 64 * 1024


@dataclass(frozen=True)
class Ran:
    """`code` is the tool's exit code, MISSING or TOO_SLOW; `out` and `complaint` what it printed, text."""

    code: int
    out: str = ""
    complaint: str = ""

    @property
    def ok(self) -> bool:
        """Whether it did what it was asked."""
        return self.code == 0


async def run_tool(command: Sequence[str], given: bytes | None = None, within_s: float = 30.0) -> Ran:
    """Run it to its end. `given` is its standard input: where secrets go, for everybody may read a command line."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL if given is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        return Ran(MISSING, "", f"{command[0]} cannot be run: {error.strerror}")
    try:
        async with asyncio.timeout(within_s):
            out, complaint = await process.communicate(given)
    except TimeoutError:
        return Ran(TOO_SLOW, "", f"{command[0]} did not end within {within_s:.0f} s")
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return Ran(process.returncode or 0, _text(out), _text(complaint))


def _text(said: bytes) -> str:
    return said[:_MOST_SAID].decode(errors="replace").strip()
