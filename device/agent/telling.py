"""What the station tells the region of its own accord: each message by way of the outbox, once it has a name."""

from __future__ import annotations

import asyncio
import logging

from device.agent.courier import Courier
from device.agent.outbox import Kind
from messaging.envelope import Sealer
from messaging.health import Event, EventType, MeasurementType
from messaging.topics import up

_log = logging.getLogger(__name__)
_MOST_EVENTS = 64  # that wait for the station to be enrolled; then the outbox holds them


class Telling:
    """Events are held until the station is enrolled; measurements before that are not kept."""

    def __init__(self, courier: Courier, sealer: Sealer) -> None:
        self._courier = courier
        self._sealer = sealer
        self._station = ""
        self._enrolled = asyncio.Event()
        self._happened: asyncio.Queue[tuple[EventType, Event]] = asyncio.Queue(_MOST_EVENTS)

    def serve(self, station: str) -> None:
        """This is who the station is from now on."""
        self._station = station
        self._enrolled.set()

    async def enrolled(self) -> None:
        """Returns once the station has a name."""
        await self._enrolled.wait()

    def event(self, kind: EventType, detail: str = "", count: int = 1) -> None:
        """Something happened; of too many that wait the oldest is dropped."""
        _log.info("event %s %s", kind, detail)
        if self._happened.full():
            self._happened.get_nowait()
        self._happened.put_nowait((kind, Event(detail, count)))

    async def measurement(self, name: MeasurementType, message: object) -> bool:
        """To the disk; False while the station has no name."""
        return await self._post("measurement", "m", name, message)

    async def run(self) -> None:
        """Bring the events to the disk."""
        await self._enrolled.wait()
        while True:
            kind, event = await self._happened.get()
            await self._post("event", "e", kind, event)

    async def _post(self, kind: Kind, branch: str, name: str, message: object) -> bool:
        if not self._station:
            return False
        await self._courier.post(kind, up(self._station, branch, name), self._sealer.seal(message))
        return True
