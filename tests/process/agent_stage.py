"""A real station-agent process with a real broker and a real enrolment endpoint, and the region's ear at the broker."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from messaging.clock import SystemClock
from messaging.envelope import Envelope, Sealer, open_envelope
from messaging.link.mqtt import MqttLink, MqttSettings
from messaging.link.port import Inbound
from messaging.topics import Topic, down, parse, region_subscriptions
from messaging.twin import Config
from provisioning.station.keystore import Keystore
from region.broker import BrokerPaths, EmbeddedBroker, write_access, write_identity
from tests.kits.servers.broker import free_port
from tests.kits.servers.est_server import EstServer, est_server
from tests.kits.trust.signing import SigningKit

STATION = "st-k3m9q2x7"
WAIT_S = 40


class Stage:
    """The region's side, and the agent's process."""

    def __init__(self, folder: Path, est: EstServer) -> None:
        self.folder = folder
        self.est = est
        self.clock = SystemClock()
        self.code = folder / "code.toml"
        self.state = folder / "state"
        self.run = folder / "run"
        self.port = free_port()
        self.heard: list[tuple[Topic, Envelope]] = []
        self.agent: Process | None = None
        self._changed = asyncio.Condition()
        self._sealer = Sealer(self.clock.monotonic, self.clock.wall)
        self.signer = SigningKit(self.clock, est.authority)
        est.broker = f"localhost:{self.port}"
        self.broker = self._make_broker()
        paths = BrokerPaths(folder / "broker")
        write_identity(paths, est.authority.trust_bundle(), est.authority.issue_client("region"))
        settings = MqttSettings("localhost", self.port, "region", paths.ca, paths.region_certificate, paths.region_key)
        self.link = MqttLink(settings, region_subscriptions(), None, self.clock)
        self._config = folder / "station.toml"
        self._config.write_text(
            f'[station]\nhardware = "sim"\nstate_dir = "{self.state}"\nruntime_dir = "{self.run}"\n'
            f'code_file = "{self.code}"\n[health]\ninterval_s = 5\n'
        )

    def link_as_station(self, client_id: str) -> MqttLink:
        """Another client that has got hold of the station's key and certificate."""
        keystore = Keystore(self.state)
        settings = MqttSettings("localhost", self.port, client_id, keystore.ca, keystore.certificate, keystore.key)
        return MqttLink(settings, (), None, self.clock)

    def seal(self, message: object) -> bytes:
        """An envelope of somebody else's."""
        return self._sealer.seal(message)

    async def start_agent(self) -> None:
        self.agent = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "device.cli", "--config", str(self._config), "agent", env={**os.environ}
        )

    async def end_agent(self, number: int = signal.SIGTERM) -> int:
        assert self.agent is not None
        agent, self.agent = self.agent, None
        agent.send_signal(number)
        return await asyncio.wait_for(agent.wait(), WAIT_S)

    async def station(self, *arguments: str) -> tuple[int, str]:
        """A `station` command: its exit code, and what it printed."""
        command = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "device.cli", "--config", str(self._config), *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await asyncio.wait_for(command.communicate(), WAIT_S)
        assert command.returncode is not None
        return command.returncode, out.decode()

    async def hear(self, what: Callable[[Topic, Envelope], bool], after: int = 0) -> Envelope:
        """The first message heard, from the `after`th on, that is as wanted."""
        async with asyncio.timeout(WAIT_S), self._changed:
            while True:
                for topic, envelope in self.heard[after:]:
                    if what(topic, envelope):
                        return envelope
                await self._changed.wait()

    async def hear_conn(self, state: str, after: int = 0) -> Envelope:
        return await self.hear(lambda t, e: t.branch == "conn" and e.data["state"] == state, after)

    async def hear_branch(self, branch: str, after: int = 0) -> Envelope:
        return await self.hear(lambda t, _: t.branch == branch, after)

    async def desire(self, version: int, config: Config) -> None:
        """The region publishes a config, signed by its authority."""
        await self.say(self.signer.desired(STATION, version, config), "desired", retain=True)

    async def say(self, message: object, *words: str, retain: bool = False) -> None:
        """The region publishes this as it is."""
        await self.link.publish(down(STATION, *words), self._sealer.seal(message), retain=retain)

    async def listen(self) -> None:
        async for event in self.link.events():
            if isinstance(event, Inbound):
                async with self._changed:
                    self.heard.append((parse(event.topic), open_envelope(event.payload)))
                    self._changed.notify_all()
                self.link.ack(event)

    async def broker_away(self) -> None:
        await self.broker.stop()

    async def broker_back(self) -> None:
        self.broker = self._make_broker()
        await self.broker.start()

    def _make_broker(self) -> EmbeddedBroker:
        authority = self.est.authority
        server = authority.issue_server("broker", ["localhost", "127.0.0.1"])
        lists = authority.revocation_lists((), 1, int(self.clock.wall()) - 60)
        write_access(self.folder / "broker", (), lists)
        return EmbeddedBroker(self.folder / "broker", "127.0.0.1", self.port, server, self.clock)


@asynccontextmanager
async def agent_stage(folder: Path) -> AsyncIterator[Stage]:
    """Broker, endpoint and ear inside the `async with`; the agent is started by the test."""
    async with est_server(folder / "region", STATION) as est:
        stage = Stage(folder, est)
        await stage.broker.start()
        await stage.link.start()
        listening = asyncio.create_task(stage.listen())
        try:
            yield stage
        finally:
            if stage.agent is not None:
                await stage.end_agent(signal.SIGKILL)
            listening.cancel()
            await asyncio.wait([listening])
            await stage.link.stop()
            await stage.broker.stop()
