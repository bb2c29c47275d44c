"""Whom this station believes: words signed below the roots it has pinned, for it, and of the kind that was expected."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from messaging.envelope import Sealer
from messaging.errors import ForeignWord
from messaging.signed import Kind, Word, carried, read_word
from provisioning.station.errors import StateUnusable
from provisioning.station.keystore import Keystore

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Words:
    """Reads what came for one station. The roots are read each time: a renewal may bring another."""

    station: str
    keystore: Keystore
    sealer: Sealer  # its clock, and how far that is to be trusted

    def read(self, kind: Kind, data: dict[str, Any]) -> Word:
        """The word in an envelope's data; a MessageError when it is not to be believed."""
        jws = carried(data)
        try:
            roots = self.keystore.roots()
        except StateUnusable as error:
            _log.error("nothing the region says can be believed: %s", error)
            raise ForeignWord("this station cannot read the roots that it trusts") from error
        trusted = self.sealer.clock_trust() == "ntp"
        return read_word(
            jws, kind=kind, station=self.station, roots=roots, wall=self.sealer.wall(), clock_trusted=trusted
        )
