"""Carries messages from the outbox to the broker: at least once, in their order, kept until the broker has them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from device.agent.errors import OutboxUnusable
from device.agent.outbox import Kind, Outbox
from messaging.link.port import Link, LinkRefused

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Courier:
    """The only user of the outbox. `thread` is an executor of one thread: a memory card may take its time."""

    def __init__(self, outbox: Outbox, thread: Executor) -> None:
        self._outbox = outbox
        self._thread = thread
        self._posted = asyncio.Event()
        self.failed = 0  # messages that could not even be kept

    async def post(self, kind: Kind, topic: str, payload: bytes) -> bool:
        """Keep a message and have it delivered when there is a link. Never raises: a report is not worth the agent.

        False when it could not even be kept.
        """
        try:
            await self._run(partial(self._outbox.put, kind, topic, payload))
        except OutboxUnusable as error:
            self.failed += 1
            _log.error("a message to the region is lost: %s", error)
            return False
        self._posted.set()
        return True

    async def counts(self) -> tuple[int, int]:
        """(waiting, dropped ever), what could not be kept included."""
        try:
            waiting, dropped = await self._run(self._outbox.counts)
        except OutboxUnusable:
            return 0, self.failed
        return waiting, dropped + self.failed

    async def deliver(self, link: Link) -> None:
        """Deliver until cancelled, or until LinkDown or OutboxUnusable. What is refused stays, behind the others.

        Returns when nobody listens, for then nothing would be delivered: a broker that is back without what it had
        kept has forgotten the region, until that is back too.
        """
        after = 0
        while True:
            self._posted.clear()
            parcels = await self._run(partial(self._outbox.waiting, after))
            for parcel in parcels:
                try:
                    heard = await link.publish(parcel.topic, parcel.payload)
                except LinkRefused as refusal:
                    after = parcel.number
                    _log.warning("the broker does not take %s: %s", parcel.topic, refusal)
                else:
                    if not heard:
                        return
                    await self._run(partial(self._outbox.done, parcel.number))
            if not parcels:
                await self._posted.wait()

    async def close(self) -> None:
        """Let go of the outbox."""
        await self._run(self._outbox.close)

    async def _run(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)
