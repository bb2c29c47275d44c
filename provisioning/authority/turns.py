"""One try at a time for each source, so that honest ones in any number are not counted against each other.

A try is taken from the limiter before it is known whether it is an honest one, and given back after. Four hundred
stations behind one address that ask at once would else be refused for each other's tries under way.
"""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """Locks by source; one that nobody holds or waits for is forgotten."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, source: str) -> asyncio.Lock:
        """The source's turn: `async with turns.of(source)`."""
        lock = self._locks.get(source)
        if lock is None:
            lock = self._locks[source] = asyncio.Lock()
        return lock

    def __len__(self) -> int:
        """How many sources are remembered."""
        return len(self._locks)
