"""Both databases for tests: fixtures that a test asks for by name, and that run it once on each kind."""

from __future__ import annotations

import asyncio
import functools
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from region.registry import Registry, database_url
from tests.kits.servers.postgres import Postgres, postgres

SQLITE = "sqlite"
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.system)
BOTH = (SQLITE, POSTGRESQL)


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """A PostgreSQL that the whole run shares; each test has a database of its own."""
    with postgres() as running:
        yield running


@pytest.fixture(scope="session")
def template(server: Postgres) -> str:
    """The name of a database at this version's schema, to copy."""
    server.sql("postgres", "CREATE DATABASE ready")
    _in_a_thread(lambda: asyncio.run(migrated(server.url("ready"))))
    return "ready"


@pytest.fixture(params=BOTH)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with nothing in it."""
    if request.param == SQLITE:
        return database_url(tmp_path)
    server: Postgres = request.getfixturevalue("server")
    return server.database()


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database at this version's schema, with nothing in it."""
    return ready(request, tmp_path)


def ready(request: pytest.FixtureRequest, data: Path) -> str:
    """The address of a database at this version's schema, for a fixture of any scope with `params=BOTH`."""
    if request.param == SQLITE:
        return ready_sqlite(data)
    server: Postgres = request.getfixturevalue("server")
    return server.database(request.getfixturevalue("template"))


@pytest.fixture
async def registry(database: str) -> AsyncIterator[Registry]:
    """A registry on each database."""
    registry = Registry(database)
    yield registry
    await registry.close()


@pytest.fixture
async def beside(database: str) -> AsyncIterator[Registry]:
    """A second registry on the same database, as another process would have."""
    registry = Registry(database)
    yield registry
    await registry.close()


async def migrated(url: str) -> str:
    """Bring a database up to the schema."""
    registry = Registry(url)
    try:
        return await registry.migrate()
    finally:
        await registry.close()


def ready_sqlite(data: Path) -> str:
    """The address of a database file in that folder at this version's schema: a copy, where a migration costs 0.4 s."""
    (data / "region.sqlite").write_bytes(_ready_sqlite())
    return database_url(data)


@functools.cache
def _ready_sqlite() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        _in_a_thread(lambda: asyncio.run(migrated(database_url(Path(name)))))
        return (Path(name) / "region.sqlite").read_bytes()


def _in_a_thread(act: Callable[[], object]) -> None:
    """A loop of its own, though the test that asks may be running in one."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()
