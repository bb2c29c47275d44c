"""The station's half of enrolment against the region's real endpoint, over HTTP as uvicorn speaks it."""

from __future__ import annotations

import asyncio
import http.client
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from messaging.clock import SystemClock
from messaging.enrolment import EST_PATH, CodeFile, write_code_file
from provisioning.authority.ca import Issued
from provisioning.authority.enrolment import Enrolment as Authority
from provisioning.authority.renewal import Renewals
from provisioning.authority.vault import open_authority
from provisioning.station.enrol import Enrolment
from provisioning.station.errors import Refused
from provisioning.station.keystore import Keystore
from region.doors.http import http_server, serve_on
from region.doors.ports import take_port
from region.stations.est import build_est
from tests.kits.servers.broker import free_port
from tests.kits.trust.enrolment_store import InMemorySigner, MemoryStore

STATION = "st-k3m9q2x7"


class Region:
    """The region's authority and its endpoint."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.store = MemoryStore(STATION)
        self.authority = open_authority(folder / "ca", SystemClock())
        signer = InMemorySigner(self.authority)
        self.enrolment = Authority(self.store, signer, SystemClock())
        renewals = Renewals(self.store, signer, SystemClock())
        issued = self.authority.issue_server("region", ["localhost"])
        (folder / "server.pem").write_bytes(issued.certificate_pem)
        (folder / "server-key.pem").write_bytes(issued.key_pem)
        config = uvicorn.Config(
            build_est(self.enrolment, renewals, signer, SystemClock()), host="127.0.0.1", port=self.port,
            log_config=None, ssl_certfile=folder / "server.pem", ssl_keyfile=folder / "server-key.pem", lifespan="off",
        )  # fmt: skip
        self.server = uvicorn.Server(config)

    async def code_file(self, path: Path) -> None:
        code = await self.enrolment.invite(STATION)
        content = CodeFile(
            f"https://localhost:{self.port}/", self.authority.root_sha256, code, STATION, "localhost:8403"
        )
        _write(path, content)


def _write(path: Path, content: CodeFile) -> None:
    path.write_text(write_code_file(content))


@asynccontextmanager
async def _running(folder: Path) -> AsyncIterator[Region]:
    region = Region(folder)
    # Not `serve()`: that takes the signals of the test's own process.
    serving = asyncio.create_task(region.server._serve())
    try:
        async with asyncio.timeout(30):
            while not region.server.started:
                assert not serving.done()
                await asyncio.sleep(0)
        yield region
    finally:
        region.server.should_exit = True
        await serving


async def test_a_station_enrols_at_the_region_s_endpoint(tmp_path: Path) -> None:
    async with _running(tmp_path) as region:
        await region.code_file(tmp_path / "code.toml")
        keystore = Keystore(tmp_path / "state")
        identity = await Enrolment(keystore, tmp_path / "code.toml").enrol()
        assert identity.station == STATION
        validity = keystore.validity()
        assert validity is not None
        assert await region.enrolment.confirm(STATION, validity[1])


@pytest.mark.parametrize(("spoil", "code"), [("forget", "wrong_code"), ("bar", "station_barred")])
async def test_the_region_s_refusals_arrive_as_its_own_words(tmp_path: Path, spoil: str, code: str) -> None:
    async with _running(tmp_path) as region:
        await region.code_file(tmp_path / "code.toml")
        if spoil == "forget":
            region.store.rows.clear()
        else:
            region.store.stations.clear()
        with pytest.raises(Refused) as told:
            await Enrolment(Keystore(tmp_path / "state"), tmp_path / "code.toml").enrol()
        assert told.value.code == code


async def test_a_client_certificate_of_another_authority_is_not_listened_to(tmp_path: Path) -> None:
    """The region's own server and TLS: none at all is a visitor, one of another region's is nobody."""
    region = Region(tmp_path)
    (tmp_path / "clients.pem").write_bytes(region.authority.trust_bundle())
    files = (tmp_path / "server.pem", tmp_path / "server-key.pem", tmp_path / "clients.pem")
    server = http_server(region.server.config.app, *files)
    listener = take_port("127.0.0.1", region.port, "enrolment", "--enrol-port")
    serving = asyncio.create_task(serve_on(server, listener))
    try:
        await server.listening.wait()
        assert await asyncio.to_thread(_fetch, region, None) == 200
        assert await asyncio.to_thread(_fetch, region, region.authority.issue_client("region")) == 200
        stranger = open_authority(tmp_path / "elsewhere", SystemClock()).issue_client("region")
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await asyncio.to_thread(_fetch, region, stranger)
    finally:
        server.should_exit = True
        await serving


def _fetch(region: Region, shown: Issued | None) -> int:
    """The status of what anybody may read there, asked with that certificate."""
    context = ssl.create_default_context(cadata=region.authority.trust_bundle().decode())
    if shown is not None:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "client.pem").write_bytes(shown.certificate_pem + shown.key_pem)
            context.load_cert_chain(Path(folder) / "client.pem")
    connection = http.client.HTTPSConnection("localhost", region.port, timeout=20, context=context)
    try:
        connection.request("GET", f"{EST_PATH}/cacerts")
        return connection.getresponse().status
    finally:
        connection.close()
