"""An EnrolmentStore in memory, and a certificate request to send, for the tests of both halves of provisioning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from provisioning.authority.ports import Invitation

Builder = x509.CertificateSigningRequestBuilder


class MemoryStore:
    """What region/registry does with a table, done with a dict."""

    def __init__(self, *stations: str) -> None:
        self.stations = set(stations)
        self.rows: dict[str, Invitation] = {}

    async def may_enrol(self, station: str) -> bool:
        return station in self.stations

    async def invitation(self, station: str) -> Invitation | None:
        return self.rows.get(station)

    async def put_invitation(self, invitation: Invitation) -> None:
        self.rows[invitation.station] = invitation

    async def bind(self, station: str, code_sha256: str, key_sha256: str, certificate: bytes) -> Invitation | None:
        row = self.rows.get(station)
        if row is None or row.code_sha256 != code_sha256:
            return None
        if row.key_sha256 is None:
            row = self.rows[station] = replace(row, key_sha256=key_sha256, certificate=certificate)
        return row

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
