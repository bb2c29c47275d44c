"""Whom this station believes: words signed below the roots it has pinned, for it, and of the kind that was expected."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from messaging.envelope import Sealer
from messaging.errors import ForeignWord
from messaging.reasons import say
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
        trusted = self.sealer.clock_trust() == "ntp"
        return believed(self.keystore, self.station, kind, data, wall=self.sealer.wall() if trusted else None)


def believed(keystore: Keystore, station: str, kind: Kind, data: dict[str, Any], wall: float | None) -> Word:
    """The same for whoever has no clock to go by (`wall` None), or judges the time himself."""
    jws = carried(data)
    try:
        roots = keystore.roots()
    except StateUnusable as error:
        _log.error("nothing the region says can be believed: %s", error)
        raise ForeignWord(say("no_roots")) from error
    return read_word(jws, kind=kind, station=station, roots=roots, wall=wall or 0.0, clock_trusted=wall is not None)
