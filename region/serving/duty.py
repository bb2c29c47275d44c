"""What one process of the region does at a time, while the others stand by: all that has to do with the stations."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from messaging.clock import Clock
from region.registry import Registry, Unavailable
from region.registry.turns import Still

_log = logging.getLogger(__name__)
_LOOK_S = 1.0
_TURN = "duty"
Work = Callable[[], Coroutine[Any, Any, None]]


class _Lost(Exception):
    """The database has let another process have the turn."""


class Duty:
    """Does all of `work` while this process has the turn, which the database gives to one at a time; else `stand_by`.

    A process that dies loses it at once; one that loses its database stops within seconds, and waits its turn again.
    """

    def __init__(self, registry: Registry, clock: Clock, work: Sequence[tuple[str, Work]], stand_by: Work) -> None:
        self._registry = registry
        self._clock = clock
        self._work = work
        self._stand_by = stand_by

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with self._registry.holding(_TURN) as still:
                    if still is not None:
                        _log.info("this process is on duty")
                        await self._do(still)
                    else:
                        await self._stand_by()
            except Unavailable as error:
                _log.warning("nobody is on duty by this process: %s", error)
            await self._clock.sleep(_LOOK_S)

    async def _do(self, still: Still) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for name, work in self._work:
                    tasks.create_task(work(), name=name)
                await self._watch(still)
        except* _Lost:
            _log.error("this process has lost its database, and is not on duty any more")

    async def _watch(self, still: Still) -> None:
        while await still():
            await self._clock.sleep(_LOOK_S)
        raise _Lost
