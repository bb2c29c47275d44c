"""A whole agent in process: a broker in memory, a clock that is jumped, a disk in a temporary folder.

async with running_agent(tmp_path) as station:
    await station.born()
    station.sent("up/birth")
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.serialization import Encoding

from device.agent.agent import Agent
from device.agent.surroundings import Surroundings, Will
from device.runtime.config import HealthSection, StationConfig, StationSection
from device.runtime.service import Watchdog
from messaging.call import Devices
from messaging.clock import Clock, SystemClock
from messaging.codec import encode
from messaging.envelope import Sealer
from messaging.link.local import LocalServer
from messaging.link.port import Link
from messaging.local import AGENT_SOCKET, CALL_SOCKET, AgentView, CallView, Message, from_line, to_line
from messaging.topics import ROOT, agent_subscriptions, down, region_subscriptions
from provisioning.authority.ca import CertificateAuthority
from provisioning.authority.request import read_request
from provisioning.station.keystore import Identity, Keystore
from tests.kits.clock import ManualClock
from tests.kits.servers.memory_broker import MemoryBroker
from tests.kits.trust.enrolment_store import make_request
from tests.kits.trust.signing import SigningKit

STATION = "st-k3m9q2x7"
AGENT = f"{STATION}-agent"
WAIT_S = 20


class SwiftClock(SystemClock):
    """The machine's clock for an agent that looks again at once instead of in a while."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


class Inline(Executor):
    """Does at once what it is given."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as every executor does
            future.set_exception(error)
        return future


T = TypeVar("T")


class Fed(Watchdog):
    """Counts how often it was fed."""

    def __init__(self) -> None:
        super().__init__()
        self.is_ready = asyncio.Event()
        self.fed = 0

    def ready(self) -> None:
        self.is_ready.set()

    def progress(self) -> None:
        self.fed += 1


class Station:
    """One station with its agent, seen from all sides."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.folder = folder
        self.clock = clock or ManualClock()
        self.broker = MemoryBroker()
        self.broker.attach("region", region_subscriptions(), None)
        self.watchdog = Fed()
        self.state = folder / "state"
        self.run = folder / "run"
        self.code = folder / "code.toml"
        self.log_levels: list[str] = []
        self.region = Sealer(self.clock.monotonic, self.clock.wall)
        self.signer = SigningKit(self.clock)
        for directory in (self.state, self.run):
            directory.mkdir(parents=True, exist_ok=True)
        self.config = StationConfig(
            station=StationSection("sim", str(self.state), str(self.run), str(self.code)), health=HealthSection(60)
        )
        self.agent = self.boot()
        self._work: asyncio.Task[None] | None = None

    def boot(self) -> Agent:
        """A new run of the agent on the same disk."""
        surroundings = Surroundings(
            self.clock, self._link, Inline(), random.Random(1), self.folder / "machine",
            set_log_level=self.log_levels.append,
        )  # fmt: skip
        return Agent(self.config, surroundings)

    def enrol(self, authority: CertificateAuthority | None = None) -> None:
        """Put an identity on the disk, as an enrolment would have."""
        authority = authority or self.signer.authority
        self.signer = SigningKit(self.clock, authority)
        (self.state / "ca.pem").write_bytes(self.signer.roots_pem)
        certificate = authority.issue_station(STATION, read_request(make_request()))
        (self.state / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        identity = {"station": STATION, "broker": "broker.example:8403", "url": "https://region.example"}
        (self.state / "identity.json").write_text(json.dumps(identity))

    async def start(self) -> None:
        self.watchdog = Fed()
        self._work = asyncio.create_task(self.agent.run(self.watchdog))
        await self.until(lambda: self.watchdog.is_ready.is_set() or self.failed())

    async def stop(self) -> None:
        if self._work is None:
            return
        work, self._work = self._work, None
        work.cancel()
        await asyncio.wait([work])
        if not work.cancelled():
            work.result()

    async def born(self, times: int = 1) -> None:
        """Wait for the birth, and that the agent has had its say."""
        await self.until(lambda: len(self.sent("up/reported")) >= times)

    async def advance(self, seconds: float) -> None:
        assert isinstance(self.clock, ManualClock)
        await self.clock.advance(seconds)

    async def until(self, seen: Callable[[], object]) -> None:
        """Let the loop turn until something is seen."""
        async with asyncio.timeout(WAIT_S):
            while not seen():
                assert not self.failed()
                await asyncio.sleep(0)

    async def lives_until(self, seen: Callable[[], T], by_s: float = 100.0) -> T:
        """Let time pass until something is seen, or not; its sockets are real: they get a moment in between."""
        for _ in range(int(by_s / 0.25)):
            if found := seen():
                return found
            await self.advance(0.25)
            await asyncio.sleep(0.002)
        return seen()

    async def ends(self, by_s: float = 100.0) -> bool:
        """Whether the agent ends by itself by then."""
        return await self.lives_until(self.failed, by_s)

    def sent(self, what: str) -> list[dict[str, Any]]:
        """The data of what the agent has published below the station's root, e.g. `up/birth`."""
        topic = f"{ROOT}/{STATION}/{what}"
        return [json.loads(p)["data"] for client, t, p in self.broker.log if client == AGENT and t == topic]

    def say(self, message: object, *words: str, retain: bool = False) -> None:
        """The region publishes to the station; a desired config is signed, as the region does."""
        if words == ("desired",) and not isinstance(message, bytes):
            plain = message if isinstance(message, dict) else encode(message)
            message = self.signer.desired(STATION, plain["version"], plain["config"])
        payload = message if isinstance(message, bytes) else self.region.seal(message)
        self.broker.publish("region", down(STATION, *words), payload, retain=retain)

    async def view(self, seen: Callable[[AgentView], bool]) -> AgentView:
        """The first view on the agent's socket that is as wanted."""
        reader, writer = await asyncio.open_unix_connection(self.run / AGENT_SOCKET)
        try:
            async with asyncio.timeout(WAIT_S):
                while True:
                    message = from_line(await reader.readline())
                    if isinstance(message, AgentView) and seen(message):
                        return message
        finally:
            writer.close()

    async def tell_agent(self, message: Message) -> None:
        """A client of the agent's socket says something and goes."""
        reader, writer = await asyncio.open_unix_connection(self.run / AGENT_SOCKET)
        await reader.readline()
        writer.write(to_line(message))
        await writer.drain()
        writer.close()

    def call_process(self) -> LocalServer:
        """A station-call's socket."""
        return LocalServer(self.run / CALL_SOCKET, lambda _message, _reply: None)

    def _link(self, identity: Identity, _keystore: Keystore, will: Will) -> Link:
        return self.broker.link(f"{identity.station}-agent", agent_subscriptions(identity.station), will)

    def failed(self) -> bool:
        """Whether the agent has ended by itself."""
        return self._work is not None and self._work.done()


def call_view(boot: str = "run-1", devices: Devices | None = None) -> CallView:
    """An idle station-call."""
    return CallView("idle", boot, 0.0, "ready", devices or Devices())


@asynccontextmanager
async def running_agent(folder: Path, *, enrolled: bool = True) -> AsyncIterator[Station]:
    """An agent that runs inside the `async with`."""
    station = Station(folder)
    if enrolled:
        station.enrol()
    await station.start()
    try:
        if enrolled:
            await station.born()
        yield station
    finally:
        await station.stop()
