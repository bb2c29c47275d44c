"""One SQLite file of the agent's: on disk at each commit, and begun anew, loudly, when a power cut has damaged it.

A database that a power cut has damaged (NUL-filled files were found in the field) is set aside under another name and a
new one is begun. It is opened at its first use and serves one thread at a time.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from device.agent.errors import AgentError

_log = logging.getLogger(__name__)
T = TypeVar("T")
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class Database:
    """One file. `found` makes its tables where they are not there; `set_aside` is where a damaged predecessor went."""

    def __init__(self, path: Path, found: Callable[[sqlite3.Connection], object], unusable: type[AgentError]) -> None:
        self._path = path
        self._found = found
        self._unusable = unusable
        self.set_aside: Path | None = None
        self._connection: sqlite3.Connection | None = None

    def guarded(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Act on the database; where it turns out to be damaged, set it aside and act on a new one. `unusable` else."""
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
            raise self._unusable(f"{self._path} cannot be used: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self._path, check_same_thread=False, timeout=2)
            self._connection = connection
            # WAL with FULL: on disk at each commit. The directory's own entry is synchronised by SQLite.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise _corrupt(verdict)
            self._found(connection)
            self._path.chmod(0o600)
        return self._connection

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        self.close()
        aside = self._path.with_suffix(".damaged")
        self._path.replace(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self.set_aside = aside
        _log.error("%s was damaged (%s): set aside as %s, a new one is begun", self._path.name, error, aside)


def _corrupt(verdict: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(verdict)
    error.sqlite_errorname = "SQLITE_CORRUPT"
    return error
