"""The certificate authority: roots that stay offline, one intermediate for stations alone, one for the region's own.

    root ─┬─ stations   clientAuth; a station's certificate lives 45 days
          └─ services   serverAuth (broker, HTTPS), clientAuth (the region's own clients), and codeSigning: the one who
                        signs what stations are told (`signing.py`), for a week

This is the online half: what it holds are the keys of the two intermediates, and, for as long as certificates of
theirs live, of the two before them. Its files are `provisioning.authority.vault`'s. Trust is by usage all the way up:
no station's certificate passes for a server's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from messaging.clock import Clock
from messaging.topics import STATION_ID
from provisioning.authority import certificates
from provisioning.authority.certificates import CLIENT, SERVER, SIGNING, Issuer, Revoked, Validity
from provisioning.authority.errors import AuthorityUnusable
from provisioning.authority.request import StationRequest

STATION_DAYS = 45
SERVICE_DAYS = 397
SIGNER_DAYS = 7
SIGNER = "Laegeknap signer"


@dataclass(frozen=True)
class Issued:
    """A service's certificate with its key, PEM; the certificate is followed by its intermediate."""

    certificate_pem: bytes
    key_pem: bytes


@dataclass(frozen=True)
class Held:
    """What the online half holds. `roots`: self-signed ones and, while they change, cross-signed ones; newest first.

    `previous` are intermediates that sign nothing any more, and whose certificates still count.
    """

    roots: tuple[x509.Certificate, ...]
    stations: Issuer
    services: Issuer
    previous: tuple[Issuer, ...] = ()


class CertificateAuthority:
    """Issues certificates. Get one with `vault.open_authority`."""

    def __init__(self, held: Held, clock: Clock) -> None:
        self._held = held
        self._clock = clock

    @property
    def root_sha256(self) -> str:
        """SHA-256 of the DER of the root above `services`, hex: what a code file pins."""
        return pinned(self._held.roots, self._held.services.certificate)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Roots and intermediates: what `cacerts` answers."""
        held = self._held
        return (
            *held.roots, held.stations.certificate, held.services.certificate,
            *(issuer.certificate for issuer in held.previous),
        )  # fmt: skip

    def trust_bundle(self) -> bytes:
        """Roots and intermediates, PEM: the broker's `cafile`."""
        return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in self.chain)

    def issue_station(self, station: str, request: StationRequest) -> x509.Certificate:
        """A station's certificate for 45 days. `station` is the registry's name for it; ValueError if it is not one."""
        if not STATION_ID.fullmatch(station):
            raise ValueError(f"not a station id: {station!r}")
        period = self._within(self._held.stations, timedelta(days=STATION_DAYS))
        return certificates.leaf(station, request.key, period, self._held.stations, CLIENT)

    def issue_server(self, name: str, hosts: Sequence[str], days: int = SERVICE_DAYS) -> Issued:
        """A server's certificate (broker, HTTPS) with a new key; `hosts` are DNS names and IP addresses."""
        if not hosts:
            raise ValueError("a server's certificate needs at least one host")
        return self._issue_service(name, SERVER, hosts, days)

    def issue_client(self, name: str, days: int = SERVICE_DAYS) -> Issued:
        """A client's certificate of the region's own (`region`) with a new key; ValueError for a station's name."""
        if STATION_ID.fullmatch(name):
            raise ValueError(f"{name!r} could be a station's name")
        return self._issue_service(name, CLIENT, (), days)

    def issue_signer(self) -> tuple[ec.EllipticCurvePrivateKey, tuple[x509.Certificate, ...]]:
        """A new key that signs words to stations, with its certificate and what stands above it, without the root."""
        services = self._held.services
        if not certificates.may_issue(services.certificate, SIGNING):
            raise AuthorityUnusable("the authority's services are of before words were signed; see region ca rotate")
        key = certificates.new_key()
        period = self._within(services, timedelta(days=SIGNER_DAYS))
        leaf = certificates.leaf(SIGNER, key.public_key(), period, services, SIGNING)
        return key, (leaf, services.certificate)

    def revocation_lists(self, revoked: Sequence[Revoked], number: int, begins: int) -> bytes:
        """The CRLs of every intermediate, PEM: mosquitto refuses a certificate whose issuer has none.

        They count until the intermediate itself ends: a list past its date would lock the whole fleet out, and nobody
        is let in by an old one who would not be by none. `begins` (Unix seconds) has to grow, for the newer one wins.
        """
        lists = []
        for issuer in (self._held.stations, self._held.services, *self._held.previous):
            period = Validity(datetime.fromtimestamp(begins, UTC), issuer.certificate.not_valid_after_utc)
            lists.append(certificates.revocation_list(issuer, revoked, number, period))
        return b"".join(lists)

    def _issue_service(self, name: str, usage: certificates.Usage, hosts: Sequence[str], days: int) -> Issued:
        key = certificates.new_key()
        services = self._held.services
        period = self._within(services, timedelta(days=days))
        certificate = certificates.leaf(name, key.public_key(), period, services, usage, hosts)
        crossed = [one for one in self._held.roots if one.issuer != one.subject]
        chain = b"".join(one.public_bytes(Encoding.PEM) for one in (certificate, services.certificate, *crossed))
        return Issued(chain, key_pem(key))

    def _within(self, issuer: Issuer, lasts: timedelta) -> Validity:
        period = certificates.validity(self._clock.wall(), lasts)
        if period.ends > issuer.certificate.not_valid_after_utc:
            raise AuthorityUnusable(
                "the authority's own certificate ends before the one asked for would; see region ca rotate"
            )
        return period


def pinned(roots: Sequence[x509.Certificate], services: x509.Certificate) -> str:
    """SHA-256, hex, of the self-signed root that has signed `services`; AuthorityUnusable when none has."""
    for root in roots:
        if root.issuer == root.subject and signed_by(services, root):
            return hashlib.sha256(root.public_bytes(Encoding.DER)).hexdigest()
    raise AuthorityUnusable("no root has signed the authority's intermediate")


def signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the one has been issued by the other."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A key as it stands on this machine's disk: PKCS #8, not encrypted, in a file only we read."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
