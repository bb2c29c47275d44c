"""The last good config on disk, `config.json`: what the station works by when the region is away."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from device.agent.desired import InForce
from messaging.codec import decode, encode
from messaging.envelope import parse_json
from messaging.errors import MessageError
from provisioning.station.files import write_whole

_log = logging.getLogger(__name__)
_MOST_BYTES = 256 * 1024  # the document as it came, and what came of it


class ConfigStore:
    """One file, replaced whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> InForce:
        """What was last saved; nothing desired yet where there is none. A damaged file is said loudly: the region
        sends its config again, for version 0 is older than any.
        """
        try:
            with self._path.open("rb") as file:
                return decode(InForce, parse_json(file.read(_MOST_BYTES)))
        except FileNotFoundError:
            return InForce()
        except (OSError, MessageError) as error:
            _log.error("%s cannot be used and waits for the region's: %s", self._path, error)
            return InForce()

    def save(self, in_force: InForce) -> None:
        """Replace it durably; OSError if it cannot."""
        write_whole(self._path, json.dumps(encode(in_force), ensure_ascii=False, indent=1).encode() + b"\n")
