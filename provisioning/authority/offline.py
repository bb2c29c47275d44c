"""What stays offline: the root's key in a file that a passphrase opens, and what is done with it. No network, no state.

A root file is two PEM blocks: the root's certificate, and its key as encrypted PKCS #8. A backup is one file: a line of
JSON that says how it is locked (scrypt, AES-256-GCM), and what is locked.
"""

from __future__ import annotations

import base64
import json
import os
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from messaging.clock import Clock
from provisioning.authority import certificates
from provisioning.authority.certificates import Issuer
from provisioning.authority.errors import AuthorityUnusable, KeyRefused, MalformedRequest, WrongPassphrase
from provisioning.authority.vault import INTERMEDIATE_YEARS, INTERMEDIATES, write

SHORTEST_PASSPHRASE = 12
_COST = {"n": 2**15, "r": 8, "p": 1}
_FORMAT = "laegeknap-ca-backup-1"
_LONG_AGO = timedelta(days=30)


def write_root(path: Path, root: Issuer, passphrase: str) -> None:
    """Export a root; the file must not be there yet, and is read back before this returns."""
    _check(passphrase)
    locked = root.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))
    write(path, root.certificate.public_bytes(Encoding.PEM) + locked)
    read_root(path, passphrase)


def read_root(path: Path, passphrase: str) -> Issuer:
    """The root in a file; WrongPassphrase or AuthorityUnusable."""
    content = path.read_bytes()
    try:
        certificate = x509.load_pem_x509_certificate(content)
        locked = content[content.index(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") :]
    except ValueError as error:
        raise AuthorityUnusable(f"{path} is no root file of ours") from error
    try:
        key = load_pem_private_key(locked, passphrase.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise WrongPassphrase(f"{path}: this is not its passphrase") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise AuthorityUnusable(f"{path}: its key is not its certificate's")
    return Issuer(certificate, key)


def sign_intermediate(root: Issuer, name: str, request_pem: bytes, clock: Clock) -> x509.Certificate:
    """The certificate for the key in `region ca rotate --request`'s file; of the request only its key is taken."""
    try:
        request = x509.load_pem_x509_csr(request_pem)
        key, proven = request.public_key(), request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise MalformedRequest("not a request of region ca rotate") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1) or not proven:
        raise KeyRefused("the request must be for an EC P-256 key and signed with it")
    common_name, usages = INTERMEDIATES[name]
    asked = request.subject.rfc4514_string()
    if asked != f"CN={common_name}":
        raise MalformedRequest(f"the request is for {asked}, not for {common_name}")
    period = certificates.validity(clock.wall(), timedelta(days=INTERMEDIATE_YEARS * 365), _LONG_AGO)
    if period.ends > root.certificate.not_valid_after_utc:
        period = certificates.Validity(period.begins, root.certificate.not_valid_after_utc)
    return certificates.sign_intermediate(common_name, key, period, root, usages)


def lock_up(files: dict[str, bytes], passphrase: str) -> bytes:
    """A backup of these files."""
    _check(passphrase)
    salt, nonce = os.urandom(16), os.urandom(12)
    head = {"format": _FORMAT, **_COST, "salt": _text(salt), "nonce": _text(nonce)}
    first = json.dumps(head).encode() + b"\n"
    plain = json.dumps({name: _text(content) for name, content in files.items()}).encode()
    return first + AESGCM(_key(passphrase, salt)).encrypt(nonce, plain, first)


def unlock(backup: bytes, passphrase: str) -> dict[str, bytes]:
    """The files of a backup; WrongPassphrase, or AuthorityUnusable when it is none or has been changed."""
    first, newline, locked = backup.partition(b"\n")
    try:
        head = json.loads(first)
        known = head["format"] == _FORMAT and all(head[name] == value for name, value in _COST.items())
        salt, nonce = base64.b64decode(head["salt"]), base64.b64decode(head["nonce"])
    except (ValueError, KeyError, TypeError) as error:
        raise AuthorityUnusable("this is no backup of an authority") from error
    if not known or not newline:
        raise AuthorityUnusable("this backup is of a kind that this version does not read")
    try:
        plain = AESGCM(_key(passphrase, salt)).decrypt(nonce, locked, first + newline)
    except (InvalidTag, ValueError) as error:
        raise WrongPassphrase("this is not the backup's passphrase, or the backup is damaged") from error
    files = {str(name): base64.b64decode(content) for name, content in json.loads(plain).items()}
    if any("/" in name or name in ("", ".", "..") for name in files):
        raise AuthorityUnusable("this backup names files elsewhere")
    return files


def _check(passphrase: str) -> None:
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise WrongPassphrase(
            f"a passphrase of at least {SHORTEST_PASSPHRASE} characters, please: best, six random words"
        )


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, **_COST).derive(passphrase.encode())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
