"""The authority's files, each change whole or not at all.

ca/root.pem                  roots, newest first; no root's key is here once it has been taken offline
ca/root-key.pem              only until `region ca offline` (or never, after `region ca init`)
ca/stations.pem  -key.pem    the intermediate for stations
ca/services.pem  -key.pem    the intermediate for the region's own
ca/previous-*.pem -key.pem   the one before each, for as long as its certificates count
ca/next-*-key.pem            the key of one that waits for the offline root's signature
ca/crl.json                  the number and date of the last revocation list
ca/journal.jsonl             every certificate, command and batch of configs signed, one a line; only ever appended to
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from messaging.clock import Clock
from provisioning.authority import certificates
from provisioning.authority.ca import STATION_DAYS, CertificateAuthority, Held, key_pem, pinned, signed_by
from provisioning.authority.certificates import CLIENT, SERVER, SIGNING, Issuer, Usage
from provisioning.authority.errors import AuthorityUnusable

ROOT_NAME = "Laegeknap root"
INTERMEDIATES: dict[str, tuple[str, tuple[Usage, ...]]] = {
    "stations": ("Laegeknap stations", (CLIENT,)), "services": ("Laegeknap services", (SERVER, CLIENT, SIGNING)),
}  # fmt: skip
_ROOT_YEARS = 30
INTERMEDIATE_YEARS = 15
_LONG_AGO = timedelta(days=30)


@dataclass(frozen=True)
class PublicTrust:
    """What anybody may know: the roots, and what a code file pins."""

    roots: tuple[x509.Certificate, ...]
    root_sha256: str


def open_authority(directory: Path, clock: Clock) -> CertificateAuthority:
    """The authority in `directory`, made there when the directory is absent or empty.

    AuthorityUnusable when it is there in part, its files do not belong together, or a key is open to others: a new
    authority is never put in place of a damaged one, because every station would be locked out.
    """
    try:
        make_if_absent(directory, clock)
        return CertificateAuthority(load(directory), clock)
    except OSError as error:
        raise AuthorityUnusable(f"{directory}: {error.strerror or error}") from error


def make_if_absent(directory: Path, clock: Clock) -> None:
    """An authority of the embedded kind: its root's key stays here until `region ca offline` takes it away."""
    if not directory.exists() or not any(directory.iterdir()):
        create(directory, clock, new_root(clock), keep_root_key=True)


def public_trust(directory: Path) -> PublicTrust:
    """Read without any key; AuthorityUnusable when there is no authority yet."""
    try:
        roots = tuple(x509.load_pem_x509_certificates((directory / "root.pem").read_bytes()))
        services = x509.load_pem_x509_certificate((directory / "services.pem").read_bytes())
    except (OSError, ValueError) as error:
        raise AuthorityUnusable(
            f"{directory} holds no authority yet: region serve or region ca init makes it"
        ) from error
    return PublicTrust(roots, pinned(roots, services))


def keep_public(directory: Path, chain: Sequence[x509.Certificate]) -> None:
    """Keep what `public_trust` reads of an authority that is elsewhere; nothing where there is one with its keys."""
    if (directory / "services-key.pem").exists():
        return
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    named = {
        name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, said)]) for name, (said, _) in INTERMEDIATES.items()
    }
    kept = {
        "root.pem": [one for one in chain if one.subject not in named.values()],
        "services.pem": [one for one in chain if one.subject == named["services"]],
    }
    for name, some in kept.items():
        part = directory / f".{name}.part"
        part.unlink(missing_ok=True)
        write(part, b"".join(one.public_bytes(Encoding.PEM) for one in some), 0o644)
        part.replace(directory / name)


def new_root(clock: Clock, name: str = ROOT_NAME) -> Issuer:
    """A root that has signed nothing yet."""
    period = certificates.validity(clock.wall(), timedelta(days=_ROOT_YEARS * 365), _LONG_AGO)
    return certificates.root(name, period)


def create(directory: Path, clock: Clock, root: Issuer, *, keep_root_key: bool) -> None:
    """A new authority under this root: in a directory beside it, then one rename."""
    with _made_anew(directory) as making:
        period = certificates.validity(clock.wall(), timedelta(days=INTERMEDIATE_YEARS * 365), _LONG_AGO)
        write(making / "root.pem", root.certificate.public_bytes(Encoding.PEM), 0o644)
        if keep_root_key:
            write(making / "root-key.pem", key_pem(root.key))
        for name, (common_name, usages) in INTERMEDIATES.items():
            _write_issuer(making, name, certificates.intermediate(common_name, period, root, usages))


def load(directory: Path) -> Held:
    """What the online half holds; AuthorityUnusable when it does not belong together."""
    try:
        roots = tuple(x509.load_pem_x509_certificates((directory / "root.pem").read_bytes()))
    except ValueError as error:
        raise AuthorityUnusable(f"{directory}: root is damaged") from error
    if (directory / "root-key.pem").exists():
        load_issuer(directory, "root")
    stations, services = (load_issuer(directory, name) for name in INTERMEDIATES)
    names = [f"previous-{name}" for name in INTERMEDIATES if (directory / f"previous-{name}.pem").exists()]
    previous = tuple(load_issuer(directory, name) for name in names)
    for child in (stations, services, *previous):
        if not any(signed_by(child.certificate, root) for root in roots):
            raise AuthorityUnusable(f"{directory}: its certificates do not belong together")
    return Held(roots, stations, services, previous)


def load_issuer(directory: Path, name: str) -> Issuer:
    """One certificate with its key, held to belong together and to be nobody else's."""
    try:
        certificate = x509.load_pem_x509_certificate((directory / f"{name}.pem").read_bytes())
    except ValueError as error:
        raise AuthorityUnusable(f"{directory}: {name} is damaged") from error
    key = _load_key(directory / f"{name}-key.pem", name)
    if _public(key.public_key()) != _public(certificate.public_key()):
        raise AuthorityUnusable(f"{directory}: the key of {name} is not its certificate's")
    return Issuer(certificate, key)


def take_root_offline(directory: Path) -> Issuer:
    """The root with its key, for whoever exports it; `forget_root_key` then removes it here."""
    if not (directory / "root-key.pem").exists():
        raise AuthorityUnusable(f"{directory}: the root's key is not here: it has been taken offline already")
    return load_issuer(directory, "root")


def forget_root_key(directory: Path) -> None:
    """Overwrite and remove the root's key. On flash memory a copy may survive: best is `region ca init` elsewhere."""
    path = directory / "root-key.pem"
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    sync(directory)


# --- another intermediate ---


def begin_rotation(
    directory: Path, name: str, now: float, *, at_once: bool, root: x509.Certificate | None = None
) -> bytes:  # fmt: skip
    """Make the key of the next intermediate, and give the request (PKCS #10, PEM) for the offline root to sign.

    What could not be put in force now is refused here, before anybody carries a request to the root; `root` is the one
    that is to sign, where that is known already.
    """
    _check_overlap(directory, name, now, at_once=at_once)
    if root is not None:
        _check_order(directory, name, root)
    path = directory / f"next-{name}-key.pem"
    if path.exists():  # asked for again: the same key
        key = _load_key(path, name)
    else:
        key = certificates.new_key()
        write(path, key_pem(key))
        sync(directory)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, INTERMEDIATES[name][0])])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def finish_rotation(directory: Path, name: str, certificate: x509.Certificate, now: float, *, at_once: bool) -> None:
    """Put the next intermediate in force; the present one becomes the previous one, or is dropped `at_once`.

    Each step can be done again after a power cut: the certificate's file is replaced last, and a key and certificate
    that do not belong together are told apart by `load`.
    """
    path = directory / f"next-{name}-key.pem"
    if not path.exists():
        raise AuthorityUnusable(f"no next key for {name} waits here: begin with region ca rotate {name} --request FILE")
    key = _load_key(path, name)
    roots = x509.load_pem_x509_certificates((directory / "root.pem").read_bytes())
    if _public(certificate.public_key()) != _public(key.public_key()):
        raise AuthorityUnusable("this certificate is for another key than the one that waits here")
    if not any(signed_by(certificate, root) for root in roots):
        raise AuthorityUnusable("this certificate is not signed by a root of this authority")
    _check_order(directory, name, certificate)
    _check_overlap(directory, name, now, at_once=at_once)
    present = load_issuer(directory, name)
    with _beside(directory) as making:
        shutil.copytree(directory, making, dirs_exist_ok=True)
        making.chmod(0o700)
        for old in making.glob(f"previous-{name}*.pem"):
            old.unlink()
        for old in (making / f"next-{name}-key.pem", making / f"{name}.pem", making / f"{name}-key.pem"):
            old.unlink()
        if not at_once:
            _write_issuer(making, f"previous-{name}", present)
        _write_issuer(making, name, Issuer(certificate, key))
        swap(making, directory)


def add_root(directory: Path, new: x509.Certificate, crossed: x509.Certificate) -> None:
    """Trust a new root beside the old: stations learn it at their renewal, by the old one's signature on it."""
    path = directory / "root.pem"
    roots = x509.load_pem_x509_certificates(path.read_bytes())
    if not any(signed_by(crossed, root) for root in roots) or _public(crossed.public_key()) != _public(
        new.public_key()
    ):
        raise AuthorityUnusable("the new root is not vouched for by a root of this authority")
    bundle = b"".join(one.public_bytes(Encoding.PEM) for one in (new, *roots, crossed))
    part = directory / ".root.pem.part"
    part.unlink(missing_ok=True)
    write(part, bundle, 0o644)
    part.replace(path)
    sync(directory)


def restore(directory: Path, files: dict[str, bytes]) -> None:
    """Put a backup's files in place, whole or not at all; they have to belong together."""
    with _made_anew(directory) as making:
        for name, content in files.items():
            write(making / name, content)
        load(making)


@contextmanager
def _made_anew(directory: Path) -> Iterator[Path]:
    """A directory to fill, which takes its place when it is whole; AuthorityUnusable where there is one already."""
    if directory.exists() and any(directory.iterdir()):
        raise AuthorityUnusable(f"{directory} is there already; an authority is never put in place of another")
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _beside(directory) as making:
        yield making
        sync(making)
        making.rename(directory)
        sync(directory.parent)


@contextmanager
def _beside(directory: Path) -> Iterator[Path]:
    """A directory (mode 0700) on the same disk, of which nothing stays if what is done with it fails."""
    making = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}-"))
    try:
        yield making
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise


def swap(making: Path, directory: Path) -> None:
    """Put one whole directory in another's place. The gap between two renames is closed at the next `mend`."""
    for path in making.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync(making)
    aside = directory.with_name(f".{directory.name}-replaced")
    if aside.exists():
        shutil.rmtree(aside)
    directory.rename(aside)
    making.rename(directory)
    sync(directory.parent)
    shutil.rmtree(aside)


def mend(directory: Path) -> None:
    """A power cut in the middle of `swap` left no authority: the one before is put back."""
    aside = directory.with_name(f".{directory.name}-replaced")
    if aside.exists() and not directory.exists():
        aside.rename(directory)
        sync(directory.parent)


def _check_order(directory: Path, name: str, certificate: x509.Certificate) -> None:
    """Code files pin the root of `services`: who comes in by one takes nothing of an older root, the other way it does.

    `certificate`: the next one of that name, or the root that is to sign it.
    """
    if name != "services":
        return
    newest_first = x509.load_pem_x509_certificates((directory / "root.pem").read_bytes())
    present = load_issuer(directory, "stations").certificate
    ages = [
        next((age for age, root in enumerate(newest_first) if signed_by(one, root)), 0)
        for one in (certificate, present)
    ]
    if ages[0] < ages[1]:
        raise AuthorityUnusable(
            "stations is of an older root than this one, and no new station could come in: change stations first"
        )


def _check_overlap(directory: Path, name: str, now: float, *, at_once: bool) -> None:
    """Two changes within the life of a certificate would cut off those who have not heard of the first."""
    if at_once or not (directory / f"previous-{name}.pem").exists():
        return
    present = load_issuer(directory, name).certificate
    since = present.not_valid_before_utc.timestamp() + _LONG_AGO.total_seconds()
    if now - since < timedelta(days=STATION_DAYS).total_seconds():
        raise AuthorityUnusable(
            f"{name} was changed less than {STATION_DAYS} days ago and certificates of the one before still count; "
            "wait, or drop the present one with --at-once"
        )


def _write_issuer(directory: Path, name: str, issuer: Issuer) -> None:
    write(directory / f"{name}-key.pem", key_pem(issuer.key))
    write(directory / f"{name}.pem", issuer.certificate.public_bytes(Encoding.PEM), 0o644)


def _load_key(path: Path, name: str) -> ec.EllipticCurvePrivateKey:
    if path.stat().st_mode & 0o077:
        raise AuthorityUnusable(f"{path}: others may read the key; make it 0600 and consider it known")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AuthorityUnusable(f"{path.parent}: {name} is damaged") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityUnusable(f"{path.parent}: the key of {name} is not one of ours")
    return key


def _public(key: object) -> bytes:
    public: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return public


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """A new file, durable."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(directory: Path) -> None:
    """Make what happened in a directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
