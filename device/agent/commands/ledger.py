"""The journal off the loop's thread, and its telling: what stands in it reaches the outbox, each state once.

A kill between the outbox and the journal's note of it tells one state twice: the wire's QoS 1 may do that anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec, TypeVar

from device.agent.commands.journal import Journal
from device.agent.courier import Courier
from messaging.envelope import Sealer
from messaging.topics import up

T = TypeVar("T")
P = ParamSpec("P")


class Ledger:
    """One journal and one courier. `thread` is an executor of one thread: a memory card may take its time."""

    def __init__(self, journal: Journal, courier: Courier, sealer: Sealer, thread: Executor) -> None:
        self.journal = journal
        self._courier = courier
        self._sealer = sealer
        self._thread = thread
        self._telling = asyncio.Lock()

    async def act(self, do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something of the journal's; JournalUnusable."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(do, *args, **kwargs))

    async def tell(self, station: str) -> None:
        """Put into the outbox what has not been told; what it does not take is told next time."""
        async with self._telling:
            while untold := await self.act(self.journal.untold, station):
                for one in untold:
                    topic = up(station, "cmd", one.kind, one.cid)
                    if not await self._courier.post("event", topic, self._sealer.seal(one.progress)):
                        return
                    await self.act(self.journal.told, one.number)

    async def waiting(self) -> int:
        """How many messages the broker has not taken yet."""
        waiting, _ = await self._courier.counts()
        return waiting
