"""A region's enrolment endpoint for tests: real TLS, the real authority and rules, and knobs for what goes wrong.

async with est_server(tmp_path, "st-k3m9q2x7") as region:
    path = await region.print_code(tmp_path / "code.toml")
    region.lose_next_answer()
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cryptography import x509

from messaging.claim import CLAIM_PATH, ClaimAnswer, ClaimRequest, ClaimState, RegionFile, write_region_file
from messaging.clock import SystemClock
from messaging.codec import decode, encode
from messaging.enrolment import EST_PATH, CodeFile, write_code_file
from messaging.envelope import parse_json
from messaging.moment import TIME_PATH
from provisioning.authority import est
from provisioning.authority.ca import CertificateAuthority
from provisioning.authority.enrolment import Enrolment
from provisioning.authority.errors import AuthorityError, CodeUsed, StationBarred, TooManyTries
from provisioning.authority.ports import Invitation
from provisioning.authority.renewal import Renewals
from provisioning.authority.request import read_request
from provisioning.authority.vault import open_authority
from tests.kits.clock import ManualClock
from tests.kits.trust.enrolment_store import InMemorySigner, MemoryStore

_STATUS = {CodeUsed.code: 409, StationBarred.code: 403, TooManyTries.code: 429}


class EstServer:
    """One region. `asked` lists the paths asked for; `answer` replaces every answer with raw bytes."""

    def __init__(self, folder: Path, stations: tuple[str, ...], hosts: tuple[str, ...]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.station = stations[0]
        self.store = MemoryStore(*stations)
        self.authority: CertificateAuthority = open_authority(folder / "ca", SystemClock())
        self.signer = InMemorySigner(self.authority)
        self.enrolment = Enrolment(self.store, self.signer, SystemClock())
        self.clock = ManualClock()  # of renewals: moved on, a certificate is old without waiting
        self.clock.set_wall(SystemClock().wall())
        self.renewals = Renewals(self.store, self.signer, self.clock)
        self.hosts = hosts
        self.port = 0
        self.broker = "127.0.0.1:1"
        self.asked: list[str] = []
        self.bodies: list[bytes] = []
        self.answer: bytes | None = None
        self.claims: dict[str, ClaimRequest] = {}
        self.approved: dict[str, str] = {}
        self.refused: set[str] = set()
        self.approves_at_once = False
        self._lose = False
        self._server: asyncio.Server | None = None

    async def print_code(self, path: Path) -> CodeFile:
        """A new code for the station, in a file."""
        code = await self.enrolment.invite(self.station)
        url = f"https://localhost:{self.port}"
        content = CodeFile(url, self.authority.root_sha256, code, self.station, self.broker)
        _write(path, content)
        return content

    def lose_next_answer(self) -> None:
        """Do what is asked, and break the connection before the answer."""
        self._lose = True

    def print_region(self, path: Path) -> None:
        """The file that tells a station without a code whom to ask."""
        content = RegionFile(f"https://localhost:{self.port}", self.authority.root_sha256, self.broker)
        path.write_text(write_region_file(content))

    async def approve(self) -> None:
        """Approve whoever has asked to be claimed, as this region's station."""
        for key, asked in self.claims.items():
            expires = SystemClock().wall() + 3600
            await self.store.put_invitation(Invitation(self.station, asked.code_sha256, expires, key))
            self.approved[key] = self.station

    async def _claim(self, body: bytes) -> bytes:
        asked = decode(ClaimRequest, parse_json(body))
        key = read_request(est.decode_request(asked.request.encode())).key_sha256
        self.claims[key] = asked
        if self.approves_at_once and key not in self.approved:
            await self.approve()
        state: ClaimState = "refused" if key in self.refused else "approved" if key in self.approved else "waiting"
        answer = ClaimAnswer(state, "ef" * 16, "https://region.example/claims", 15, self.approved.get(key, ""))
        return http(200, json.dumps(encode(answer)).encode())

    async def start(self) -> None:
        """Listen on a free port of loopback, or on the one from before."""
        issued = self.authority.issue_server("region", self.hosts)
        (self.folder / "server.pem").write_bytes(issued.certificate_pem)
        (self.folder / "server-key.pem").write_bytes(issued.key_pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server-key.pem")
        context.load_verify_locations(cadata=self.authority.trust_bundle().decode())
        context.verify_mode = ssl.CERT_OPTIONAL
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Be away."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            body = await reader.readexactly(int(headers.get("Content-Length", "0")))
            path = head.split(" ")[1]
            self.asked.append(path)
            self.bodies.append(body)
            answer = (
                self.answer if self.answer is not None else await self._respond(path, headers, body, _shown(writer))
            )
            if self._lose and path.endswith("simpleenroll"):
                self._lose = False
            else:
                writer.write(answer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _respond(self, path: str, headers: dict[str, str], body: bytes, shown: x509.Certificate | None) -> bytes:
        if path == f"{EST_PATH}/cacerts":
            return http(200, est.encode_certificates(self.authority.chain))
        if path.startswith(TIME_PATH):
            return http(200, await self.signer.tell_time(path.rpartition("/")[2]))
        if path == CLAIM_PATH:
            return await self._claim(body)
        try:
            if path == f"{EST_PATH}/simplereenroll":
                renewed = await self.renewals.renew(est.decode_request(body), shown, "test")
                return http(200, est.encode_certificates([renewed]))
            station, code = est.read_credentials(headers.get("Authorization"))
            der = est.decode_request(body)
            certificate = await self.enrolment.enrol(station, code, der, "test")
        except AuthorityError as error:
            return http(_STATUS.get(error.code, 401), f'{{"code": "{error.code}"}}'.encode())
        return http(200, est.encode_certificates([certificate]))


def _shown(writer: asyncio.StreamWriter) -> x509.Certificate | None:
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return None if der is None else x509.load_der_x509_certificate(der)


def _write(path: Path, content: CodeFile) -> None:
    path.write_text(write_code_file(content))


def http(status: int, body: bytes, *headers: str) -> bytes:
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status} whatever", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@asynccontextmanager
async def est_server(folder: Path, *stations: str, hosts: tuple[str, ...] = ("localhost",)) -> AsyncIterator[EstServer]:
    """A region that runs inside the `async with`, its files below `folder`."""
    server = EstServer(folder, stations, hosts)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
