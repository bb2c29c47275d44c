"""A station-call that says what a test wants: its own signalling, under the identity that the agent enrolled.

station = await house.add_station(call=False)
async with scripted_call(station.folder / "state") as call:
    call.says(some_call(), Request(Devices()))
    _, ringing = await call.hears(Ringing)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from device.call.events import Heard, LinkDown, LinkUp
from device.call.signalling import Signalling, Will
from device.call.standing import mqtt_link, read_identity
from messaging.call import FromStation
from messaging.clock import SystemClock
from messaging.envelope import Sealer
from messaging.link.port import Link
from messaging.topics import up
from tests.kits.eventually import eventually
from tests.process.call_stage import Watched

T = TypeVar("T")


class ScriptedCall(Watched):
    """One run of it. What it hears stays until it has been taken."""

    def __init__(self, state_dir: Path) -> None:
        super().__init__()
        identity, clock = read_identity(state_dir), SystemClock()
        assert identity is not None
        self.station = identity.station
        self.sealer = Sealer(clock.monotonic, clock.wall)
        self.is_up = False
        self._heard: list[Heard] = []
        self._make_link = mqtt_link(identity, state_dir, clock)
        self.signalling = Signalling(identity.station, self._link, clock, self.sealer, {}, self._happened)

    def says(self, call: str, message: FromStation) -> None:
        """Say this about a call."""
        self.signalling.say(call, message)

    async def throws(self, call: str, payload: bytes, *, retain: bool = False) -> None:
        """Anything at all, on the topic of a call; the broker has it then."""
        await self.link.publish(up(self.station, "call", call), payload, retain=retain)

    async def hears(self, kind: type[T], call: str | None = None) -> tuple[str, T]:
        """The next message of that kind (call, message), taken; what came before it stays."""

        def look() -> tuple[str, T] | None:
            for heard in self._heard:
                if isinstance(heard.message, kind) and call in (None, heard.call):
                    self._heard.remove(heard)
                    return heard.call, heard.message
            return None

        return await self.until(look, f"the region says {kind.__name__}; it said {self._heard}")

    def _link(self, subscriptions: tuple[str, ...], will: Will) -> Link:
        self.link = self._make_link(subscriptions, will)
        return self.link

    def _happened(self, event: Heard | LinkUp | LinkDown) -> None:
        self.is_up = self.is_up or isinstance(event, LinkUp)
        if isinstance(event, Heard):
            self._heard.append(event)
        self.changed()


@asynccontextmanager
async def scripted_call(state_dir: Path) -> AsyncIterator[ScriptedCall]:
    """Connected, once the agent has enrolled; it goes in order at the end."""
    await eventually((state_dir / "identity.json").exists, 60)
    call = ScriptedCall(state_dir)
    await call.signalling.connect()
    running = asyncio.create_task(call.signalling.run())
    try:
        await call.until(lambda: call.is_up or None, "its presence has been said")
        yield call
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await call.signalling.stop(1)
