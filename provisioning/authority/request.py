"""A station's certificate request, read strictly: it carries a key and the proof of having it, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provisioning.authority.errors import KeyRefused, MalformedRequest, OversizedRequest, TooMuchAsked

MAX_DER = 4096  # a P-256 request takes some 250 bytes
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


@dataclass(frozen=True)
class StationRequest:
    """A request that passed: its P-256 public key, and that key's name (SHA-256 of SubjectPublicKeyInfo, hex)."""

    key: ec.EllipticCurvePublicKey
    key_sha256: str


def read_request(der: bytes) -> StationRequest:
    """Check a PKCS #10 request, DER, or raise RequestRefused.

    The subject is not looked at: the name comes from the registry. Attributes (requested extensions, alternative
    names, a challenge password) are refused rather than dropped, so that nobody believes to have got them.
    """
    if len(der) > MAX_DER:
        raise OversizedRequest(f"request of {len(der)} bytes; at most {MAX_DER} are taken")
    try:
        request = x509.load_der_x509_csr(der)
        key = request.public_key()
        signed_with = request.signature_hash_algorithm
        proven = request.is_signature_valid
        asked = any(True for _ in request.attributes)
    except UnsupportedAlgorithm as error:
        raise KeyRefused("a kind of key or signature that is not taken") from error
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise MalformedRequest("not a PKCS #10 request") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyRefused("the key must be EC P-256")
    if not isinstance(signed_with, _HASHES) or not proven:
        raise KeyRefused("the request is not signed with its key, or with a weak hash")
    if asked:
        raise TooMuchAsked("a station's certificate takes no extensions, alternative names or other attributes")
    return StationRequest(key, key_name(key))


def key_name(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of the key's SubjectPublicKeyInfo, hex."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
