"""Many small changes, committed as one: ten thousand stations that speak at once must not cost ten thousand commits.

Whoever comes while a commit is under way waits for the next, and shares it with all who have come meanwhile; alone, one
waits no longer than before. If a change fails, all of that commit are rolled back and made again one by one, so that
each meets its own error and no other's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from region.registry.transaction import Transaction

T = TypeVar("T")
MOST = 200  # changes in one commit: a writer of SQLite keeps all others waiting
Change = Callable[[Transaction], Awaitable[Any]]


class Together:
    """`make` may be called by any number of tasks of one event loop. `begin` is a transaction that writes."""

    def __init__(self, begin: Callable[[], AbstractAsyncContextManager[Transaction]]) -> None:
        self._begin = begin
        self._waiting: list[tuple[Change, asyncio.Future[Any]]] = []
        self._working: asyncio.Task[None] | None = None

    async def make(self, change: Callable[[Transaction], Awaitable[T]]) -> T:
        """Have the change made and committed; what it gives, or its error. It may be called twice, and only writes."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, done))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(), name="changes made together")
        return await done

    async def _work(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                async with self._begin() as t:
                    results = [await change(t) for change, _ in some]
            except Exception as error:  # noqa: BLE001 - it is whoever asked for the change that meets it
                await self._one_by_one(some, error)
            else:
                for (_, done), result in zip(some, results, strict=True):
                    if not done.done():
                        done.set_result(result)

    async def _one_by_one(self, some: list[tuple[Change, asyncio.Future[Any]]], error: Exception) -> None:
        if len(some) == 1:
            ((_, done),) = some
            if not done.done():
                done.set_exception(error)
            return
        for change, done in some:
            if done.done():
                continue
            try:
                async with self._begin() as t:
                    result = await change(t)
            except Exception as own:  # noqa: BLE001 - as above
                done.set_exception(own)
            else:
                done.set_result(result)
