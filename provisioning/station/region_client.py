"""Asks the region's enrolment endpoint, RFC 7030 shaped, over TLS that is pinned to the code file.

The station knows the SHA-256 of the region's root, not the root itself. So `fetch_trust` asks for `cacerts`, and for
nothing else, over TLS that is not verified yet; it keeps the one certificate whose hash is the pinned one and drops
what that root has not signed. Whoever sits in between can at most make this fail. Everything after that, above all the
code, travels over TLS verified with that root. Source: RFC 7030, 4.1.1 (bootstrap) and 3.2.3 (HTTP Basic).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import http.client
import io
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7
from cryptography.x509.oid import NameOID

from messaging.codec import decode
from messaging.diagnostics import DIAGNOSTICS_PATH, DIAGNOSTICS_TYPE
from messaging.enrolment import EST_PATH, CodeFile, EnrolmentRefusal
from messaging.envelope import parse_json
from messaging.errors import MessageError
from provisioning.station.egress import DIRECT, Egress, Streams
from provisioning.station.errors import BadAnswer, ClockNotSet, Refused, RegionNotTrusted, RegionUnreachable

_MOST_BYTES = 64 * 1024
_WITHIN_S = 15.0
_HANDED_IN_WITHIN_S = 60.0  # a quarter of a megabyte, by a line that barely carries a call
_NOT_YET_VALID = 9  # X509_V_ERR_CERT_NOT_YET_VALID
_REQUEST_HEADERS = {"Content-Type": "application/pkcs10", "Content-Transfer-Encoding": "base64"}
_LASTING = {  # the region's words that the same code file will meet again
    "wrong_code": True, "code_expired": True, "code_used": True, "station_barred": True, "too_many_tries": False,
    "unknown_key": True, "certificate_needed": False, "foreign_certificate": True, "renewal_too_late": True,
    "not_asked_for": True, "oversized_request": True, "malformed_request": True,
}  # fmt: skip
_BY_STATUS = {401: "wrong_code", 403: "station_barred", 409: "code_used", 410: "code_expired", 429: "too_many_tries"}


@dataclass(frozen=True)
class Trust:
    """The region's roots (when enrolling: the one that the code file pins), and the authorities below (`_below`)."""

    roots: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]

    @property
    def root_pem(self) -> bytes:
        """The roots alone, PEM: what broker and region are held to."""
        return pem_of(self.roots)


@dataclass(frozen=True)
class Shown:
    """The certificate (with its intermediate) and key that are shown to the region; paths of PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Renewed:
    """A certificate followed by its intermediate, and the roots to trust from now on; PEM."""

    certificate_pem: bytes
    ca_pem: bytes


async def fetch_trust(url: str, ca_sha256: str, out: Egress = DIRECT) -> Trust:
    """The trust that is pinned by the root's SHA-256 (hexadecimal), or EnrolmentFailed."""
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE  # the answer is held to the pinned hash instead
    answer = await ask(url, unverified, "GET", "/cacerts", out=out)
    offered = _certificates(answer)
    root = next((one for one in offered if _sha256(one) == ca_sha256), None)
    if root is None:
        raise RegionNotTrusted("no certificate of this region has the hash that this station's card pins")
    return Trust((root,), _below((root,), offered))


async def enrol(code_file: CodeFile, trust: Trust, key: ec.EllipticCurvePrivateKey, out: Egress = DIRECT) -> bytes:
    """The station's certificate for this key, PEM, followed by its intermediate; EnrolmentFailed otherwise."""
    context = ssl.create_default_context(cadata=trust.root_pem.decode())
    credentials = base64.b64encode(f"{code_file.station}:{code_file.code}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", **_REQUEST_HEADERS}
    body = request(code_file.station, key)
    answer = await ask(code_file.url, context, "POST", "/simpleenroll", headers, body, out=out)
    return _own_chain(_certificates(answer), trust, key, code_file.station)


async def renew(
    station: str,
    url: str,
    roots: tuple[x509.Certificate, ...],
    key: ec.EllipticCurvePrivateKey,
    shown: Shown | None,
    out: Egress = DIRECT,
) -> Renewed:
    """The next certificate for the registered key, and the roots to trust from now on; EnrolmentFailed otherwise.

    `shown` is the certificate in force with its key, for mutual TLS; None when it has expired and would be refused.
    """
    context = ssl.create_default_context(cadata=pem_of(roots).decode())
    if shown is not None:
        context.load_cert_chain(shown.certificate, shown.key)
    trust = _learn(roots, _certificates(await ask(url, context, "GET", "/cacerts", out=out)))
    answer = await ask(url, context, "POST", "/simplereenroll", _REQUEST_HEADERS, request(station, key), out=out)
    return Renewed(_own_chain(_certificates(answer), trust, key, station), pem_of(trust.roots))


async def hand_in(
    cid: str, packed: bytes, url: str, roots: tuple[x509.Certificate, ...], shown: Shown, out: Egress = DIRECT
) -> None:  # fmt: skip
    """Give the region the diagnostics that it asked for by that command, over mutual TLS; EnrolmentFailed."""
    context = ssl.create_default_context(cadata=pem_of(roots).decode())
    context.load_cert_chain(shown.certificate, shown.key)
    path, headers = f"{DIAGNOSTICS_PATH.removeprefix(EST_PATH)}/{cid}", {"Content-Type": DIAGNOSTICS_TYPE}
    await ask(url, context, "POST", path, headers, packed, out, _HANDED_IN_WITHIN_S)


def _learn(roots: tuple[x509.Certificate, ...], offered: tuple[x509.Certificate, ...]) -> Trust:
    """What of the region's answer to believe: another root only if one that we trust has signed it (cross-signed).

    Source: RFC 7030, 4.1.3; RFC 4210, 4.4 (a new root's key, signed with the old one's).
    """
    vouched = {
        _public(one) for one in offered
        if one.subject != one.issuer and one.subject not in {root.subject for root in roots} and _may_sign_roots(one)
        and any(_signed_by(one, root) for root in roots)
    }  # fmt: skip
    news = tuple(
        one for one in offered
        if one not in roots and one.subject == one.issuer and _signed_by(one, one) and _public(one) in vouched
    )  # fmt: skip
    trusted = (*news, *roots)
    return Trust(trusted, _below(trusted, offered))


def _below(roots: tuple[x509.Certificate, ...], offered: tuple[x509.Certificate, ...]) -> tuple[x509.Certificate, ...]:
    """The authorities that these roots have signed, and those of a next root that they vouch for (cross-signed).

    So a station that comes in by a card of before, in the middle of a change of roots, takes what the next one signs.
    """
    vouched = (one for one in offered if _may_sign_roots(one) and any(_signed_by(one, root) for root in roots))
    issuers = {*roots, *vouched}
    return tuple(
        one for one in offered
        if one not in roots and one.subject != one.issuer and any(_signed_by(one, issuer) for issuer in issuers)
    )  # fmt: skip


def _may_sign_roots(certificate: x509.Certificate) -> bool:
    """A root as the old one vouches for it may have authorities below it; an intermediate of ours may not."""
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return basic.ca and basic.path_length != 0


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def request(station: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    """A certificate request in that name, PKCS #10, base64 DER."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, station)])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return base64.b64encode(made.public_bytes(Encoding.DER))


def pem_of(certificates: tuple[x509.Certificate, ...]) -> bytes:
    """Certificates, PEM, one after the other."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def _own_chain(
    answer: tuple[x509.Certificate, ...], trust: Trust, key: ec.EllipticCurvePrivateKey, station: str
) -> bytes:
    own = next((one for one in answer if one.public_key() == key.public_key()), None)
    if own is None:
        raise BadAnswer("the region's answer holds no certificate for this station's key")
    if own.subject != x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, station)]):
        raise BadAnswer("the region's certificate is in another station's name")
    issuer = next((one for one in (*trust.roots, *trust.intermediates) if _signed_by(own, one)), None)
    if issuer is None:
        raise BadAnswer("the region's certificate is not signed by an authority that this station trusts")
    return pem_of((own,) if issuer in trust.roots else (own, issuer))


def _certificates(answer: bytes) -> tuple[x509.Certificate, ...]:
    try:
        der = base64.b64decode(b"".join(answer.split()), validate=True)
        return tuple(pkcs7.load_der_pkcs7_certificates(der))
    except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
        raise BadAnswer("the region's answer is no PKCS #7 list of certificates") from error


def _sha256(certificate: x509.Certificate) -> str:
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


# --- HTTP over asyncio's TLS: one request, one answer of bounded size, within a bounded time ---


async def ask(
    url: str, context: ssl.SSLContext, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"",
    out: Egress = DIRECT,
    within_s: float = _WITHIN_S,
) -> bytes:  # fmt: skip
    """The body of the region's answer; EnrolmentFailed where it does not come or is a refusal."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    lines = {"Host": parts.netloc, "Connection": "close", "Content-Length": str(len(body)), **(headers or {})}
    head = f"{method} {parts.path.rstrip('/')}{EST_PATH}{path} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    try:
        async with asyncio.timeout(within_s):
            raw = await _exchange(await out.connect(host, port, context), head.encode() + body)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _NOT_YET_VALID:
            raise ClockNotSet("the region's certificate is not valid yet: is this station's clock right?") from error
        raise RegionNotTrusted(f"the region's certificate is not to be trusted: {error.verify_message}") from error
    except TimeoutError as error:
        raise RegionUnreachable(f"{host}:{port} gave no answer within {within_s:.0f} s") from error
    except (OSError, asyncio.IncompleteReadError) as error:
        raise RegionUnreachable(f"{host}:{port} cannot be reached: {error}") from error
    return _body(raw)


async def _exchange(streams: Streams, request: bytes) -> bytes:
    reader, writer = streams
    try:
        writer.write(request)
        answer = bytearray()
        while chunk := await reader.read(8192):
            answer += chunk
            if len(answer) > _MOST_BYTES:
                raise BadAnswer(f"the region's answer is longer than {_MOST_BYTES} bytes")
        return bytes(answer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


class _Received:
    """What http.client's parser asks of a socket."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._raw)


def _body(raw: bytes) -> bytes:
    response = http.client.HTTPResponse(cast("Any", _Received(raw)))
    try:
        response.begin()
        body = response.read()
    except (http.client.HTTPException, ValueError) as error:
        raise BadAnswer("the region's answer is not HTTP, or was cut off") from error
    if response.status == 200:
        return body
    if response.status >= 500:
        raise RegionUnreachable(f"the region is in trouble itself (HTTP {response.status})")
    code = _refusal_code(body) or _BY_STATUS.get(response.status)
    if code is None:
        raise BadAnswer(f"the region answers HTTP {response.status}")
    waiting = response.headers.get("Retry-After", "")
    retry_after_s = float(waiting) if waiting.isascii() and waiting.isdigit() and len(waiting) < 6 else 0.0
    raise Refused(code, lasting=_LASTING[code], retry_after_s=retry_after_s)


def _refusal_code(body: bytes) -> str | None:
    try:
        code = decode(EnrolmentRefusal, parse_json(body)).code
    except MessageError:
        return None
    return code if code in _LASTING else None
