"""What must reach the region, kept in SQLite until the broker has taken it.

Bounded: when it is full the oldest measurement goes first, and events only when no measurement is left. Every `put` is
on disk when it returns, so neither a kill nor a power cut loses it. A database that a power cut has damaged (NUL-filled
files were found in the field) is set aside under another name, loudly, and a new one is begun. It is opened at its
first use and serves one thread at a time.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from device.agent.errors import OutboxUnusable

_log = logging.getLogger(__name__)
T = TypeVar("T")
Kind = Literal["measurement", "event"]
_KINDS: dict[Kind, int] = {"measurement": 0, "event": 1}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS parcels (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS by_kind ON parcels (kind, number);
CREATE TABLE IF NOT EXISTS dropped (one INTEGER PRIMARY KEY CHECK (one = 1), parcels INTEGER NOT NULL);
INSERT OR IGNORE INTO dropped VALUES (1, 0);
"""
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


@dataclass(frozen=True)
class Parcel:
    """One message that waits, as it will travel."""

    number: int
    topic: str
    payload: bytes


class Outbox:
    """One database file. `set_aside` is where a damaged predecessor went, if there was one."""

    def __init__(self, path: Path, most: int = 5000, most_bytes: int = 16 * 1024 * 1024) -> None:
        self._path = path
        self._most = most
        self._most_bytes = most_bytes
        self.set_aside: Path | None = None
        self._database: sqlite3.Connection | None = None

    def put(self, kind: Kind, topic: str, payload: bytes) -> None:
        """Keep a message; OutboxUnusable if it could not be kept."""

        def insert(database: sqlite3.Connection) -> None:
            with database:
                database.execute(
                    "INSERT INTO parcels (kind, topic, payload) VALUES (?, ?, ?)", (_KINDS[kind], topic, payload)
                )
                self._make_room(database)

        self._guarded(insert)

    def waiting(self, after: int = 0, most: int = 10) -> list[Parcel]:
        """The oldest messages numbered above `after`."""
        query = "SELECT number, topic, payload FROM parcels WHERE number > ? ORDER BY number LIMIT ?"
        return self._guarded(lambda database: [Parcel(*row) for row in database.execute(query, (after, most))])

    def done(self, number: int) -> None:
        """The broker has taken this message."""

        def delete(database: sqlite3.Connection) -> None:
            with database:
                database.execute("DELETE FROM parcels WHERE number = ?", (number,))

        self._guarded(delete)

    def counts(self) -> tuple[int, int]:
        """(waiting, dropped ever)."""
        query = "SELECT (SELECT count(*) FROM parcels), (SELECT parcels FROM dropped)"
        waiting, dropped = self._guarded(lambda database: database.execute(query).fetchone())
        return waiting, dropped

    def close(self) -> None:
        """Let go of the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _make_room(self, database: sqlite3.Connection) -> None:
        count, size = database.execute("SELECT count(*), total(length(payload)) FROM parcels").fetchone()
        while count > self._most or (size > self._most_bytes and count > 1):
            query = "SELECT number, length(payload) FROM parcels ORDER BY kind, number LIMIT 1"
            number, length = database.execute(query).fetchone()
            database.execute("DELETE FROM parcels WHERE number = ?", (number,))
            database.execute("UPDATE dropped SET parcels = parcels + 1")
            count, size = count - 1, size - length

    def _guarded(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Act on the database; where it turns out to be damaged, set it aside and act on a new one."""
        try:
            try:
                return act(self._opened())
            except sqlite3.DatabaseError as error:
                if not getattr(error, "sqlite_errorname", "").startswith(_DAMAGED):
                    raise
                self._begin_anew(error)
                return act(self._opened())
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise OutboxUnusable(f"{self._path} cannot be used: {error}") from error

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            database = sqlite3.connect(self._path, check_same_thread=False, timeout=2)
            self._database = database
            # WAL with FULL: on disk at each commit. The directory's own entry is synchronised by SQLite.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise _corrupt(verdict)
            database.executescript(_SCHEMA)
            self._path.chmod(0o600)
        return self._database

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        self.close()
        aside = self._path.with_suffix(".damaged")
        self._path.replace(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self.set_aside = aside
        _log.error("the outbox was damaged (%s): set aside as %s, a new one is begun", error, aside)


def _corrupt(verdict: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(verdict)
    error.sqlite_errorname = "SQLITE_CORRUPT"
    return error
