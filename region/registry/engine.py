"""The engine, and the one door to it: `Registry.begin()` and `Registry.read()`."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from region.danish import order_key
from region.registry.errors import Conflict, Invalid, Unavailable
from region.registry.migrate import upgrade
from region.registry.news import Ears, Heard
from region.registry.ordering import DANISH
from region.registry.together import Together
from region.registry.transaction import Transaction
from region.registry.turns import Still, Turns

_BUSY_TIMEOUT_MS = 10_000
_PURPOSE, _READS, _WRITES, _MIGRATES = "laegeknap_purpose", "reads", "writes", "migrates"
_SQLITE, _POSTGRESQL = "sqlite+aiosqlite:///", "postgresql+asyncpg://"
_POOL = 8  # connections of one process to PostgreSQL, and as many more for a moment
_POOLED: dict[str, Any] = {"pool_size": _POOL, "max_overflow": _POOL, "pool_pre_ping": True, "pool_recycle": 1800}
# The server lets go of what a machine held that has vanished within half a minute; without these in two hours.
_KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
_PATIENT = _POOLED | {
    "isolation_level": "AUTOCOMMIT", "connect_args": {"server_settings": _KEEPALIVE | {"lock_timeout": "10s"}}
}  # fmt: skip
_MIGRATION_LOCK = 0x6C61656B  # "laek"


def database_url(data: Path, said: str | None = None) -> str:
    """The database that was said (`--database`, REGION_DATABASE), or else SQLite's file in the region's `data`."""
    return said or f"{_SQLITE}{data / 'region.sqlite'}"


class Registry:
    """The region's database, at `url` (`addressed`).

    Both databases behave alike: a transaction that reads sees one moment; one that writes sees what others have
    committed, and what must hold between two of them is decided by conditional statements, unique keys and `_alone`.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(addressed(url))
        self.together = Together(self.begin)
        self._name = secrets.token_hex(4)
        self._turns = Turns(None if self.is_sqlite else _made(addressed(url), **_PATIENT))

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self._engine.dialect.name == "sqlite"

    @property
    def file(self) -> Path:
        """SQLite's file; Invalid for another database."""
        if not self.is_sqlite or not self._engine.url.database:
            raise Invalid("this database is no file: use pg_dump and pg_restore (docs/operations/databases.md)")
        return Path(self._engine.url.database)

    async def migrate(self) -> str:
        """Bring the database up to this version's schema; gives the revision it is at now."""
        async with self._errors(), self._connected(_MIGRATES) as connection:
            async with connection.begin():
                await self._one_migrates(connection)
                revision = await connection.run_sync(upgrade)
                await self._check_references(connection)
            return revision

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """A transaction that writes: commits when left, rolls back on an error."""
        async with self._errors(), self._connected(_WRITES) as connection, connection.begin():
            transaction = Transaction(connection, self._name)
            yield transaction
            await transaction.audit.write()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """A transaction that only looks, and sees one moment; it never waits for a writer."""
        async with self._errors(), self._connected(_READS) as connection:
            if not self.is_sqlite:
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield Transaction(connection, self._name)

    @asynccontextmanager
    async def alone(self, *names: str) -> AsyncIterator[None]:
        """One at a time among all processes for each of these names; Unavailable when that takes too long.

        Who needs several names asks for them at once, everybody in the same order.
        """
        async with self._errors(), self._turns.alone(names):
            yield

    @asynccontextmanager
    async def holding(self, name: str) -> AsyncIterator[Still | None]:
        """Hold `name` alone among all processes for as long as this lasts; None: another one does.

        What is given is asked whether we still do: a connection that breaks lets go of it.
        """
        async with self._errors(), self._turns.holding(name) as still:
            yield still

    async def listen(self, heard: Callable[[Heard | None], None]) -> None:
        """Tell `heard` what other processes tell, until the connection breaks (Unavailable).

        None once it has begun: what was told before that has been missed. SQLite's one process hears nothing.
        """
        if not self.is_sqlite:
            async with self._errors(), self._connected(_READS) as connection:
                await Ears(self._name, heard).listen(connection)

    async def close(self) -> None:
        """Let go of the database."""
        await self._turns.close()
        await self._engine.dispose()

    @asynccontextmanager
    async def _connected(self, purpose: str) -> AsyncIterator[AsyncConnection]:
        """A connection; a server that cannot be reached is Unavailable, whatever its driver calls that."""
        connection = self._engine.connect()
        try:
            await connection.start()
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"the database cannot be reached: {error.strerror or type(error).__name__}") from error
        try:
            await connection.execution_options(**{_PURPOSE: purpose})
            yield connection
        finally:
            await connection.close()

    async def _one_migrates(self, connection: AsyncConnection) -> None:
        if not self.is_sqlite:
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")

    async def _check_references(self, connection: AsyncConnection) -> None:
        if self.is_sqlite and (await connection.exec_driver_sql("PRAGMA foreign_key_check")).first() is not None:
            raise Unavailable("a row refers to one that is not there; nothing was changed. Restore a backup")

    @asynccontextmanager
    async def _errors(self) -> AsyncIterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise Conflict("there is one of that name already, or something still refers to it") from error
        except SQLAlchemyError as error:
            raise Unavailable(f"the database does not answer as it should: {type(error).__name__}") from error


def addressed(url: str) -> str:
    """The address with the driver we use: `postgresql://...` as everybody writes it, or a path of SQLite's."""
    for plain, ours in (("postgres://", _POSTGRESQL), ("postgresql://", _POSTGRESQL), ("sqlite:///", _SQLITE)):
        if url.startswith(plain):
            return ours + url.removeprefix(plain)
    if not url.startswith((_POSTGRESQL, _SQLITE)):
        raise Unavailable("the database's address: expected postgresql://user@host/name, or sqlite:///path")
    return url


def _engine(url: str) -> AsyncEngine:
    if url.startswith(_POSTGRESQL):
        return _made(url, **_POOLED, connect_args={"server_settings": _KEEPALIVE})
    engine = _made(url)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _made(url: str, **options: Any) -> AsyncEngine:
    try:
        return create_async_engine(url, **options)
    except ArgumentError as error:
        raise Unavailable("the database's address cannot be understood") from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Write-ahead log, foreign keys, patience; and transactions begun by us instead of by the driver."""
    connection.isolation_level = None
    connection.create_function("lower", 1, _lower, deterministic=True)
    connection.create_function(DANISH, 1, order_key, deterministic=True)
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _lower(text: str | None) -> str | None:
    """SQLite's own knows the letters of ASCII alone."""
    return None if text is None else text.lower()


def _begin_sqlite(connection: Any) -> None:
    """A writer takes SQLite's write lock at once: one that reads first could otherwise fail instead of waiting.

    A migration makes tables anew under rows that refer to them, which is only possible while nobody looks after
    references; they are checked before it commits. (The pragma does nothing inside a transaction.)
    """
    purpose = connection.get_execution_options().get(_PURPOSE, _WRITES)
    connection.exec_driver_sql(f"PRAGMA foreign_keys={'OFF' if purpose == _MIGRATES else 'ON'}")
    connection.exec_driver_sql("BEGIN" if purpose == _READS else "BEGIN IMMEDIATE")
