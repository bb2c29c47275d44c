"""What the region says to one station, so that nobody else can have said it: a signed word.

A word is a JWS in compact form (RFC 7515), `header.payload.signature`, base64url without padding. The header is
exactly `{"alg": "ES256", "typ": "laegeknap+jws", "x5c": [...]}`: nothing about how to check a word is the word's to
choose. `x5c` holds the signer's certificate and what leads from it to, and without, a root that the station has pinned.
The signer is known by its usage, code signing and nothing else (RFC 5280, 4.2.1.12), which is allowed all the way up:
no station's, server's or client's certificate can sign. The payload is a `Word`. On MQTT it travels in an envelope:
`carry`, `carried`.

The signer's certificate is judged at the moment the word was `issued`, so a word that the broker retains stays good
when its signer has been replaced. What is older than what was taken is for the reader to refuse, by version or id.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from messaging.codec import Form, Length, Range, decode, encode
from messaging.command import CID, LONGEST_S, CommandType
from messaging.envelope import parse_json
from messaging.errors import (
    AlteredWord,
    ExpiredWord,
    ForeignWord,
    MalformedMessage,
    MessageError,
    OversizedMessage,
    Unsigned,
)
from messaging.topics import STATION_ID

TYPE: Final = "laegeknap+jws"
SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
MOST_BYTES = 63 * 1024  # of the whole, so that it fits in an envelope of 64
MOST_CLAIMS = 40 * 1024  # of the payload's JSON, which base64 makes a third longer
MOST_CHAIN = 3
CLOCK_TOLERANCE_S = 300.0
_LATEST = 2.0**40
_HALF = 32  # bytes of each of a P-256 signature's two numbers
_BASE64URL = re.compile(rb"[A-Za-z0-9_-]+")
_UNDERSTOOD = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage)

Kind = Literal["desired", "command"]
Cid = Annotated[str, Length(16), Form(re.compile(CID).fullmatch, "expected a command's id")]


@dataclass(frozen=True)
class Word:
    """What is said. Times are Unix seconds. A desired config has a version; a command an id, a type and an end.

    `body` is plain JSON: `{"config": ...}`, or the order's fields. MalformedMessage when it is neither of the two.
    """

    kind: Kind
    station: Annotated[str, Length(40)]
    issued: Annotated[float, Range(0, _LATEST)]
    body: Annotated[dict[str, Any], Length(64)]
    expires: Annotated[float, Range(0, _LATEST)] | None = None
    version: Annotated[int, Range(1, 2**53)] | None = None
    cid: Cid | None = None
    type: CommandType | None = None

    def __post_init__(self) -> None:
        if not STATION_ID.fullmatch(self.station):
            raise MalformedMessage("Word.station: not a station id")
        is_command = self.kind == "command"
        if (self.version is None) is not is_command:
            raise MalformedMessage("Word.version: a desired config has one, and nothing else")
        if {self.cid is not None, self.type is not None} != {is_command}:
            raise MalformedMessage("Word.cid, Word.type: a command has both, and nothing else")
        if is_command and self.expires is None:
            raise MalformedMessage("Word.expires: a command has an end")
        if self.expires is not None and not self.issued < self.expires <= self.issued + LONGEST_S:
            raise MalformedMessage("Word.expires: not within a week after it was issued")


class Signer(Protocol):
    """Whoever signs for the region; AuthorityError when it does not or is away."""

    async def sign(self, words: Sequence[Word]) -> list[bytes]:
        """The words, signed, in their order. They are dated now."""


@dataclass(frozen=True)
class _Header:
    alg: Literal["ES256"]
    typ: Literal["laegeknap+jws"]
    x5c: Annotated[tuple[Annotated[str, Length(8192)], ...], Length(MOST_CHAIN)]


# --- how it travels ---


def carry(jws: bytes) -> dict[str, Any]:
    """An envelope's data for this word."""
    return {"jws": jws.decode("ascii")}


def carried(data: dict[str, Any]) -> bytes:
    """The word in an envelope's data; Unsigned when there is none, and nothing beside it counts."""
    jws = data.get("jws")
    if not isinstance(jws, str) or not jws.isascii():
        raise Unsigned("nothing signed was sent")
    return jws.encode("ascii")


# --- signing: pure, save for the signature's own random number ---


def header_of(chain: Sequence[x509.Certificate]) -> bytes:
    """The header of every word of this signer, base64url. `chain`: its certificate, and those up to a root's."""
    x5c = tuple(base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in chain)
    return _base64url(json.dumps(encode(_Header("ES256", TYPE, x5c)), separators=(",", ":")).encode())


def claims(word: Word) -> bytes:
    """The payload's JSON; OversizedMessage or MalformedMessage when no station would take it."""
    try:
        text = json.dumps(encode(word), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise MalformedMessage("Word.body: not plain JSON") from error
    parse_json(text, MOST_CLAIMS)
    return text


def sealed(word: Word, header: bytes) -> bytes:
    """What is signed: the header (of `header_of`) and the payload; errors as of `claims`."""
    return header + b"." + _base64url(claims(word))


def assembled(signing_input: bytes, signature: bytes) -> bytes:
    """The JWS of what was signed and its ECDSA signature, DER."""
    numbers = decode_dss_signature(signature)
    return signing_input + b"." + _base64url(b"".join(number.to_bytes(_HALF, "big") for number in numbers))


def written(word: Word, key: ec.EllipticCurvePrivateKey, header: bytes) -> bytes:
    """The word, signed with a P-256 key whose certificate is the header's first; errors as of `claims`."""
    signing_input = sealed(word, header)
    return assembled(signing_input, key.sign(signing_input, ec.ECDSA(hashes.SHA256())))


# --- reading ---


def read_word(
    payload: bytes, *, kind: Kind, station: str, roots: Sequence[x509.Certificate], wall: float, clock_trusted: bool
) -> Word:
    """The word of this kind for this station, by a signer below one of `roots`; a MessageError otherwise.

    Unsigned, ForeignWord, AlteredWord and ExpiredWord say what is wrong; none repeats what was sent. A clock that is
    not trusted judges nothing: `expires` and an `issued` in the future are then for the reader to weigh.
    """
    if len(payload) > MOST_BYTES:
        raise OversizedMessage(f"{len(payload)} bytes; at most {MOST_BYTES} are taken")
    signing_input, header, text, signature = _parts(payload)
    path = _path(_chain(header), roots)
    _check_signature(path[0], signing_input, signature)
    word = decode(Word, parse_json(text, MOST_BYTES))
    if word.kind != kind:
        raise ForeignWord("signed for another purpose")
    if word.station != station:
        raise ForeignWord("signed for another station")
    _check_times(word, path, wall if clock_trusted else None)
    return word


def _parts(payload: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """What was signed, the header's JSON, the payload's JSON, and the signature as two numbers side by side."""
    parts = payload.split(b".")
    if len(parts) != 3:
        raise Unsigned("not a signed word")
    header, text, signature = (_plain(part) for part in parts)
    if len(signature) != 2 * _HALF:
        raise Unsigned("the signature is not one of ES256")
    return parts[0] + b"." + parts[1], header, text, signature


def _chain(header: bytes) -> tuple[x509.Certificate, ...]:
    try:
        data = parse_json(header, MOST_BYTES)
        read = decode(_Header, data)
    except MessageError as error:
        raise Unsigned("the header is not one of ours") from error
    if set(data) != {"alg", "typ", "x5c"} or not read.x5c:
        raise Unsigned("the header is not one of ours")
    try:
        return tuple(x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in read.x5c)
    except (binascii.Error, ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise Unsigned("the signer's certificate cannot be read") from error


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
    raise ForeignWord("the signer's certificate leads to no root that this station trusts")


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
        raise ForeignWord("the signer's certificate does not say what it is for") from error
    if not fit:
        raise ForeignWord("the signer's certificate is not one for signing words")


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
        raise ForeignWord("the signer's key is not one of ES256")
    first, second = (int.from_bytes(half, "big") for half in (signature[:_HALF], signature[_HALF:]))
    try:
        key.verify(encode_dss_signature(first, second), signing_input, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise AlteredWord("what was sent is not what was signed") from error


def _check_times(word: Word, path: Sequence[x509.Certificate], wall: float | None) -> None:
    for one in path:
        if not one.not_valid_before_utc.timestamp() <= word.issued <= one.not_valid_after_utc.timestamp():
            raise ExpiredWord("signed outside the time of the signer's certificate")
    if wall is None:
        return
    if word.issued > wall + CLOCK_TOLERANCE_S:
        raise ExpiredWord("dated in the future")
    if word.expires is not None and word.expires < wall:
        raise ExpiredWord("its time has passed")


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _plain(part: bytes) -> bytes:
    """What this base64url stands for; Unsigned unless it is its one canonical form."""
    if not _BASE64URL.fullmatch(part):
        raise Unsigned("not a signed word")
    try:
        content = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise Unsigned("not a signed word") from error
    if _base64url(content) != part:
        raise Unsigned("not a signed word")
    return content
