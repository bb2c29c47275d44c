"""A command that comes in: read, judged, journalled, told; then the broker may forget it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from device.agent.commands.entry import entry_of
from device.agent.commands.errors import RetainedOrder
from device.agent.commands.judging import Standing, judge
from device.agent.commands.ledger import Ledger
from messaging.clock import Clock
from messaging.envelope import open_envelope
from messaging.link.port import Inbound
from messaging.signed import Word
from messaging.topics import Topic

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Receiving:
    """`believe` reads a signed command, whatever the time; `trusted`: whether the clock may call anything expired."""

    ledger: Ledger
    believe: Callable[[str, dict[str, Any]], Word]  # the station, and what an envelope holds; a MessageError
    clock: Clock
    trusted: Callable[[], bool]

    async def take(self, message: Inbound, topic: Topic) -> bool:
        """Take a command for `topic.station`; True when there is something to do.

        MessageError for what nobody signed for this place; JournalUnusable when it cannot be remembered.
        """
        if message.retained:
            raise RetainedOrder("commands are never retained")
        word = self.believe(topic.station, open_envelope(message.payload).data)
        journal, cid = self.ledger.journal, word.cid or ""
        known = await self.ledger.act(journal.find, cid)
        unfinished = await self.ledger.act(journal.unfinished, word.station)
        floor = await self.ledger.act(journal.floor)
        now = self.clock.wall()
        first = judge(topic, word, Standing(known is not None, floor, len(unfinished), now, self.trusted()))
        if first is None:
            await self.ledger.act(journal.tell_again, cid)
        else:
            _log.info("command %s %s: %s %s", word.type, cid, first.state, first.reason)
            await self.ledger.act(journal.accept, entry_of(word), first, now)
        await self.ledger.tell(topic.station)
        return first is not None and first.state == "init"
