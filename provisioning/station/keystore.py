"""The station's identity on disk, and what is on its way to become it.

In the state directory: `key.pem` (0600), `certificate.pem` (with its intermediate), `ca.pem`, and `identity.json`,
written last: its presence means "enrolled". An enrolment under way stands in `enrolling/` until its certificate is
there, so that a new code file never costs a working station its old identity:

    enrolling/wanted.json       what the code file asks for, the code as its SHA-256
    enrolling/key.pem           made before it is used
    enrolling/ca.pem
    enrolling/certificate.pem   its presence means "ready to install"

A renewal stands in `renewing/` (`ca.pem`, then `certificate.pem`) until the broker has taken a connection with it.

`enrolled.json` keeps the `wanted.json` of the identity in force: its code has been used.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from messaging.client_ids import client_id
from messaging.codec import Length
from messaging.enrolment import CodeFile, HostPort, Sha256, Url
from messaging.errors import MessageError
from provisioning.station.documents import document, guarded, load_key, new_key, read_document
from provisioning.station.errors import StateUnusable
from provisioning.station.files import remove, sync_directory, write_whole

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Identity:
    """Who this station is. `broker` is host:port."""

    station: Annotated[str, Length(40)]
    broker: HostPort
    url: Url


@dataclass(frozen=True)
class Wanted:
    """A code file without its secret: `code_sha256` tells two codes apart."""

    station: Annotated[str, Length(40)]
    broker: HostPort
    url: Url
    ca_sha256: Sha256
    code_sha256: Sha256


@dataclass(frozen=True)
class Staged:
    """How far the enrolment under way has come."""

    wanted: Wanted
    has_key: bool
    has_certificate: bool


@dataclass(frozen=True)
class Renewing:
    """A renewed certificate that waits, and the roots that came with it."""

    certificate: Path
    ca: Path


def wanted_by(code_file: CodeFile) -> Wanted:
    """What a code file asks for."""
    code_sha256 = hashlib.sha256(code_file.code.encode()).hexdigest()
    return Wanted(code_file.station, code_file.broker, code_file.url, code_file.ca_sha256, code_sha256)


class Keystore:
    """The files of one state directory. Methods raise StateUnusable where the disk or its contents are at fault."""

    def __init__(self, state_dir: Path) -> None:
        self._dir = state_dir
        self._staging = state_dir / "enrolling"

    @property
    def key(self) -> Path:
        """The private key in force."""
        return self._dir / "key.pem"

    @property
    def certificate(self) -> Path:
        """The certificate in force, followed by its intermediate."""
        return self._dir / "certificate.pem"

    @property
    def ca(self) -> Path:
        """The root that broker and region are held to."""
        return self._dir / "ca.pem"

    def identity(self) -> Identity | None:
        """Who this station is, or None when it has not been enrolled."""
        with guarded():
            return read_document(self._dir / "identity.json", Identity)

    def enrolled_with(self) -> Wanted | None:
        """What the identity in force was enrolled with."""
        with guarded():
            return read_document(self._dir / "enrolled.json", Wanted) if self.identity() is not None else None

    def validity(self) -> tuple[float, float] | None:
        """The certificate's notBefore and notAfter, Unix seconds; None when there is no certificate to read."""
        return _validity(self.certificate)

    def registered_key(self) -> ec.EllipticCurvePrivateKey:
        """The private key in force."""
        return load_key(self.key)

    def client_id(self, station: str, process: str) -> str:
        """As what that process comes to the broker. Without a key that can be read nobody lets it in."""
        try:
            public = self.registered_key().public_key()
        except StateUnusable as error:
            _log.error("this station cannot connect without its key: %s", error)
            return f"{station}-{process}"
        return client_id(station, process, public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    def roots(self) -> tuple[x509.Certificate, ...]:
        """The roots that broker and region are held to."""
        with guarded():
            return tuple(x509.load_pem_x509_certificates(self.ca.read_bytes()))

    # --- a renewal under way: `renewing/`, its certificate last; `ca.pem` in it holds the old roots too ---

    @property
    def renewing(self) -> Renewing | None:
        """The renewed certificate that waits to be tried, or None."""
        folder = self._dir / "renewing"
        paths = Renewing(folder / "certificate.pem", folder / "ca.pem")
        return paths if paths.certificate.exists() and paths.ca.exists() else None

    def renewing_validity(self) -> tuple[float, float] | None:
        """notBefore and notAfter of the renewed certificate that waits, Unix seconds; None when there is none."""
        waiting = self.renewing
        return None if waiting is None else _validity(waiting.certificate)

    def stage_renewal(self, certificate_pem: bytes, ca_pem: bytes) -> None:
        """Keep what the region answered beside what is in force; the certificate last."""
        with guarded():
            self.discard_renewal()
            (self._dir / "renewing").mkdir(mode=0o700)
            sync_directory(self._dir)
            write_whole(self._dir / "renewing" / "ca.pem", ca_pem)
            write_whole(self._dir / "renewing" / "certificate.pem", certificate_pem)

    def install_renewal(self) -> None:
        """Put the renewed certificate in force. It is the same key's, and the roots grow: any mix of old and new works.

        After a power cut anywhere in here, doing it again ends the same.
        """
        waiting = self.renewing
        if waiting is None:
            raise StateUnusable("there is no renewed certificate to put in force")
        with guarded():
            if self._is_of_the_key_in_force(waiting):
                write_whole(self.ca, waiting.ca.read_bytes())
                write_whole(self.certificate, waiting.certificate.read_bytes())
        self.discard_renewal()

    def discard_renewal(self) -> None:
        """Drop a renewal under way, its certificate first."""
        with guarded():
            folder = self._dir / "renewing"
            if folder.exists():
                remove(folder / "certificate.pem")
                shutil.rmtree(folder)
                sync_directory(self._dir)

    def _is_of_the_key_in_force(self, waiting: Renewing) -> bool:
        """Not so when the station has been enrolled anew in between: that certificate is nobody's any more."""
        certificate = x509.load_pem_x509_certificates(waiting.certificate.read_bytes())[0]
        return certificate.public_key() == self.registered_key().public_key()

    # --- an enrolment under way ---

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Held while enrolling, so that the agent and a technician's command never do it at the same time."""
        with guarded():
            self._dir.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._dir, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise StateUnusable("another process is enrolling this station") from error
        try:
            yield
        finally:
            os.close(handle)

    def staged(self) -> Staged | None:
        """The enrolment under way, or None."""
        with guarded():
            try:
                wanted = read_document(self._staging / "wanted.json", Wanted)
            except MessageError as error:
                _log.warning("the enrolment under way is damaged (%s) and will begin anew", error)
                return None
            if wanted is None:
                return None
            has_key = (self._staging / "key.pem").exists()
            return Staged(wanted, has_key, has_key and (self._staging / "certificate.pem").exists())

    def begin(self, wanted: Wanted, key_pem: bytes | None = None) -> None:
        """Begin an enrolment, in place of any other under way; with the key that it is about, if there is one."""
        with guarded():
            self.discard()
            self._dir.mkdir(parents=True, exist_ok=True)
            self._staging.mkdir(mode=0o700)
            sync_directory(self._dir)
            if key_pem is not None:
                write_whole(self._staging / "key.pem", key_pem, 0o600)
            write_whole(self._staging / "wanted.json", document(wanted))

    def discard(self) -> None:
        """Drop the enrolment under way, its `wanted.json` first: what is left after a power cut is nobody's."""
        with guarded():
            if self._staging.exists():
                remove(self._staging / "wanted.json")
                shutil.rmtree(self._staging)
                sync_directory(self._dir)

    def sweep(self) -> None:
        """Remove what a power cut left of an enrolment that has been installed or dropped."""
        if self.staged() is None:
            self.discard()

    def make_key(self) -> None:
        """Make the key of the enrolment under way; it is on disk before anybody hears of it."""
        with guarded():
            write_whole(self._staging / "key.pem", new_key(), 0o600)

    def staged_key(self) -> ec.EllipticCurvePrivateKey:
        """The key of the enrolment under way."""
        return load_key(self._staging / "key.pem")

    def stage_certificate(self, certificate_pem: bytes, ca_pem: bytes) -> None:
        """Keep what the region answered; the certificate last."""
        with guarded():
            write_whole(self._staging / "ca.pem", ca_pem)
            write_whole(self._staging / "certificate.pem", certificate_pem)

    def install(self) -> Identity:
        """Put the staged identity in force. After a power cut anywhere in here, doing it again ends the same."""
        staged = self.staged()
        if staged is None or not staged.has_certificate:
            raise StateUnusable("there is no finished enrolment to install")
        wanted = staged.wanted
        identity = Identity(wanted.station, wanted.broker, wanted.url)
        with guarded():
            self.discard_renewal()
            remove(self._dir / "identity.json")  # never a key of one identity beside the certificate of another
            for name, mode in (("ca.pem", 0o640), ("key.pem", 0o600), ("certificate.pem", 0o640)):
                write_whole(self._dir / name, (self._staging / name).read_bytes(), mode)
            write_whole(self._dir / "enrolled.json", document(wanted))
            write_whole(self._dir / "identity.json", document(identity))
        self.discard()
        return identity


def _validity(path: Path) -> tuple[float, float] | None:
    try:
        certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError):
        return None
    return certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
