"""The volume that was ordered: it holds until the next config, across restarts."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from device.agent.desired import InForce
from messaging.codec import Range
from messaging.errors import MessageError
from messaging.twin import Config
from provisioning.station.documents import document, read_document
from provisioning.station.files import write_whole

_log = logging.getLogger(__name__)
NAME = "volume.json"


@dataclass(frozen=True)
class _Ordered:
    percent: Annotated[int, Range(0, 100)]
    version: Annotated[int, Range(0, 2**53)]  # of the config that it was ordered under


class OrderedVolume:
    """One small file, replaced whole."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / NAME
        self._ordered = self._load()

    def order(self, percent: int, in_force: InForce) -> None:
        """From now on this loud; OSError if it cannot be kept."""
        ordered = _Ordered(percent, in_force.version)
        write_whole(self._path, document(ordered))
        self._ordered = ordered

    def over(self, in_force: InForce) -> Config:
        """The config in force, as loud as was ordered under it."""
        if self._ordered is None or self._ordered.version != in_force.version:
            return in_force.config
        return replace(in_force.config, volume=self._ordered.percent)

    def _load(self) -> _Ordered | None:
        try:
            return read_document(self._path, _Ordered)
        except (OSError, MessageError) as error:
            _log.warning("%s cannot be used, the config's volume holds: %s", self._path, error)
            return None
