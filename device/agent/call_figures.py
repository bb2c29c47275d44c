"""What calls were like: station-call holds the figures until they are on our disk, and tells all it holds each time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from device.agent.neighbours import Neighbours
from device.agent.telling import Telling
from messaging.local import FiguresKept, Message

_MOST = 32  # calls whose figures are known to be kept already


class CallFigures:
    """Keeps what `neighbours` holds, once each, and lets station-call know by `to_call`."""

    def __init__(self, neighbours: Neighbours, telling: Telling, to_call: Callable[[Message], bool]) -> None:
        self._neighbours = neighbours
        self._telling = telling
        self._to_call = to_call
        self._held = asyncio.Event()

    def look(self) -> None:
        """station-call said something; perhaps that a call is over."""
        if self._neighbours.ended:
            self._held.set()

    async def run(self) -> None:
        """Keep figures until cancelled."""
        kept: deque[str] = deque(maxlen=_MOST)
        await self._telling.enrolled()
        while True:
            await self._held.wait()
            self._held.clear()
            for quality in self._neighbours.ended:
                if quality.call not in kept:
                    await self._telling.measurement("call", quality)
                    kept.append(quality.call)
                self._to_call(FiguresKept(quality.call))
