"""A simulated station's media and engine, and stock aiortc peers to call it with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from device.call.engine import Engine
from device.call.events import PeerEvent
from device.hardware.sim.station import Simulation
from device.media.media import Media
from device.runtime.config import MediaSection, SimSection, StationConfig, StationSection
from messaging.call import Devices
from messaging.clock import Clock, SystemClock
from messaging.frames import Picture, RingReader
from messaging.local import OWN_RING, REMOTE_RING
from tests.kits.eventually import eventually
from tests.loopback.stock_peer import StockPeer


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Both ends of a call keep real time here: one test at a time, for beside another both may be late."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.system)


class Station:
    """The station's side of a call without its session: devices of the simulation, media, engine, what was told."""

    def __init__(self, runtime_dir: Path, clock: Clock, microphone: str = "speech") -> None:
        config = StationConfig(
            station=StationSection(hardware="sim", runtime_dir=str(runtime_dir)),
            media=MediaSection(640, 480, 30, 1500),
            sim=SimSection(microphone=microphone),
        )
        self.runtime_dir = runtime_dir
        self.sim = Simulation(config)
        self.changes: list[Devices] = []
        self.events: list[PeerEvent] = []
        self.media = Media(self.sim.hardware(), config.media, runtime_dir, SystemClock(), self._changed)
        self.engine = Engine(self.media, clock, self._heard)
        self._news = asyncio.Event()
        self._peers: list[StockPeer] = []
        self.remote = RingReader(runtime_dir / REMOTE_RING)
        self.own = RingReader(runtime_dir / OWN_RING)

    def peer(self, vp8_only: bool = False, pictures: tuple[int, int] = (320, 240)) -> StockPeer:
        """Another side, closed with the station."""
        peer = StockPeer(vp8_only, pictures)
        self._peers.append(peer)
        return peer

    async def connect(self, peer: StockPeer, generation: int = 1) -> None:
        """Offer and answer; media flows if the gate is open."""
        offer = await self.engine.prepare(generation, ())
        await self.engine.answer(generation, await peer.answer(offer))

    async def until(self, condition: Callable[[], object], within: float = 20) -> None:
        """Wait until something told by media or engine makes the condition true."""
        async with asyncio.timeout(within):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def hears(self, event: PeerEvent, within: float = 20) -> None:
        """Wait for an event of the engine."""
        await self.until(lambda: event in self.events, within)

    async def shows(self, ring: RingReader, count: int) -> list[Picture]:
        """Wait for so many pictures in a ring, as a screen would that looks 100 times a second."""
        async with asyncio.timeout(20):
            return [await eventually(ring.read, 20) for _ in range(count)]

    async def plays(self, level_db: float) -> None:
        """Wait until the speaker plays at this level, as far as a meter looked at now and then can tell."""
        async with asyncio.timeout(20):
            while abs(self.media.levels().speaker_db - level_db) > 3:
                await self.shows(self.remote, 1)

    async def close(self) -> None:
        """End everything."""
        await self.engine.close()
        await self.media.close()
        for peer in self._peers:
            await peer.close()
        self.remote.close()
        self.own.close()

    def _changed(self, devices: Devices) -> None:
        self.changes.append(devices)
        self._news.set()

    def _heard(self, event: PeerEvent) -> None:
        self.events.append(event)
        self._news.set()


@pytest_asyncio.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    """A station on the machine's own clock."""
    station = Station(tmp_path, SystemClock())
    yield station
    await station.close()
