"""The station's commands, put together: one journal, who takes orders into it, and who carries them out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from device.agent.commands.doing import Reach
from device.agent.commands.errors import JournalUnusable
from device.agent.commands.journal import Journal
from device.agent.commands.ledger import Ledger
from device.agent.commands.receiving import Receiving
from device.agent.commands.running import Running
from device.agent.commands.wiping import Wiping
from device.agent.words import believed
from messaging.clock import Clock
from messaging.link.port import Inbound
from messaging.signed import Word
from messaging.topics import Topic
from provisioning.station.keystore import Keystore

_log = logging.getLogger(__name__)


class Commands:
    """`station`: who this station is, '' while it is nobody. `trusted`: whether the clock can call anything expired."""

    def __init__(
        self, ledger: Ledger, wiping: Wiping, reach: Reach, clock: Clock, keystore: Keystore,
        trusted: Callable[[], bool], station: Callable[[], str],
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._keystore = keystore
        self._receiving = Receiving(ledger, self._believe, clock, trusted)
        self._running = Running(ledger, reach, wiping, clock, trusted, station)

    @property
    def journal(self) -> Journal:
        """What has been ordered."""
        return self._ledger.journal

    async def open(self) -> None:
        """Begin the journal where there is none: from here on it knows what is older than itself."""
        try:
            await self._ledger.act(self.journal.floor)
        except JournalUnusable as error:
            _log.error("no command can be taken: %s", error)

    async def take(self, message: Inbound, topic: Topic) -> None:
        """A command came in. MessageError when it is not to be believed; what cannot be remembered is not taken."""
        try:
            if await self._receiving.take(message, topic):
                self._running.wake()
        except JournalUnusable as error:
            _log.error("a command is not taken: %s", error)

    def refused(self, code: str) -> None:
        """station-call does not do what it was asked."""
        self._running.refused(code)

    async def run(self) -> None:
        """Carry out until cancelled."""
        await self._running.run()

    async def close(self) -> None:
        """Let go of the journal."""
        await self._ledger.act(self.journal.close)

    def _believe(self, station: str, data: dict[str, Any]) -> Word:
        """Whether it has expired is not for the reader to say: that is answered, and waits for a clock."""
        return believed(self._keystore, station, "command", data, wall=None)
