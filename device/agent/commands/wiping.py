"""Retiring a station: what it was is erased, at a start, before anything else is looked at.

The mark comes first and goes last. Once it is there the station will be erased whatever happens, power cuts included:
each step can be taken any number of times, and the first ones leave a station that is nobody.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from device.agent.commands.journal import Journal
from device.agent.errors import AgentError
from provisioning.station.files import remove, sync_directory, wipe, write_whole

_log = logging.getLogger(__name__)
MARK = "wiping"
JOURNAL = "commands.sqlite"
# identity.json first: its presence means "enrolled". The key next: it is what a thief would want.
_FIRST = ("identity.json", "key.pem")
# The time is no secret, and a journal that has forgotten everything still knows what must not be done again.
_KEPT = (MARK, "clock", JOURNAL, f"{JOURNAL}-wal", f"{JOURNAL}-shm")


class Wiping:
    """Over one state directory."""

    def __init__(self, state_dir: Path, code_file: Path) -> None:
        self._dir = state_dir
        self._code_file = code_file

    def mark(self) -> None:
        """From now on there is no way back; OSError if it cannot be written."""
        write_whole(self._dir / MARK, b"erase everything at the next start\n")

    @property
    def marked(self) -> bool:
        """Whether everything is to be erased."""
        return (self._dir / MARK).exists()

    def finish(self, journal: Journal) -> bool:
        """Erase everything if that was begun; True when it was. AgentError if it cannot: the next start goes on."""
        if not self.marked:
            return False
        try:
            self._erase(journal)
        except OSError as error:
            raise AgentError(f"this station is to be erased, and cannot be: {error}") from error
        return True

    def _erase(self, journal: Journal) -> None:
        _log.warning("this station is retired: its key, config and journal are erased")
        for path in (*(self._dir / name for name in _FIRST), self._code_file):
            if path.exists():
                wipe(path)
        for path in sorted(self._dir.iterdir()):
            if path.is_dir() and not path.name.startswith("."):  # what others keep in the user's home is theirs
                shutil.rmtree(path)
            elif path.is_file() and path.name not in _KEPT:
                path.unlink()
        sync_directory(self._dir)
        journal.forget()
        remove(self._dir / MARK)
