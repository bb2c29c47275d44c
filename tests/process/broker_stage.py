"""mosquitto as the region runs it, its authority, and certificates of stations and of others."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from messaging.clock import SystemClock
from messaging.link.mqtt import MqttSettings, knock
from messaging.link.port import LinkDown
from provisioning.authority import certificates
from provisioning.authority.ca import key_pem
from provisioning.authority.certificates import Revoked
from provisioning.authority.vault import open_authority
from region.broker import REGION_USER, BrokerPaths, EmbeddedBroker, write_access, write_identity
from tests.kits.eventually import eventually
from tests.kits.servers.broker import free_port

HOST = "127.0.0.1"
STATION = "st-k3m9q2x7"


class Stage:
    """mosquitto as the region runs it, and a station's certificate."""

    def __init__(self, folder: Path) -> None:
        self.clock = SystemClock()
        self.authority = open_authority(folder / "ca", self.clock)
        self.paths, self.port = BrokerPaths(folder / "broker"), free_port()
        write_identity(self.paths, self.authority.trust_bundle(), self.authority.issue_client(REGION_USER))
        self.lists(1)
        server = self.authority.issue_server("broker", [HOST])
        self.broker = EmbeddedBroker(self.paths.folder, HOST, self.port, server, self.clock)
        self._folder = folder
        self.serial = self._certify(STATION)

    def lists(self, number: int, *serials: int, shut_out: tuple[str, ...] = (), begins: float | None = None) -> None:
        at = int(begins or self.clock.wall() - 3600) + number
        revoked = [Revoked(serial, at) for serial in serials]
        write_access(self.paths.folder, shut_out, self.authority.revocation_lists(revoked, number, at))

    def list_that_has_ended(self, number: int) -> None:
        ends = datetime.now(UTC) - timedelta(seconds=5)
        period, held = certificates.Validity(ends - timedelta(minutes=30), ends), self.authority._held
        lists = [certificates.revocation_list(one, [], number, period) for one in (held.stations, held.services)]
        write_access(self.paths.folder, (), b"".join(lists))

    def station(self, client_id: str) -> MqttSettings:
        return self.somebody(STATION, client_id)

    def somebody(self, name: str, client_id: str) -> MqttSettings:
        """Somebody with a certificate of the authority for stations, which it would never give to that name."""
        certificate, key = self._files(name)
        if not certificate.exists():
            self._certify(name)
        return MqttSettings(HOST, self.port, client_id, self.paths.ca, certificate, key)

    async def lets_in(self, client_id: str) -> None:
        """Once the broker has read what was written for it, the station is let in."""

        async def let_in() -> bool:
            with contextlib.suppress(LinkDown):
                await knock(self.station(client_id))
                return True
            return False

        await eventually(let_in, 20, every_s=0.05)

    async def refuses(self, client_id: str) -> None:
        """Once the broker has read what was written for it, the station is refused."""

        async def refused() -> bool:
            try:
                await knock(self.station(client_id))
            except LinkDown:
                return True
            return False

        await eventually(refused, 20)

    def region(self, client_id: str) -> MqttSettings:
        paths = self.paths
        return MqttSettings(HOST, self.port, client_id, paths.ca, paths.region_certificate, paths.region_key)

    def _certify(self, name: str) -> int:
        issuer, key = self.authority._held.stations, certificates.new_key()
        period = certificates.validity(self.clock.wall(), timedelta(days=45))
        made = certificates.leaf(name, key.public_key(), period, issuer, certificates.CLIENT)
        certificate, key_file = self._files(name)
        chain = (made, issuer.certificate)
        certificate.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in chain))
        key_file.write_bytes(key_pem(key))
        return made.serial_number

    def _files(self, name: str) -> tuple[Path, Path]:
        stem = name.encode().hex()
        return self._folder / f"{stem}-certificate.pem", self._folder / f"{stem}-key.pem"


@asynccontextmanager
async def running_stage(folder: Path) -> AsyncIterator[Stage]:
    """One whose mosquitto runs."""
    stage = Stage(folder)
    await stage.broker.start()
    try:
        yield stage
    finally:
        await stage.broker.stop()
