"""A call service for tests: the real service and signalling over a broker in memory; devices and peer are scripted.

async with living() as house:
    await house.in_call()
    await house.tells(Hangup("clinician_left"))
    assert house.views[-1].state == "feedback"
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

from device.call import events as e
from device.call.grading import Verdict
from device.call.samples import Sample
from device.call.service import CallService
from device.call.session import begin
from device.call.signalling import Signalling
from device.call.state import Moment
from device.hardware.ports import Hardware
from device.hardware.sim.button import SimButton, SimLight
from device.media.errors import MediaError
from messaging.call import Answer, Devices, FromRegion, FromStation, Invite, Ringing, from_station, to_data
from messaging.envelope import Sealer, open_envelope
from messaging.health import Echo, SoundTest
from messaging.local import CallView, Levels
from messaging.quality import Heading
from messaging.topics import down, parse
from tests.kits.clock import ManualClock
from tests.kits.servers.memory_broker import MemoryBroker

STATION, CALL = "st-00000001", "0123456789abcdef"


class DeviceLog:
    """Media that remembers what it was told, and that a test can hold up. Real media would open threads and codecs."""

    def __init__(self, light: SimLight) -> None:
        self.done: list[str] = []
        self.light = light
        self.light_at_open = ""
        self.hold = asyncio.Event()
        self.hold.set()
        self.present = Devices()
        self.volume = 0
        self.encoder = "x264"
        self.closer = SimpleNamespace(looking="", lens="clear")
        self.echo: Echo = "station"
        self.light_at_test = ""
        self.test_hold = asyncio.Event()

    async def open(self) -> Devices:
        self.light_at_open = self.light.pattern
        await self.hold.wait()
        self.done.append("open")
        return self.present

    async def close(self) -> None:
        await self.hold.wait()
        self.done.append("close")

    async def refresh(self) -> Devices:
        return self.present

    async def play(self, tone: str, words: object = None) -> None:
        self.done.append(tone)

    async def test_sound(self) -> SoundTest | None:
        self.light_at_test = self.light.pattern
        self.done.append("test")
        await self.test_hold.wait()
        return None if "stop test" in self.done else SoundTest(0.0, "ok", "ok", "station", heard=True)

    def stop_test(self) -> None:
        self.done.append("stop test")
        self.test_hold.set()

    def broken(self) -> tuple[str, ...]:
        return ()

    def levels(self) -> Levels:
        return Levels(-20, -30, 15, 15)

    def set_volume(self, percent: int) -> None:
        self.volume = percent


class ScriptedEngine:
    """A peer connection that takes as long as a test wants. Real ones are in tests/process and tests/loopback."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.error: MediaError | None = None
        self.refused = 0
        self.line: Sample | None = None  # what its counters say

    async def load(self) -> None:
        """Here at once."""

    async def prepare(
        self, generation: int, ice_servers: tuple[object, ...], relay_only: bool = False, *, beside: bool = False
    ) -> str:
        try:
            await self.hold.wait()
        except asyncio.CancelledError:
            self.done.append(f"prepare {generation} cut short")
            raise
        self._raise()
        self.done.append(f"prepare {generation}" + (" beside" if beside else ""))
        return f"offer {generation}"

    def keep(self, generation: int) -> None:
        self.done.append(f"keep {generation}")

    async def drop(self, generation: int) -> None:
        self.done.append(f"drop {generation}")

    async def answer(self, generation: int, sdp: str) -> None:
        self._raise()
        self.done.append(f"answer {generation}")

    async def candidate(self, generation: int, candidate: str, mid: str | None, line: int | None) -> None:
        self._raise()
        self.done.append(f"candidate {generation}")

    def open(self) -> None:
        self.done.append("gate")

    def tell_media(self, camera: bool, microphone: bool) -> None:
        self.done.append(f"media {camera} {microphone}")

    def sample(self) -> Sample | None:
        return self.line

    def tell_quality(self, heading: Heading, verdict: Verdict) -> None:
        self.done.append(f"quality {heading} {verdict.grade}")

    async def close(self, bye: bool = False) -> None:
        self.done.append("close with bye" if bye else "close")

    def _raise(self) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error


@dataclass
class House:
    """A call service with its surroundings."""

    broker: MemoryBroker = field(default_factory=MemoryBroker)
    clock: ManualClock = field(default_factory=ManualClock)
    views: list[CallView] = field(default_factory=list)
    begin_with: Devices = field(default_factory=Devices)

    def __post_init__(self) -> None:
        self.light, self.button = SimLight(), SimButton()
        self.media, self.engine = DeviceLog(self.light), ScriptedEngine()
        nothing: object = None
        hardware = Hardware("sim", self.button, self.light, nothing, nothing, nothing)  # type: ignore[arg-type]
        session = begin(self.begin_with, Moment(0, self.clock.wall()), enrolled=True, clinic=True)
        self.service = CallService(
            hardware, self.media, lambda _: self.engine, self.clock, "boot", session, self.views.append,  # type: ignore[arg-type, return-value]
        )  # fmt: skip
        self.region = Sealer(self.clock.monotonic, self.clock.wall)
        self.mouth = self.broker.link("region", (), None)
        self.signalling = Signalling(
            STATION, lambda subscriptions, will: self.broker.link("call", subscriptions, will), self.clock,
            Sealer(self.clock.monotonic, self.clock.wall), {}, self.service.happened,
        )  # fmt: skip
        self.service.signalling = self.signalling

    @property
    def state(self) -> str:
        return self.service.session.state

    async def settle(self) -> None:
        await self.clock.advance(0)

    async def press(self) -> None:
        self.service.happened(e.Pressed(CALL))

    async def tells(self, message: FromRegion) -> None:
        await self.mouth.publish(down(STATION, "call", CALL), self.region.seal(to_data(message)))
        await self.settle()

    def said(self) -> list[FromStation]:
        return [
            from_station(open_envelope(payload).data)
            for client, topic, payload in self.broker.log
            if client == "call" and parse(topic).branch == "call"
        ]

    async def invited(self) -> None:
        """The clinic calls."""
        await self.tells(Invite("Ann Demo", "GP"))

    async def in_call(self) -> None:
        await self.press()
        await self.settle()
        await self.tells(Ringing("Doctors Demo"))
        await self.tells(Answer(1, "answer"))
        self.service.happened(e.PeerConnected(1))
        await self.settle()


@asynccontextmanager
async def living(house: House | None = None) -> AsyncIterator[House]:
    house = house or House()
    await house.mouth.start()
    await house.signalling.connect()
    tasks = [asyncio.create_task(house.service.run()), asyncio.create_task(house.signalling.run())]
    await house.settle()
    try:
        yield house
    finally:
        house.service._timers.stop_all()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
