"""Asked for diagnostics: what the station knows of itself, gathered, and handed in under the command's id."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from device.agent.commands.journal import Journal
from device.agent.commands.ledger import Ledger
from device.agent.diagnostics import excerpt
from device.agent.diagnostics.bundle import with_lines
from device.agent.diagnostics.redacting import nameless, names_in, redact
from device.agent.twin import Twin
from messaging.clock import Clock
from messaging.diagnostics import Bundle, Line, Ordered
from messaging.envelope import Sealer
from messaging.health import Health
from provisioning.station import region_client
from provisioning.station.egress import DIRECT, Egress
from provisioning.station.errors import ProvisioningError
from provisioning.station.keystore import Keystore
from provisioning.station.region_client import Shown

_log = logging.getLogger(__name__)
_MOST_COMMANDS = 32


@dataclass(frozen=True)
class Diagnosis:
    """Where each part of the bundle comes from. It reads and measures; it opens no camera and no microphone."""

    keystore: Keystore
    clock: Clock
    sealer: Sealer
    twin: Twin
    ledger: Ledger
    health: Callable[[], Awaitable[Health]]
    figures: Callable[[], dict[str, float]]
    out: Egress = DIRECT
    journal: Callable[[], Awaitable[list[Line]]] = excerpt.journal

    async def hand_in(self, cid: str) -> str:
        """Gather, and give it to the region; '' or why not: `disk`, or a word of provisioning's."""
        try:
            identity = self.keystore.identity()
            if identity is None:
                return "not_possible"
            names = names_in(self.twin.in_force.config)
            lines = await self.journal()
            packed = await asyncio.to_thread(with_lines, await self._bundle(identity.station), lines, names)
            shown = Shown(self.keystore.certificate, self.keystore.key)
            await region_client.hand_in(cid, packed, identity.url, self.keystore.roots(), shown, self.out)
        except ProvisioningError as failure:
            _log.warning("diagnostics are not handed in: %s", failure)
            return failure.code
        except OSError as failure:
            _log.warning("diagnostics are not handed in: %s", failure)
            return "disk"
        return ""

    async def _bundle(self, station: str) -> Bundle:
        in_force, refused = self.twin.in_force, self.twin.verdict.refused
        remembered = await self.ledger.act(_newest, self.ledger.journal, station)
        return Bundle(
            station, self.clock.wall(), self.sealer.clock_trust(), self.sealer.boot, await self.health(),
            self.figures(), in_force.version, nameless(in_force.config),
            # By its field alone: what lies below may be somebody's network.
            {field.partition(".")[0]: redact(why) for field, why in refused.items()}, tuple(remembered),
        )  # fmt: skip


def _newest(journal: Journal, station: str) -> list[Ordered]:
    return [Ordered(one.cid, one.kind, one.state, one.reason) for one in journal.recent(station, _MOST_COMMANDS)]
