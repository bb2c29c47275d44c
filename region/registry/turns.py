"""Whose turn it is: locks that all processes of the region share.

PostgreSQL's advisory locks of a session: a process that dies lets go of them at once, without anybody's clock. SQLite
has one process, so that its own locks are enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

from sqlalchemy import text as sql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from region.registry.errors import Unavailable

Still = Callable[[], Awaitable[bool]]
_ANSWERS_WITHIN_S = 5.0
_KEY = "hashtextextended(:name, 0)"


class Turns:
    """`engine` has connections of its own for this: whoever waits for a turn keeps nobody's transaction waiting."""

    def __init__(self, engine: AsyncEngine | None) -> None:
        self._engine = engine
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def alone(self, names: Sequence[str]) -> AsyncIterator[None]:
        """Wait for these, in this order, and hold them."""
        async with AsyncExitStack() as stack:
            for name in names:
                await stack.enter_async_context(self._lock(name))
            if self._engine is not None:
                connection = await stack.enter_async_context(_session(self._engine))
                for name in names:
                    await connection.execute(sql(f"SELECT pg_advisory_lock({_KEY})"), {"name": name})
            yield

    @asynccontextmanager
    async def holding(self, name: str) -> AsyncIterator[Still | None]:
        """Hold it if nobody else does."""
        if self._engine is None:
            lock = self._lock(name)
            if lock.locked():
                yield None
                return
            async with lock:
                yield _always
            return
        async with _session(self._engine) as connection:
            taken = await connection.scalar(sql(f"SELECT pg_try_advisory_lock({_KEY})"), {"name": name})
            yield _Session(connection).is_there if taken else None

    async def close(self) -> None:
        """Let go of everything."""
        if self._engine is not None:
            await self._engine.dispose()

    def _lock(self, name: str) -> asyncio.Lock:
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock


class _Session:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def is_there(self) -> bool:
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                await self._connection.execute(sql("SELECT 1"))
        except (SQLAlchemyError, OSError, TimeoutError):
            return False
        return True


async def _always() -> bool:
    return True


@asynccontextmanager
async def _session(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that gives back its locks before another may have it, or is closed with them."""
    connection = engine.connect()
    try:
        await connection.start()
    except (OSError, TimeoutError) as error:
        raise Unavailable(f"the database cannot be reached: {error.strerror or type(error).__name__}") from error
    try:
        yield connection
    finally:
        try:
            if not connection.invalidated:  # by a break or a cancelled question: its locks are gone with it
                async with asyncio.timeout(_ANSWERS_WITHIN_S):
                    await connection.execute(sql("SELECT pg_advisory_unlock_all()"))
        except BaseException:
            await connection.invalidate()
            raise
        finally:
            await connection.close()
