"""What has come on a queue, taken together."""

from __future__ import annotations

import asyncio
from typing import TypeVar

T = TypeVar("T")


async def burst_of(queue: asyncio.Queue[T], most: int) -> list[T]:
    """Wait for one, and take with it what has come besides, `most` in all, in order."""
    found = [await queue.get()]
    while len(found) < most and not queue.empty():
        found.append(queue.get_nowait())
    return found
