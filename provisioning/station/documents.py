"""Small files of the state directory: JSON documents and keys, and what a failing disk is called."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from messaging.codec import decode, encode
from messaging.envelope import parse_json
from messaging.errors import MessageError
from provisioning.station.errors import StateUnusable

T = TypeVar("T")
_MOST_BYTES = 64 * 1024


def read_document(path: Path, kind: type[T]) -> T | None:
    """The document in that file, or None where there is no file; MessageError for a damaged one."""
    try:
        with path.open("rb") as file:
            return decode(kind, parse_json(file.read(_MOST_BYTES)))
    except FileNotFoundError:
        return None


def document(value: object) -> bytes:
    """A message type as a file's content."""
    return json.dumps(encode(value), indent=1).encode() + b"\n"


def new_key() -> bytes:
    """A new private key, EC P-256, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The private key in that file; StateUnusable if it is none of ours."""
    with guarded():
        key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise StateUnusable(f"{path} is not a key of ours")
    return key


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """StateUnusable for a disk or a file that is at fault."""
    try:
        yield
    except OSError as error:
        raise StateUnusable(f"{error.filename or 'state directory'}: {error.strerror or error}") from error
    except (MessageError, ValueError) as error:
        raise StateUnusable(f"a file in the state directory is damaged: {error}") from error
