"""A station's diagnostics by the region's real endpoint: mutual TLS as uvicorn speaks it, and what IT then reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from device.agent.commands.journal import Journal
from device.agent.commands.ledger import Ledger
from device.agent.config_store import ConfigStore
from device.agent.courier import Courier
from device.agent.desired import InForce
from device.agent.diagnostics.diagnosis import Diagnosis
from device.agent.outbox import Outbox
from device.agent.trial import Facts
from device.agent.trial import Journal as Trial
from device.agent.twin import Twin
from messaging.call import Devices
from messaging.clock import SystemClock
from messaging.diagnostics import Bundle, Line, unpack
from messaging.enrolment import CodeFile, write_code_file
from messaging.envelope import Sealer
from messaging.health import Health
from messaging.twin import Config
from provisioning.authority.enrolment import Enrolment as Authority
from provisioning.authority.renewal import Renewals
from provisioning.authority.vault import open_authority
from provisioning.station.enrol import Enrolment
from provisioning.station.keystore import Keystore
from region.doors.http import http_server, serve_on
from region.doors.ports import take_port
from region.registry import Registry
from region.registry.store import RegistryEnrolmentStore
from region.stations.diagnostics import DiagnosticsService
from region.stations.est import build_est
from tests.kits.region.stations import connects, order, stand
from tests.kits.servers.broker import free_port
from tests.kits.servers.databases import ready_sqlite
from tests.kits.trust.enrolment_store import InMemorySigner

LINES = [Line(1.8e9, "laegeknap-call", 4, "no answer from Bakkens Klinik, phone 70 12 34 56")]


@dataclass
class Both:
    """A region's door, and a station that is enrolled there."""

    registry: Registry
    service: DiagnosticsService
    diagnosis: Diagnosis
    station: str

    async def asked(self) -> str:
        (cid,) = await order(self.registry, [self.station], "diagnostics", now=SystemClock().wall())
        async with self.registry.begin() as t:
            await t.commands.claim([await t.commands.get(cid)], SystemClock().wall())
        return cid

    async def read(self, cid: str) -> Bundle:
        _, content = await self.service.read("ivan", cid)
        return unpack(content)


async def _health() -> Health:
    return Health(5.0, "ntp", Devices(), {"call": "running"}, {"laegeknap": "0.4"})


async def _journal() -> list[Line]:
    return LINES


@asynccontextmanager
async def _both(folder: Path) -> AsyncIterator[Both]:
    clock, port = SystemClock(), free_port()
    registry, authority = Registry(ready_sqlite(folder)), open_authority(folder / "ca", clock)
    (station,) = await stand(registry, now=clock.wall() - 60)
    store, signer = RegistryEnrolmentStore(registry, clock), InMemorySigner(authority)
    enrolment, service = Authority(store, signer, clock), DiagnosticsService(registry, clock)
    issued = authority.issue_server("region", ["localhost"])
    files = {"server.pem": issued.certificate_pem, "key.pem": issued.key_pem, "clients.pem": authority.trust_bundle()}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    app = build_est(enrolment, Renewals(store, signer, clock), signer, clock, diagnostics=service)
    server = http_server(app, *(folder / name for name in files))
    serving = asyncio.create_task(serve_on(server, take_port("localhost", port, "the test", "--port")))
    try:
        await server.listening.wait()
        keystore = Keystore(folder / "state")
        code = await enrolment.invite(station)
        file = CodeFile(f"https://localhost:{port}", authority.root_sha256, code, station, "localhost:8403")
        (folder / "code.toml").write_text(write_code_file(file))
        await Enrolment(keystore, folder / "code.toml").enrol()
        with ThreadPoolExecutor(1) as thread:
            diagnosis = _diagnosis(folder / "state", keystore, thread, station)
            yield Both(registry, service, diagnosis, station)
            await diagnosis.ledger.act(diagnosis.ledger.journal.close)
    finally:
        server.should_exit = True
        await serving
        await registry.close()


def _diagnosis(state: Path, keystore: Keystore, thread: ThreadPoolExecutor, station: str) -> Diagnosis:
    clock = SystemClock()
    sealer = Sealer(clock.monotonic, clock.wall, lambda: "ntp")
    ConfigStore(state / "config.json").save(
        Trial(InForce(4, Config(clinic="Bakkens Klinik", volume=40)), station=station)
    )
    twin = Twin(ConfigStore(state / "config.json"), clock.monotonic, lambda: Facts(link=True), lambda _kind, _why: None)
    journal = Journal(state / "commands.sqlite", clock.wall)
    ledger = Ledger(journal, Courier(Outbox(state / "outbox.sqlite"), thread), sealer, thread)
    return Diagnosis(keystore, clock, sealer, twin, ledger, _health, lambda: {"ready": 1.0}, journal=_journal)


@pytest.mark.system
async def test_a_station_hands_in_what_it_was_asked_for_and_nobody_is_in_it(tmp_path: Path) -> None:
    async with _both(tmp_path) as both:
        await connects(both.registry, both.station, SystemClock().wall() - 30)
        assert await both.diagnosis.hand_in("0" * 16) == "not_asked_for"
        cid = await both.asked()
        assert await both.diagnosis.hand_in(cid) == ""
        told = await both.read(cid)
        assert (told.station, told.config_version, told.config.volume) == (both.station, 4, 40)
        assert [line.text for line in told.lines] == ["no answer from [name], phone [number]"]
        assert told.config.clinic == "(set)"
        async with both.registry.begin() as t:
            await t.stations.set_admission(both.station, "revoked")
        assert await both.diagnosis.hand_in(cid) == "station_barred"
        both.diagnosis.keystore.certificate.unlink()
        assert await both.diagnosis.hand_in(cid) == "disk"
