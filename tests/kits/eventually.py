"""Waiting for something to become true, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_LOOK_S = 0.01


async def eventually(what: Callable[[], object], within_s: float = 5.0) -> None:
    """Return as soon as `what` holds; AssertionError when it has not within the time."""
    for _ in range(int(within_s / _LOOK_S)):
        if what():
            return
        await asyncio.sleep(_LOOK_S)
    raise AssertionError(f"not true within {within_s} s")
