"""Waiting for what nobody announces, and no longer: the one place of the tests that looks again and again.

    await eventually(lambda: station.is_dark())                    # what it looks at may be another process
    rows = await eventually(house.told, READY_S, why=house.logs)   # what was found; `told` may be awaited too
    soon(socket.exists, every_s=0.1)                               # the same where no loop runs

Whoever is told (by an event, a pipe, a queue, a view on a socket) waits for that instead.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 30.0  # of whoever names no time: longer than any machine is busy with something else


async def eventually(
    look: Callable[[], T | Awaitable[T]], within_s: float = PATIENCE_S, *, every_s: float = 0.01,
    why: Callable[[], object] = str,
) -> T:  # fmt: skip
    """The first thing found that holds; AssertionError with what `why` tells when there is none within the time."""
    for _ in _looks(within_s):
        found = look()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(every_s)
    raise _never(within_s, why)


def soon(
    look: Callable[[], T], within_s: float = PATIENCE_S, *, every_s: float = 0.01, why: Callable[[], object] = str
) -> T:
    """As `eventually`, where no loop runs."""
    for _ in _looks(within_s):
        if found := look():
            return found
        time.sleep(every_s)
    raise _never(within_s, why)


def _looks(within_s: float) -> Iterator[None]:
    """One look at least, and one after the time is up: it may have been the machine that was slow."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        yield
    yield


def _never(within_s: float, why: Callable[[], object]) -> AssertionError:
    return AssertionError(f"not true within {within_s} s {why()}".rstrip())
