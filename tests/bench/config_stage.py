"""The region of the config bench: thousands of stations in its registry, a certificate for each, and its processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from messaging.clock import SystemClock
from provisioning.authority.request import read_request
from provisioning.authority.vault import open_authority
from region.demo.plan import HOST
from region.demo.processes import Processes, Program
from region.registry import Registry, database_url
from region.registry.bulk import Wanted
from tests.kits.servers.broker import free_port
from tests.kits.trust.enrolment_store import make_request
from tests.process.test_demo import ROOT

CLINIC = "The clinic"
SITES = 100
READY_S = 120.0


@dataclass
class ConfigStage:
    """A region that runs. `names` are its stations."""

    folder: Path
    registry: Registry
    names: tuple[str, ...]
    processes: Processes
    broker: int
    web: int

    def weighed(self) -> dict[str, psutil.Process]:
        """The region's processes, by what they are."""
        region = psutil.Process(self.processes.pids["region"])
        found = {"region": region}
        for child in region.children(recursive=True):
            found["broker" if child.name() == "mosquitto" else "authority"] = child
        return found

    def log(self) -> str:
        """The end of the region's log."""
        return self.processes.last_words("region")


class CrowdProcess:
    """The crowd of light stations, asked over its pipes."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def ask(self, command: str) -> dict[str, Any]:
        """One command, and its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n".encode())
        answer = await self._process.stdout.readline()
        assert answer, "the crowd has ended"
        told: dict[str, Any] = json.loads(answer)
        return told


@asynccontextmanager
async def config_stage(stations: int, database: str | None) -> AsyncIterator[ConfigStage]:
    """A region on that database (None: SQLite) with so many stations that each desire version 1; nobody has come."""
    allow_many_files()
    folder, clock = Path(tempfile.mkdtemp(prefix="fleet-")), SystemClock()  # on a disk: what is committed is waited for
    processes = Processes(folder, clock, lambda: None)
    data = folder / "region"
    data.mkdir(mode=0o700)
    registry = Registry(database_url(data, database))
    try:
        await registry.migrate()
        names = await _populate(registry, stations)
        await asyncio.to_thread(certify, data, folder / "crowd", names)
        broker, web = free_port(), free_port()
        command = [sys.executable, "-m", "region.cli", "serve", "--data", str(data), "--port", str(web)]
        command += ["--enrol-port", str(free_port()), "--broker-port", str(broker)]
        command += ["--database", database] if database else []
        await processes.start(Program("region", command, {}))
        stage = ConfigStage(folder, registry, names, processes, broker, web)
        async with asyncio.timeout(READY_S):
            while not await _answers(broker):
                await clock.sleep(0.1)
        yield stage
    finally:
        await processes.stop()
        await registry.close()
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def crowd(stage: ConfigStage) -> AsyncIterator[CrowdProcess]:
    """The crowd's process; its stations have not come yet."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.crowd", str(stage.folder / "crowd"), HOST, str(stage.broker),
        stdin=PIPE, stdout=PIPE, cwd=ROOT,
    )  # fmt: skip
    try:
        yield CrowdProcess(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def allow_many_files() -> None:
    """A connection is a file, here and in the region's broker."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _populate(registry: Registry, count: int) -> tuple[str, ...]:
    async with registry.begin() as t:
        now = SystemClock().wall()
        await t.clinics.add(CLINIC, "+45 12 34 56 78", now)
        sites = [await t.sites.add(f"Home {number}", now) for number in range(SITES)]
        wanted = [
            Wanted(f"st-{number:08d}", True, f"Room {number // SITES}", None, sites[number % SITES].id,
                   f"Room {number // SITES}", {"clinic": CLINIC})
            for number in range(count)
        ]  # fmt: skip
        await t.bulk.put(wanted, "bench", now)
    return tuple(one.id for one in wanted)


def certify(data: Path, folder: Path, names: tuple[str, ...]) -> None:
    """A key and certificate for each, by the region's own authority, as enrolment would give them."""
    folder.mkdir()
    authority = open_authority(data / "ca", SystemClock())
    (folder / "roots.pem").write_bytes(authority.trust_bundle())
    (folder / "names").write_text("\n".join(names))
    above = b"".join(one.public_bytes(Encoding.PEM) for one in authority.chain[1:])
    for name in names:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = authority.issue_station(name, read_request(make_request(key)))
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM) + above + secret)


async def _answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection(HOST, port)
        writer.close()
        await writer.wait_closed()
        return True
    return False
