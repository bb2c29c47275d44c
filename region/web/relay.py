"""What pages are told, carried between the region's processes: a page listens at one, and news comes in at any."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any

from messaging.clock import Clock
from region.registry import Registry, RegistryError
from region.registry.news import Heard
from region.web.events import Hub

_log = logging.getLogger(__name__)
_MOST_WAITING = 10_000
_AGAIN_S = 1.0


class Relay:
    """Between `hub` and those of the other processes that share the database."""

    def __init__(self, registry: Registry, hub: Hub, clock: Clock) -> None:
        self._registry = registry
        self._hub = hub
        self._clock = clock
        self._waiting: deque[tuple[str, str, Any]] = deque(maxlen=_MOST_WAITING)
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Carry for ever."""
        if self._registry.is_sqlite:
            return  # one process: there is nobody else
        self._hub.to_others = self._take
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="hear the other processes")
            tasks.create_task(self._tell(), name="tell the other processes")

    def _take(self, topic: str, event: str, data: Any) -> None:
        self._waiting.append((topic, event, data))
        self._woken.set()

    async def _tell(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            news, self._waiting = self._waiting, deque(maxlen=_MOST_WAITING)
            try:
                async with self._registry.begin() as t:
                    for topic, event, data in news:
                        await t.news.tell(topic, event, data)
            except RegistryError as error:
                _log.warning("pages at other processes are not told: %s", error)

    async def _listen(self) -> None:
        while True:
            try:
                await self._registry.listen(self._heard)
            except RegistryError as error:
                _log.warning("what other processes tell is not heard: %s", error)
            await self._clock.sleep(_AGAIN_S)

    def _heard(self, told: Heard | None) -> None:
        if told is None:
            self._hub.resync()
        else:
            self._hub.deliver(told.topic, told.event, told.data)
