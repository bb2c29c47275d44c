"""The engine, and the one door to it: `Registry.begin()` and `Registry.read()`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from region.registry.audit import Audit
from region.registry.calls import Calls
from region.registry.certificates import Certificates
from region.registry.enrolments import Enrolments
from region.registry.errors import Conflict, Unavailable
from region.registry.migrate import upgrade
from region.registry.people import People
from region.registry.places import Clinics, Sites
from region.registry.qualities import Qualities
from region.registry.reports import Reports
from region.registry.sessions import Sessions
from region.registry.stations import Stations

_BUSY_TIMEOUT_MS = 10_000
_READ_ONLY = "laegeknap_read_only"


def database_url(data: Path) -> str:
    """The default database of a region with its state in `data`."""
    return f"sqlite+aiosqlite:///{data / 'region.sqlite'}"


class Transaction:
    """One transaction, and the tables as subjects."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @cached_property
    def clinics(self) -> Clinics:
        """Whom buttons call."""
        return Clinics(self._connection)

    @cached_property
    def sites(self) -> Sites:
        """Where stations stand."""
        return Sites(self._connection)

    @cached_property
    def stations(self) -> Stations:
        """The stations and what they should work by."""
        return Stations(self._connection)

    @cached_property
    def enrolments(self) -> Enrolments:
        """Enrolment codes and the certificates they gave."""
        return Enrolments(self._connection)

    @cached_property
    def certificates(self) -> Certificates:
        """Every certificate that a station was given."""
        return Certificates(self._connection)

    @cached_property
    def reports(self) -> Reports:
        """Presence and the last reports of each station."""
        return Reports(self._connection)

    @cached_property
    def people(self) -> People:
        """Who may sign in."""
        return People(self._connection)

    @cached_property
    def sessions(self) -> Sessions:
        """Signed-in browsers and one-time links."""
        return Sessions(self._connection)

    @cached_property
    def calls(self) -> Calls:
        """Calls, and who has them."""
        return Calls(self._connection)

    @cached_property
    def qualities(self) -> Qualities:
        """What calls were like."""
        return Qualities(self._connection)

    @cached_property
    def audit(self) -> Audit:
        """What was done, by whom."""
        return Audit(self._connection)


class Registry:
    """The region's database. `url` is SQLAlchemy's, with an asynchronous driver."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)

    async def migrate(self) -> str:
        """Bring the database up to this version's schema; gives the revision it is at now."""
        async with self._errors(), self._engine.begin() as connection:
            return await connection.run_sync(upgrade)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """A transaction that writes: commits when left, rolls back on an error."""
        async with self._errors(), self._engine.begin() as connection:
            yield Transaction(connection)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """A transaction that only looks; it never waits for a writer."""
        async with self._errors(), self._engine.connect() as connection:
            await connection.execution_options(**{_READ_ONLY: True})
            yield Transaction(connection)

    async def close(self) -> None:
        """Let go of the database."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _errors(self) -> AsyncIterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise Conflict("there is one of that name already, or something still refers to it") from error
        except SQLAlchemyError as error:
            raise Unavailable(f"the database does not answer as it should: {type(error).__name__}") from error


def _engine(url: str) -> AsyncEngine:
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Write-ahead log, foreign keys, patience; and transactions begun by us instead of by the driver."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    """A writer takes SQLite's write lock at once: one that reads first could otherwise fail instead of waiting."""
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
