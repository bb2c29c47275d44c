"""Backup and restore of SQLite, by its own online copy: a region may run meanwhile. PostgreSQL has pg_dump.

After a restore the stations know newer versions of their config than the registry does, and take none that is older:
`AfterRestore` lets every version begin anew at the present second, which no version that grew by ones has reached.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import case, update

from region.registry import schema
from region.registry.commands import Commands
from region.registry.errors import Conflict, Invalid, Unavailable
from region.registry.migrate import known_revisions
from region.registry.people import People
from region.registry.table import Subject

_PAGES = 1000  # copied before others get their turn
_BUSY_S = 10.0


class AfterRestore(Subject):
    """What a restored registry needs before it may speak to stations."""

    async def settle(self, now: float) -> None:
        """Let every station's version be newer than any it has seen, and publish all of them.

        Commands that had not ended when the backup was made may have been called back or done since: none is sent.
        Nor does anybody stay signed in: a session or link may have been ended since.
        """
        version, second = schema.station.c.desired_version, int(now)
        newer = case((version < second, second), else_=version + 1)
        await self._run(update(schema.station).values(desired_version=newer, published_version=0))
        await Commands(self._connection).end_all("restored", now)
        people = People(self._connection)
        await people.sign_out([one.id for one in await people.all()])


def back_up(database: Path, file: Path) -> int:
    """Copy the database as it is at one moment; gives the copy's bytes. It is there whole, checked, or not at all."""
    if file.exists():
        raise Conflict(f"{file} is there already: name another")
    part = file.with_name(f".{file.name}.part")
    try:
        with _told(), closing(_opened(database)) as source:
            os.close(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
            with closing(sqlite3.connect(part)) as copy:
                source.backup(copy, pages=_PAGES)
                copy.execute("PRAGMA journal_mode=DELETE")
                _check(copy, part)
        _synchronise(part)
        part.rename(file)
        _synchronise(file.parent)
    finally:
        part.unlink(missing_ok=True)
    return file.stat().st_size


def restore(database: Path, file: Path) -> None:
    """Put the copy in the database's place, in one transaction of SQLite's: others see what was, or all of it."""
    if not file.is_file():
        raise Invalid(f"{file} is not there")
    with _told(), closing(_opened(file)) as source:
        _check(source, file)
        with closing(sqlite3.connect(database, timeout=_BUSY_S)) as target:
            source.backup(target)


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)


def _check(copy: sqlite3.Connection, path: Path) -> None:
    """That it is whole, and of a version that this software knows."""
    if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
        raise Unavailable(f"{path} is damaged; nothing was changed")
    revision = copy.execute("SELECT version_num FROM alembic_version").fetchone()
    if revision is None or revision[0] not in known_revisions():
        raise Invalid(f"{path} is of another version of the region (schema {revision and revision[0]})")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(f"no database of the region, or it cannot be read or written: {error}") from error


def _synchronise(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
