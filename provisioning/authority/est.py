"""RFC 7030's encodings, as the enrolment endpoint speaks them; the paths stand in `messaging.enrolment`.

GET  .../cacerts       -> CERTIFICATES: base64 PKCS #7, certificates only
POST .../simpleenroll  <- REQUEST: base64 PKCS #10, HTTP Basic (station, code)
                       -> CERTIFICATES
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from provisioning.authority.errors import MalformedRequest, OversizedRequest
from provisioning.authority.request import MAX_DER

CERTIFICATES_TYPE = "application/pkcs7-mime; smime-type=certs-only"
TRANSFER_ENCODING = "base64"  # header Content-Transfer-Encoding
MAX_BODY = MAX_DER * 3 // 2
MAX_CREDENTIALS = 256


def decode_request(body: bytes) -> bytes:
    """The DER of a request's body, or RequestRefused. Line breaks in the base64 are taken, anything else not."""
    if len(body) > MAX_BODY:
        raise OversizedRequest(f"body of {len(body)} bytes; at most {MAX_BODY} are taken")
    try:
        der = base64.b64decode(b"".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedRequest("the body is not base64") from error
    if not der:
        raise MalformedRequest("the body is empty")
    return der


def encode_certificates(certificates: Sequence[x509.Certificate]) -> bytes:
    """Certificates as a response's body (a set: the receiver finds its own by the key)."""
    return base64.encodebytes(pkcs7.serialize_certificates(list(certificates), Encoding.DER))


def read_credentials(authorization: str | None) -> tuple[str, str]:
    """(station, code) of an `Authorization: Basic` header, or MalformedRequest. Nothing of it is repeated in errors."""
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        raise MalformedRequest("HTTP Basic credentials are needed")
    if len(value) > MAX_CREDENTIALS:
        raise OversizedRequest("credentials too long")
    try:
        station, colon, code = base64.b64decode(value.strip(), validate=True).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        raise MalformedRequest("the credentials are not HTTP Basic") from None
    if not colon:
        raise MalformedRequest("the credentials are not HTTP Basic")
    return station, code
