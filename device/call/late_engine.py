"""The engine, loaded while the station is already ready for a press.

aiortc takes as long to import as everything else together, and nobody needs it before the region has answered a press.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from device.call.events import PeerEvent
from device.call.grading import Verdict
from device.call.samples import Sample
from messaging.call import IceServer
from messaging.clock import Clock
from messaging.quality import Heading

if TYPE_CHECKING:
    from device.call.engine import Engine
    from device.media.media import Media


class LateEngine:
    """Does what `engine.Engine` does, as soon as `load` is through; what cannot be done before waits for it."""

    def __init__(self, media: Media, clock: Clock, on_event: Callable[[PeerEvent], None]) -> None:
        self._media = media
        self._clock = clock
        self._on_event = on_event
        self._told: tuple[bool, bool] | None = None
        self._engine: asyncio.Future[Engine] = asyncio.get_running_loop().create_future()

    @property
    def refused(self) -> int:
        """As Engine.refused."""
        return self._engine.result().refused if self._engine.done() else 0

    async def load(self) -> None:
        """Import and make the engine; once."""
        await asyncio.to_thread(importlib.import_module, "device.call.engine")
        from device.call.engine import Engine

        engine = Engine(self._media, self._clock, self._on_event)
        if self._told is not None:
            engine.tell_media(*self._told)
        self._engine.set_result(engine)

    async def prepare(
        self, generation: int, ice_servers: tuple[IceServer, ...], relay_only: bool = False, *, beside: bool = False
    ) -> str:
        """As Engine.prepare."""
        engine = await asyncio.shield(self._engine)
        return await engine.prepare(generation, ice_servers, relay_only, beside=beside)

    def keep(self, generation: int) -> None:
        """As Engine.keep; it has connected, so it is loaded."""
        self._engine.result().keep(generation)

    async def drop(self, generation: int) -> None:
        """As Engine.drop."""
        self._engine.result().drop(generation)

    async def answer(self, generation: int, sdp: str) -> None:
        """As Engine.answer; there was an offer, so it is loaded."""
        await self._engine.result().answer(generation, sdp)

    async def candidate(self, generation: int, candidate: str, mid: str | None, line: int | None) -> None:
        """As Engine.candidate."""
        await self._engine.result().candidate(generation, candidate, mid, line)

    def open(self) -> None:
        """As Engine.open."""
        self._engine.result().open()

    def tell_media(self, camera: bool, microphone: bool) -> None:
        """As Engine.tell_media."""
        self._told = (camera, microphone)
        if self._engine.done():
            self._engine.result().tell_media(camera, microphone)

    def sample(self) -> Sample | None:
        """As Engine.sample."""
        return self._engine.result().sample() if self._engine.done() else None

    def tell_quality(self, heading: Heading, verdict: Verdict) -> None:
        """As Engine.tell_quality; something carries the call, so it is loaded."""
        self._engine.result().tell_quality(heading, verdict)

    async def close(self, bye: bool = False) -> None:
        """As Engine.close; before it is loaded there is nothing to close."""
        self._told = None
        if self._engine.done():
            await self._engine.result().close(bye)
