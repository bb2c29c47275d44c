"""Config on disk, `config.json`: what the station works by when the region is away, and how its trial stands.

What is in force stands at the top of the file, where station-call reads it; the rest of the journal stands beside it.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from device.agent.trial import Journal
from messaging.codec import decode, encode
from messaging.envelope import parse_json
from messaging.errors import MessageError
from messaging.twin import MOST_CONFIG_BYTES
from provisioning.station.files import write_whole

_log = logging.getLogger(__name__)


class ConfigStore:
    """One file, replaced whole: there is no moment between two of them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Journal:
        """What was last saved; nothing desired yet where there is none. A damaged file is said loudly: the region
        sends its config again, for version 0 is older than any.
        """
        try:
            with self._path.open("rb") as file:
                data = parse_json(file.read(MOST_CONFIG_BYTES + 1), MOST_CONFIG_BYTES)
            return decode(Journal, {**data, "in_force": data} if isinstance(data, dict) else data)
        except FileNotFoundError:
            return Journal()
        except (OSError, MessageError) as error:
            _log.error("%s cannot be used and waits for the region's: %s", self._path, error)
            return Journal()

    def save(self, journal: Journal) -> None:
        """Replace it durably; OSError if it cannot."""
        data = encode(journal)
        whole = {**data.pop("in_force"), **data}
        write_whole(self._path, json.dumps(whole, ensure_ascii=False, indent=1).encode() + b"\n")
