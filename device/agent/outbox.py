"""What must reach the region, kept in SQLite until the broker has taken it.

Bounded: when it is full the oldest measurement goes first, and events only when no measurement is left. Every `put` is
on disk when it returns, so neither a kill nor a power cut loses it. It serves one thread at a time.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from device.agent.database import Database
from device.agent.errors import OutboxUnusable

Kind = Literal["measurement", "event"]
_KINDS: dict[Kind, int] = {"measurement": 0, "event": 1}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS parcels (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS by_kind ON parcels (kind, number);
CREATE TABLE IF NOT EXISTS dropped (one INTEGER PRIMARY KEY CHECK (one = 1), parcels INTEGER NOT NULL);
INSERT OR IGNORE INTO dropped VALUES (1, 0);
"""


@dataclass(frozen=True)
class Parcel:
    """One message that waits, as it will travel."""

    number: int
    topic: str
    payload: bytes


class Outbox:
    """One database file."""

    def __init__(self, path: Path, most: int = 5000, most_bytes: int = 16 * 1024 * 1024) -> None:
        self._database = Database(path, lambda database: database.executescript(_SCHEMA), OutboxUnusable)
        self._most = most
        self._most_bytes = most_bytes

    @property
    def set_aside(self) -> Path | None:
        """Where a damaged predecessor went, if there was one."""
        return self._database.set_aside

    def put(self, kind: Kind, topic: str, payload: bytes) -> None:
        """Keep a message; OutboxUnusable if it could not be kept."""

        def insert(database: sqlite3.Connection) -> None:
            with database:
                database.execute(
                    "INSERT INTO parcels (kind, topic, payload) VALUES (?, ?, ?)", (_KINDS[kind], topic, payload)
                )
                self._make_room(database)

        self._database.guarded(insert)

    def waiting(self, after: int = 0, most: int = 10) -> list[Parcel]:
        """The oldest messages numbered above `after`."""
        query = "SELECT number, topic, payload FROM parcels WHERE number > ? ORDER BY number LIMIT ?"
        return self._database.guarded(lambda database: [Parcel(*row) for row in database.execute(query, (after, most))])

    def done(self, number: int) -> None:
        """The broker has taken this message."""

        def delete(database: sqlite3.Connection) -> None:
            with database:
                database.execute("DELETE FROM parcels WHERE number = ?", (number,))

        self._database.guarded(delete)

    def counts(self) -> tuple[int, int]:
        """(waiting, dropped ever)."""
        query = "SELECT (SELECT count(*) FROM parcels), (SELECT parcels FROM dropped)"
        waiting, dropped = self._database.guarded(lambda database: database.execute(query).fetchone())
        return waiting, dropped

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _make_room(self, database: sqlite3.Connection) -> None:
        count, size = database.execute("SELECT count(*), total(length(payload)) FROM parcels").fetchone()
        while count > self._most or (size > self._most_bytes and count > 1):
            query = "SELECT number, length(payload) FROM parcels ORDER BY kind, number LIMIT 1"
            number, length = database.execute(query).fetchone()
            database.execute("DELETE FROM parcels WHERE number = ?", (number,))
            database.execute("UPDATE dropped SET parcels = parcels + 1")
            count, size = count - 1, size - length
