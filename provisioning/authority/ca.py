"""The certificate authority: one root, one intermediate for stations alone, one for the region's own services.

    root ─┬─ stations   clientAuth; a station's certificate lives 45 days
          └─ services   serverAuth (broker, HTTPS) and clientAuth (the region's own clients)

In its directory, made whole at the first start or not at all: `root.pem`, `stations.pem`, `services.pem`, and beside
each its `-key.pem` (0600). Trust is by usage all the way up: no station's certificate passes for a server's.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from messaging.clock import Clock
from messaging.topics import STATION_ID
from provisioning.authority import certificates
from provisioning.authority.certificates import CLIENT, SERVER, Issuer, Validity
from provisioning.authority.errors import AuthorityUnusable
from provisioning.authority.request import StationRequest

STATION_DAYS = 45
SERVICE_DAYS = 397
_ROOT_YEARS = 30
_INTERMEDIATE_YEARS = 15
_NAMES = {"root": "Laegeknap root", "stations": "Laegeknap stations", "services": "Laegeknap services"}


@dataclass(frozen=True)
class Issued:
    """A service's certificate with its key, PEM; the certificate is followed by its intermediate."""

    certificate_pem: bytes
    key_pem: bytes


class CertificateAuthority:
    """Issues certificates. Get one with `open_authority`."""

    def __init__(self, root: x509.Certificate, stations: Issuer, services: Issuer, clock: Clock) -> None:
        self._root = root
        self._stations = stations
        self._services = services
        self._clock = clock

    @property
    def root_sha256(self) -> str:
        """SHA-256 of the root's DER, hex: what a code file pins."""
        return hashlib.sha256(self._root.public_bytes(Encoding.DER)).hexdigest()

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Root and both intermediates: what `cacerts` answers."""
        return self._root, self._stations.certificate, self._services.certificate

    def trust_bundle(self) -> bytes:
        """Root and both intermediates, PEM: the broker's `cafile`."""
        return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in self.chain)

    def issue_station(self, station: str, request: StationRequest) -> x509.Certificate:
        """A station's certificate for 45 days. `station` is the registry's name for it; ValueError if it is not one."""
        if not STATION_ID.fullmatch(station):
            raise ValueError(f"not a station id: {station!r}")
        period = self._within(self._stations, timedelta(days=STATION_DAYS))
        return certificates.leaf(station, request.key, period, self._stations, CLIENT)

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

    def _issue_service(self, name: str, usage: certificates.Usage, hosts: Sequence[str], days: int) -> Issued:
        key = certificates.new_key()
        period = self._within(self._services, timedelta(days=days))
        certificate = certificates.leaf(name, key.public_key(), period, self._services, usage, hosts)
        chain = certificate.public_bytes(Encoding.PEM) + self._services.certificate.public_bytes(Encoding.PEM)
        return Issued(chain, _key_pem(key))

    def _within(self, issuer: Issuer, lasts: timedelta) -> Validity:
        period = certificates.validity(self._clock.wall(), lasts)
        if period.ends > issuer.certificate.not_valid_after_utc:
            raise AuthorityUnusable("the authority's own certificate ends before the one asked for would; renew it")
        return period


def open_authority(directory: Path, clock: Clock) -> CertificateAuthority:
    """The authority in `directory`, made there when the directory is absent or empty.

    AuthorityUnusable when it is there in part, its files do not belong together, or a key is open to others: a new
    authority is never put in place of a damaged one, because every station would be locked out.
    """
    try:
        if not directory.exists() or not any(directory.iterdir()):
            _create(directory, clock)
        return _load(directory, clock)
    except OSError as error:
        raise AuthorityUnusable(f"{directory}: {error.strerror or error}") from error


def _create(directory: Path, clock: Clock) -> None:
    """Everything in a directory beside it, then one rename: a power cut leaves a whole authority or none."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}-"))  # mode 0700
    try:
        now = clock.wall()
        long_period = certificates.validity(now, timedelta(days=_ROOT_YEARS * 365), timedelta(days=30))
        period = certificates.validity(now, timedelta(days=_INTERMEDIATE_YEARS * 365), timedelta(days=30))
        root = certificates.root(_NAMES["root"], long_period)
        made = {
            "root": root,
            "stations": certificates.intermediate(_NAMES["stations"], period, root, (CLIENT,)),
            "services": certificates.intermediate(_NAMES["services"], period, root, (SERVER, CLIENT)),
        }
        for name, issuer in made.items():
            _write(making / f"{name}-key.pem", _key_pem(issuer.key), 0o600)
            _write(making / f"{name}.pem", issuer.certificate.public_bytes(Encoding.PEM), 0o644)
        _sync(making)
        making.rename(directory)
        _sync(directory.parent)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise


def _load(directory: Path, clock: Clock) -> CertificateAuthority:
    root, stations, services = (_load_issuer(directory, name) for name in _NAMES)
    for child in (stations, services):
        try:
            child.certificate.verify_directly_issued_by(root.certificate)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise AuthorityUnusable(f"{directory}: its certificates do not belong together") from error
    return CertificateAuthority(root.certificate, stations, services, clock)


def _load_issuer(directory: Path, name: str) -> Issuer:
    key_path = directory / f"{name}-key.pem"
    if key_path.stat().st_mode & 0o077:
        raise AuthorityUnusable(f"{key_path}: others may read the key; make it 0600 and consider it known")
    try:
        certificate = x509.load_pem_x509_certificate((directory / f"{name}.pem").read_bytes())
        key = load_pem_private_key(key_path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AuthorityUnusable(f"{directory}: {name} is damaged") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or _public(key.public_key()) != _public(
        certificate.public_key()
    ):
        raise AuthorityUnusable(f"{directory}: the key of {name} is not its certificate's")
    return Issuer(certificate, key)


def _public(key: object) -> bytes:
    public: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return public


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
