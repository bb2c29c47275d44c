"""The clinics' boards that are open at this process: drawn anew when something on them has changed."""

from __future__ import annotations

import asyncio
from typing import Any

from messaging.clock import Clock
from region.desk.board import board
from region.registry import Registry
from region.web.events import Hub

_STALE = "desk:stale:"


def stale_topic(clinic: int) -> str:
    """What says that something on this clinic's board has changed; heard by every process, and by no page."""
    return f"{_STALE}{clinic}"


def clinic_topic(clinic: int) -> str:
    """What every page of a clinic's desk listens to."""
    return f"desk:clinic:{clinic}"


class Boards:
    """Whoever looks at one is told until nobody does any more."""

    def __init__(self, registry: Registry, clock: Clock, hub: Hub) -> None:
        self._registry = registry
        self._clock = clock
        self._hub = hub
        self._looked_at: set[int] = set()  # the clinics whose board somebody has open, or had lately
        self._stale: set[int] = set()
        self._wanted = asyncio.Event()
        hub.watch(_STALE, self._heard)

    async def look(self, clinic: int) -> dict[str, Any]:
        """A clinic's board as it is now, for somebody who looks at it."""
        self._looked_at.add(clinic)
        async with self._registry.read() as t:
            return await board(t, clinic, self._clock.wall())

    def all_stale(self) -> None:
        """Time has passed: what stations report of themselves may have changed."""
        for clinic in self._looked_at:
            self._is_stale(clinic)

    async def draw(self) -> None:
        """Wait until some board has changed, and send it to whoever looks at it."""
        await self._wanted.wait()
        self._wanted.clear()
        clinics, self._stale = self._stale, set()
        for clinic in clinics:
            topic = clinic_topic(clinic)
            if self._hub.listeners(topic):
                self._hub.deliver(topic, "board", await self.look(clinic))
            else:
                self._looked_at.discard(clinic)

    def _heard(self, clinic: str) -> None:
        self._is_stale(int(clinic))

    def _is_stale(self, clinic: int) -> None:
        self._stale.add(clinic)
        self._wanted.set()
