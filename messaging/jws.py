"""Signed JSON by which the region's authority speaks: JWS in compact form (RFC 7515), held to one shape.

`header.payload.signature`, base64url without padding. The header is exactly `{"alg": "ES256", "typ": ..., "x5c": []}`:
nothing about how to check it is the sender's to choose, and the reader says which `typ` it expects. `x5c` holds the
signer's certificate and what leads from it to, and without, a root that the reader has pinned. The signer is known by
its usage, code signing and nothing else (RFC 5280, 4.2.1.12), which is allowed all the way up: no station's, server's
or client's certificate can sign. Whether the certificates counted at a time is the reader's to ask: `Signed.held`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from messaging.codec import Length, decode, encode
from messaging.envelope import parse_json
from messaging.errors import AlteredWord, ForeignWord, MessageError, OversizedMessage, Unsigned
from messaging.reasons import say

SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
MOST_BYTES: Final = 63 * 1024  # of the whole, so that it fits in an envelope of 64
MOST_CHAIN = 3
_HALF = 32  # bytes of each of a P-256 signature's two numbers
_BASE64URL = re.compile(rb"[A-Za-z0-9_-]+")
_UNDERSTOOD = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage)


@dataclass(frozen=True)
class Signed:
    """What was signed (JSON, not yet judged), and the certificates from its signer to the root."""

    text: bytes
    path: tuple[x509.Certificate, ...]

    def held(self, at: float) -> bool:
        """Whether every certificate of the path counted at that moment, Unix seconds."""
        return all(
            one.not_valid_before_utc.timestamp() <= at <= one.not_valid_after_utc.timestamp() for one in self.path
        )


@dataclass(frozen=True)
class _Header:
    alg: Literal["ES256"]
    typ: Annotated[str, Length(32)]
    x5c: Annotated[tuple[Annotated[str, Length(8192)], ...], Length(MOST_CHAIN)]


# --- signing: pure, save for the signature's own random number ---


def header_of(chain: Sequence[x509.Certificate], typ: str) -> bytes:
    """The header of all that this signer signs of one type, base64url. `chain`: its certificate, and up to a root's."""
    x5c = tuple(base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in chain)
    return base64url(json.dumps(encode(_Header("ES256", typ, x5c)), separators=(",", ":")).encode())


def assembled(signing_input: bytes, signature: bytes) -> bytes:
    """The JWS of what was signed and its ECDSA signature, DER."""
    numbers = decode_dss_signature(signature)
    return signing_input + b"." + base64url(b"".join(number.to_bytes(_HALF, "big") for number in numbers))


def written(header: bytes, text: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """This JSON, signed with a P-256 key whose certificate is the header's first."""
    signing_input = header + b"." + base64url(text)
    return assembled(signing_input, key.sign(signing_input, ec.ECDSA(hashes.SHA256())))


# --- reading ---


def read(payload: bytes, typ: str, roots: Sequence[x509.Certificate]) -> Signed:
    """What a signer below one of `roots` has signed as this type; a MessageError otherwise, without its content."""
    if len(payload) > MOST_BYTES:
        raise OversizedMessage(f"{len(payload)} bytes; at most {MOST_BYTES} are taken")
    signing_input, header, text, signature = _parts(payload)
    path = _path(_chain(header, typ), roots)
    _check_signature(path[0], signing_input, signature)
    return Signed(text, path)


def base64url(content: bytes) -> bytes:
    """RFC 7515, 2: base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _parts(payload: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """What was signed, the header's JSON, the payload's JSON, and the signature as two numbers side by side."""
    parts = payload.split(b".")
    if len(parts) != 3:
        raise Unsigned(say("no_word"))
    header, text, signature = (_plain(part) for part in parts)
    if len(signature) != 2 * _HALF:
        raise Unsigned(say("signature"))
    return parts[0] + b"." + parts[1], header, text, signature


def _chain(header: bytes, typ: str) -> tuple[x509.Certificate, ...]:
    try:
        data = parse_json(header, MOST_BYTES)
        said = decode(_Header, data)
    except MessageError as error:
        raise Unsigned(say("header")) from error
    if set(data) != {"alg", "typ", "x5c"} or said.typ != typ or not said.x5c:
        raise Unsigned(say("header"))
    try:
        return tuple(x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in said.x5c)
    except (binascii.Error, ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise Unsigned(say("unread_signer")) from error


def _path(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """From the signer to one of the roots, each issued by the next and each fit for it; ForeignWord when none leads."""
    for place, one in enumerate(chain):
        above = chain[place + 1 : place + 2]
        root = next((root for root in roots if _issued(root, one)), None)
        if root is not None:
            path = (*chain[: place + 1], root)
            _check_fitness(path)
            return path
        if not above or not _issued(above[0], one):
            break
    raise ForeignWord(say("strange_signer"))


def _issued(issuer: x509.Certificate, one: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check_fitness(path: Sequence[x509.Certificate]) -> None:
    try:
        fit = _is_signer(path[0]) and all(_is_authority(one, below) for below, one in enumerate(path[1:]))
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise ForeignWord(say("vague_signer")) from error
    if not fit:
        raise ForeignWord(say("no_signer"))


def _is_signer(one: x509.Certificate) -> bool:
    basic, use = _extensions(one)
    usages = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return not basic.ca and use.digital_signature and list(usages) == [SIGNING]


def _is_authority(one: x509.Certificate, below: int) -> bool:
    """Whether it may stand above `below` other authorities and a signer."""
    basic, use = _extensions(one)
    reaches = basic.path_length is None or basic.path_length >= below
    usages = [each.value for each in one.extensions if isinstance(each.value, x509.ExtendedKeyUsage)]
    return basic.ca and reaches and use.key_cert_sign and all(SIGNING in each for each in usages)


def _extensions(one: x509.Certificate) -> tuple[x509.BasicConstraints, x509.KeyUsage]:
    """What every certificate of ours says of itself; ValueError if something critical is not understood."""
    if any(each.critical and not isinstance(each.value, _UNDERSTOOD) for each in one.extensions):
        raise ValueError("a critical extension that is not understood")
    basic = one.extensions.get_extension_for_class(x509.BasicConstraints).value
    return basic, one.extensions.get_extension_for_class(x509.KeyUsage).value


def _check_signature(signer: x509.Certificate, signing_input: bytes, signature: bytes) -> None:
    key = signer.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ForeignWord(say("signer_key"))
    first, second = (int.from_bytes(half, "big") for half in (signature[:_HALF], signature[_HALF:]))
    try:
        key.verify(encode_dss_signature(first, second), signing_input, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise AlteredWord(say("altered")) from error


def _plain(part: bytes) -> bytes:
    """What this base64url stands for; Unsigned unless it is its one canonical form."""
    if not _BASE64URL.fullmatch(part):
        raise Unsigned(say("no_word"))
    try:
        content = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise Unsigned(say("no_word")) from error
    if base64url(content) != part:
        raise Unsigned(say("no_word"))
    return content
