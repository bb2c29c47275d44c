"""What has been ordered and how far each order has come: on disk before anything follows from it.

SQLite, as the outbox, and not files replaced whole, as the config: a step is one small transaction that grows no slower
with the hundredth order, and "is this id known" is one look. Not the outbox's own file: that one may be dropped from.

Bounded in number and age. What is forgotten raises the floor: an order issued no later than one that was forgotten is
refused for ever, so a replay never finds a journal that has lost its memory. A journal that begins, or begins anew
because a power cut has damaged it, begins with the floor at the present.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device.agent.commands.entry import Entry, Untold
from device.agent.commands.errors import JournalUnusable
from device.agent.commands.evidence import Evidence
from device.agent.database import Database
from messaging.codec import decode, encode
from messaging.command import ENDED, LONGEST_S, Progress

MOST = 256  # orders remembered; those that are under way are at most a few
_SCHEMA = """
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY AUTOINCREMENT, cid TEXT NOT NULL UNIQUE, station TEXT NOT NULL, kind TEXT NOT NULL,
    issued REAL NOT NULL, expires REAL NOT NULL, body TEXT NOT NULL, ended INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0, evidence TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS steps (
    number INTEGER PRIMARY KEY AUTOINCREMENT, cid TEXT NOT NULL REFERENCES orders (cid), progress TEXT NOT NULL,
    told INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS steps_of ON steps (cid, number);
CREATE TABLE IF NOT EXISTS forgotten (one INTEGER PRIMARY KEY CHECK (one = 1), issued REAL NOT NULL);
"""
_INSERT = "INSERT INTO orders (cid, station, kind, issued, expires, body) VALUES (?, ?, ?, ?, ?, ?)"
_ENTRY = """
SELECT orders.cid, station, kind, issued, expires, body, attempts, evidence, progress FROM orders
JOIN steps ON steps.number = (SELECT max(number) FROM steps WHERE steps.cid = orders.cid)
"""


class Journal:
    """One database file. Every method raises JournalUnusable where the disk is at fault."""

    def __init__(self, path: Path, present: Callable[[], float]) -> None:
        """`present` is the newest moment that is certainly not in the future, Unix seconds."""
        self._database = Database(path, self._found, JournalUnusable)
        self._present = present

    def find(self, cid: str) -> Entry | None:
        """The order with this id."""
        rows = self._rows(f"{_ENTRY} WHERE orders.cid = ?", cid)
        return _entry(rows[0]) if rows else None

    def unfinished(self, station: str) -> list[Entry]:
        """What has not ended, in the order of its coming."""
        rows = self._rows(f"{_ENTRY} WHERE station = ? AND NOT ended ORDER BY orders.number", station)
        return [_entry(row) for row in rows]

    def recent(self, station: str, most: int) -> list[Entry]:
        """What came last, ended or not; the newest first."""
        rows = self._rows(f"{_ENTRY} WHERE station = ? ORDER BY orders.number DESC LIMIT ?", station, most)
        return [_entry(row) for row in rows]

    def floor(self) -> float:
        """The newest moment of issue that has been forgotten."""
        floor: float = self._rows("SELECT issued FROM forgotten")[0][0]
        return floor

    def accept(self, entry: Entry, progress: Progress, now: float) -> None:
        """Remember an order with its first state, and forget what is old or too much (`now`: Unix seconds)."""

        def insert(database: sqlite3.Connection) -> None:
            with database:
                values = (entry.cid, entry.station, entry.kind, entry.issued, entry.expires, json.dumps(entry.body))
                database.execute(_INSERT, values)
                _add_step(database, entry.cid, progress)
                _forget(database, now)

        self._database.guarded(insert)

    def step(self, cid: str, progress: Progress, evidence: Evidence | None = None) -> None:
        """An order has come one state further; `evidence` when it begins to be carried out."""

        def add(database: sqlite3.Connection) -> None:
            with database:
                _add_step(database, cid, progress)
                if evidence is not None:
                    database.execute(
                        "UPDATE orders SET evidence = ? WHERE cid = ?", (json.dumps(encode(evidence)), cid)
                    )

        self._database.guarded(add)

    def attempt(self, cid: str) -> int:
        """It is about to be carried out; how often that has been so, this time included."""

        def count(database: sqlite3.Connection) -> int:
            with database:
                database.execute("UPDATE orders SET attempts = attempts + 1 WHERE cid = ?", (cid,))
            attempts: int = database.execute("SELECT attempts FROM orders WHERE cid = ?", (cid,)).fetchone()[0]
            return attempts

        return self._database.guarded(count)

    def untold(self, station: str, most: int = 32) -> list[Untold]:
        """The oldest states that have not been told."""
        query = """SELECT steps.number, orders.cid, kind, progress FROM steps JOIN orders ON orders.cid = steps.cid
            WHERE station = ? AND NOT told ORDER BY steps.number LIMIT ?"""
        rows = self._rows(query, station, most)
        return [Untold(number, cid, kind, _progress(text)) for number, cid, kind, text in rows]

    def told(self, number: int) -> None:
        """This state stands in the outbox."""
        self._change("UPDATE steps SET told = 1 WHERE number = ?", number)

    def tell_again(self, cid: str) -> None:
        """Somebody asks anew: its newest state is to be told once more."""
        self._change(
            "UPDATE steps SET told = 0 WHERE number = (SELECT max(number) FROM steps WHERE cid = ?)", cid
        )  # fmt: skip

    def retired(self, station: str) -> bool:
        """Whether this station has been ordered to retire, and has said that it will."""
        rows = self._rows(f"{_ENTRY} WHERE station = ? AND ended AND kind = 'wipe'", station)
        return any(_entry(row).state == "successful" for row in rows)

    def forget(self) -> None:
        """Forget every order; the floor stays, above all of them."""

        def erase(database: sqlite3.Connection) -> None:
            with database:
                _forget_these(database, "SELECT cid FROM orders", ())
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        self._database.guarded(erase)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @property
    def set_aside(self) -> Path | None:
        """Where a damaged predecessor went, if there was one."""
        return self._database.set_aside

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._database.guarded(lambda database: database.execute(query, values).fetchall())

    def _change(self, statement: str, *values: object) -> None:
        def change(database: sqlite3.Connection) -> None:
            with database:
                database.execute(statement, values)

        self._database.guarded(change)

    def _found(self, database: sqlite3.Connection) -> None:
        database.executescript(_SCHEMA)
        with database:
            database.execute("INSERT OR IGNORE INTO forgotten VALUES (1, ?)", (self._present(),))


def _add_step(database: sqlite3.Connection, cid: str, progress: Progress) -> None:
    text = json.dumps(encode(progress))
    database.execute("INSERT INTO steps (cid, progress) VALUES (?, ?)", (cid, text))
    if progress.state in ENDED:  # what an order said (words for a screen, say) is nobody's business any more
        database.execute("UPDATE orders SET ended = 1, body = '{}' WHERE cid = ?", (cid,))


def _forget(database: sqlite3.Connection, now: float) -> None:
    old = "SELECT cid FROM orders WHERE ended AND expires < ?"
    _forget_these(database, old, (now - LONGEST_S,))
    too_much = max(0, database.execute("SELECT count(*) FROM orders").fetchone()[0] - MOST)
    _forget_these(database, "SELECT cid FROM orders WHERE ended ORDER BY issued LIMIT ?", (too_much,))


def _forget_these(database: sqlite3.Connection, query: str, values: tuple[object, ...]) -> None:
    cids = database.execute(query, values).fetchall()
    for (cid,) in cids:
        (issued,) = database.execute("SELECT issued FROM orders WHERE cid = ?", (cid,)).fetchone()
        database.execute("UPDATE forgotten SET issued = max(issued, ?)", (issued,))
        database.execute("DELETE FROM steps WHERE cid = ?", (cid,))
        database.execute("DELETE FROM orders WHERE cid = ?", (cid,))


def _entry(row: tuple[Any, ...]) -> Entry:
    cid, station, kind, issued, expires, body, attempts, evidence, progress = row
    last = _progress(progress)
    began = decode(Evidence, json.loads(evidence)) if evidence else None
    return Entry(
        cid, station, kind, issued, expires, json.loads(body), last.state, last.reason, attempts, began
    )  # fmt: skip


def _progress(text: str) -> Progress:
    return decode(Progress, json.loads(text))
