"""An EnrolmentStore in memory, and a certificate request to send, for the tests of both halves of provisioning."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from messaging.clock import Clock, SystemClock
from provisioning.authority.ca import CertificateAuthority
from provisioning.authority.ports import Given, Invitation
from provisioning.authority.renewal import given
from provisioning.authority.request import read_request
from provisioning.authority.signing import WordSigner

Builder = x509.CertificateSigningRequestBuilder


class InMemorySigner:
    """The authority's process without the process: the same rules, called directly."""

    def __init__(self, authority: CertificateAuthority, clock: Clock | None = None) -> None:
        self._authority = authority
        self._words = WordSigner(authority, clock or SystemClock())

    async def chain(self) -> tuple[x509.Certificate, ...]:
        return self._authority.chain

    async def issue_station(self, station: str, request_der: bytes) -> x509.Certificate:
        return self._authority.issue_station(station, read_request(request_der))

    async def tell_time(self, nonce: str) -> bytes:
        return self._words.tell_time(nonce)


class MemoryStore:
    """What region/registry does with a table, done with a dict."""

    def __init__(self, *stations: str) -> None:
        self.stations = set(stations)
        self.rows: dict[str, Invitation] = {}
        self.given: list[Given] = []

    async def may_enrol(self, station: str) -> bool:
        return station in self.stations

    async def invitation(self, station: str) -> Invitation | None:
        await asyncio.sleep(0)  # as a database's: others get their turn meanwhile
        return self.rows.get(station)

    async def put_invitation(self, invitation: Invitation) -> None:
        self.rows[invitation.station] = invitation

    async def bind(self, station: str, code_sha256: str, key_sha256: str, certificate: bytes) -> Invitation | None:
        row = self.rows.get(station)
        if row is None or row.code_sha256 != code_sha256:
            return None
        if row.certificate is None and row.key_sha256 in (None, key_sha256):
            row = self.rows[station] = replace(row, key_sha256=key_sha256, certificate=certificate)
            issued = x509.load_der_x509_certificate(certificate).not_valid_before_utc.timestamp() + 86_400
            self.given.append(given(station, key_sha256, certificate, issued))
        return row

    async def latest(self, key_sha256: str) -> Given | None:
        await asyncio.sleep(0)
        return next((one for one in reversed(self.given) if one.key_sha256 == key_sha256), None)

    async def keep(self, given: Given) -> None:
        self.given.append(given)

    async def burn(self, station: str, code_sha256: str, at: float) -> bool:
        row = self.rows.get(station)
        if row is None or row.code_sha256 != code_sha256 or row.burnt is not None:
            return False
        self.rows[station] = replace(row, burnt=at)
        return True


def make_request(
    key: ec.EllipticCurvePrivateKey | None = None,
    name: str = "somebody",
    extra: Callable[[Builder], Builder] | None = None,
) -> bytes:
    """A PKCS #10 request, DER; `extra` adds what should not be asked for."""
    builder = Builder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
    builder = extra(builder) if extra else builder
    signed = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(Encoding.DER)
