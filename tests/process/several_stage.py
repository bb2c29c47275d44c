"""A region of several processes on one PostgreSQL, one mosquitto and one authority; a station and clinicians' pages."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.serialization import Encoding

from messaging.call import FromStation, to_data
from messaging.clock import SystemClock
from messaging.envelope import OrderGuard, Sealer, open_envelope
from messaging.link.mqtt import MqttLink, MqttSettings
from messaging.link.port import Inbound
from messaging.status import Connection
from messaging.topics import call_subscriptions, up
from provisioning.authority import certificates
from provisioning.authority.ca import key_pem
from provisioning.authority.request import StationRequest, key_name
from provisioning.authority.vault import open_authority
from region.broker import REGION_USER, BrokerPaths, EmbeddedBroker, write_access, write_identity
from tests.kits.eventually import eventually
from tests.kits.servers.broker import free_port

HOST = "127.0.0.1"
WITHIN_S = 60.0


class Several:
    """What the processes share, and the processes by name."""

    def __init__(self, folder: Path, database: str) -> None:
        self.clock, self.folder, self.database = SystemClock(), folder, database
        self.authority = open_authority(folder / "authority" / "ca", self.clock)
        self.paths, self.broker_port, self.web_port = BrokerPaths(folder / "broker"), free_port(), free_port()
        write_identity(self.paths, self.authority.trust_bundle(), self.authority.issue_client(REGION_USER))
        now = int(self.clock.wall())
        write_access(self.paths.folder, (), self.authority.revocation_lists([], 1, now - 3600))
        server = self.authority.issue_server("broker", [HOST])
        self.broker = EmbeddedBroker(self.paths.folder, HOST, self.broker_port, server, self.clock)
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.ports: dict[str, int] = {}

    def command(self, *words: str) -> str:
        """One command of the region's, with what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "region.cli", *words, "--data", str(self.folder / "any")],
            env={**os.environ, "REGION_DATABASE": self.database},
            capture_output=True, text=True, timeout=WITHIN_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, *words: str, port: int = 0) -> None:
        """One process; `port` is where it serves pages."""
        self.ports[name] = port
        with (self.folder / f"{name}.log").open("w") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "region.cli", *words], stdout=subprocess.PIPE, stderr=log, text=True
            )

    def serve(self, name: str, role: str) -> None:
        """One process of that role, that is not waited for."""
        port = free_port()
        self.start(
            name, "serve", "--role", role, "--data", str(self.folder / name), "--database", self.database,
            "--broker", f"{HOST}:{self.broker_port}", "--authority", str(self.folder / "authority.sock"),
            "--port", str(port), "--public-url", f"http://{HOST}:{port}", port=port,
        )  # fmt: skip

    def wait_ready(self, name: str) -> None:
        stdout = self.running[name].stdout
        assert stdout is not None
        assert stdout.readline().startswith("The region is ready"), (self.folder / f"{name}.log").read_text()

    def kill(self, name: str) -> None:
        """As a power cut would."""
        process = self.running.pop(name)
        process.kill()
        process.communicate()

    def on_duty(self) -> str:
        """Which process the stations are heard by."""
        (name,) = [name for name in self.running if "this process is on duty" in self.log(name)]
        return name

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.communicate(timeout=WITHIN_S)

    def station_settings(self, station: str) -> MqttSettings:
        """A certificate for that station, as it would have got by enrolling."""
        key = certificates.new_key()
        issued = self.authority.issue_station(station, StationRequest(key.public_key(), key_name(key.public_key())))
        certificate, key_file = self.folder / "station.pem", self.folder / "station-key.pem"
        chain = (issued, self.authority.chain[1])
        certificate.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in chain))
        key_file.write_bytes(key_pem(key))
        return MqttSettings(HOST, self.broker_port, f"{station}-call", self.paths.ca, certificate, key_file)


@dataclass
class StationCall:
    """Station-call as the wire has it; it judges the order of what it hears as the product does."""

    station: str
    link: MqttLink
    sealer: Sealer
    heard: list[dict[str, Any]] = field(default_factory=list)
    _guards: dict[str, OrderGuard] = field(default_factory=dict)

    async def listen(self) -> None:
        async for event in self.link.events():
            if isinstance(event, Inbound):
                self.link.ack(event)
                envelope = open_envelope(event.payload)
                self._guards.setdefault(event.topic, OrderGuard()).admit(envelope)
                self.heard.append(envelope.data)

    async def comes(self) -> None:
        await eventually(lambda: self.link.is_up, WITHIN_S)
        said = Connection("call", "online", self.sealer.boot, 1)
        async with asyncio.timeout(WITHIN_S):
            await self.link.publish(up(self.station, "conn", "call"), self.sealer.seal(said), retain=True)

    async def says(self, call: str, message: FromStation) -> None:
        async with asyncio.timeout(WITHIN_S):
            await self.link.publish(up(self.station, "call", call), self.sealer.seal(to_data(message)))

    async def hears(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The last of that kind, once there are so many."""

        def found() -> list[dict[str, Any]]:
            return [said for said in self.heard if said["type"] == kind]

        await eventually(lambda: len(found()) >= count, WITHIN_S)
        assert len(found()) == count, f"{kind} was said more than once"
        return found()[-1]


@dataclass
class Page:
    """A clinician's page: its stream is at one process, its POSTs go to any."""

    browser: httpx.AsyncClient
    page: str
    csrf: str
    events: AsyncIterator[str]
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def post(self, port: int, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.browser.post(
            f"http://{HOST}:{port}/desk/{path}", json={"page": self.page, **body}, headers={"X-CSRF-Token": self.csrf}
        )
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def sees(self, name: str, **expected: object) -> dict[str, Any]:
        """The next event of that name that holds what is expected."""
        async with asyncio.timeout(WITHIN_S):
            event = ""
            async for line in self.events:
                kind, _, text = line.partition(": ")
                event = text if kind == "event" else event
                if kind == "data" and event == name:
                    data: dict[str, Any] = json.loads(text)
                    self.told.append((name, data))
                    if all(data.get(key) == value for key, value in expected.items()):
                        return data
        raise AssertionError("the stream has ended")


@asynccontextmanager
async def page_of(link: str, port: int, page: str, call: str = "") -> AsyncIterator[Page]:
    """A browser signed in by that link, with the desk open at the process on that port."""
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=WITHIN_S) as browser:
        path = link.partition("/once/")[2].strip()
        assert (await browser.get(f"/once/{path}")).status_code == 303
        found = re.search(r'name="csrf-token" content="([^"]+)"', (await browser.get("/account")).text)
        assert found is not None
        async with browser.stream("GET", "/desk/events", params={"page": page, "call": call}) as stream:
            assert stream.status_code == 200
            yield Page(browser, page, found[1], stream.aiter_lines())


@asynccontextmanager
async def several(folder: Path, database: str) -> AsyncIterator[Several]:
    """Broker and authority run; the processes of the region are started by the test."""
    stage = Several(folder, database)
    socket = folder / "authority.sock"
    await stage.broker.start()
    stage.start("authority", "authority", "--data", str(folder / "authority"), "--socket", str(socket))
    try:
        await eventually(socket.exists, WITHIN_S)
        yield stage
    finally:
        await asyncio.to_thread(stage.stop)
        await stage.broker.stop()


@asynccontextmanager
async def station_call(stage: Several, station: str) -> AsyncIterator[StationCall]:
    """That station's call process, connected to the broker."""
    link = MqttLink(stage.station_settings(station), call_subscriptions(station), None, stage.clock)
    side = StationCall(station, link, Sealer(stage.clock.monotonic, stage.clock.wall))
    await link.start()
    listening = asyncio.create_task(side.listen())
    try:
        await side.comes()
        yield side
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await link.stop()
