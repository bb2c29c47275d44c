"""From the threads of adapters into a process's one loop: events are kept in order, of frames the newest wins."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inlet(Generic[T]):
    """A bounded queue from any thread to one loop. What does not fit is dropped and counted as a fault."""

    def __init__(self, loop: asyncio.AbstractEventLoop, size: int = 256) -> None:
        self._loop = loop
        self._size = size
        self._items: deque[T] = deque()
        self._lock = threading.Lock()
        self._ready = asyncio.Event()
        self._waking = False
        self.overflowed = 0

    def put(self, item: T) -> bool:
        """Hand over from any thread; never waits. False when the inlet is full or its loop has closed."""
        with self._lock:
            if len(self._items) >= self._size:
                self.overflowed += 1
                return False
            self._items.append(item)
            wake, self._waking = not self._waking, True
        if wake:
            try:
                self._loop.call_soon_threadsafe(self._ready.set)
            except RuntimeError:  # the loop closed while a device was still delivering
                return False
        return True

    async def get(self) -> T:
        """The oldest item, when there is one."""
        while True:
            with self._lock:
                if self._items:
                    return self._items.popleft()
                self._waking = False
                self._ready.clear()
            await self._ready.wait()


class Newest(Generic[T]):
    """One place that holds the newest item, between two threads."""

    def __init__(self) -> None:
        self._item: T | None = None
        self._closed = False
        self._condition = threading.Condition()
        self.replaced = 0

    def put(self, item: T) -> None:
        """Replace what is there; an item nobody took is counted in `replaced`."""
        with self._condition:
            self.replaced += self._item is not None
            self._item = item
            self._condition.notify()

    def take(self) -> T | None:
        """Wait for an item and take it; None once closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._item is not None or self._closed)
            item, self._item = self._item, None
            return None if self._closed else item

    def close(self) -> None:
        """Let the taker go."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
