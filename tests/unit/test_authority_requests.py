"""What comes over the wire to the authority: certificate requests, their encoding, credentials. All of it hostile."""

from __future__ import annotations

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7
from cryptography.x509.oid import AttributeOID, ExtendedKeyUsageOID
from hypothesis import example, given
from hypothesis import strategies as st

from provisioning.authority import est
from provisioning.authority.errors import (
    KeyRefused,
    MalformedRequest,
    OversizedRequest,
    RequestRefused,
    TooMuchAsked,
)
from provisioning.authority.request import key_name, read_request
from provisioning.authority.vault import open_authority
from tests.kits.clock import ManualClock
from tests.kits.trust.enrolment_store import Builder, make_request


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_an_honest_request_gives_its_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = read_request(make_request(key))
    assert request.key == key.public_key()
    assert request.key_sha256 == key_name(key.public_key())


def _with_san(builder: Builder) -> Builder:
    return builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("region.example")]), critical=False)


def _with_ca(builder: Builder) -> Builder:
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)


def _with_usage(builder: Builder) -> Builder:
    return builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)


def _with_password(builder: Builder) -> Builder:
    return builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, b"open sesame")


@pytest.mark.parametrize("extra", [_with_san, _with_ca, _with_usage, _with_password])
def test_a_request_for_more_than_a_name_is_refused(extra: object) -> None:
    with pytest.raises(TooMuchAsked):
        read_request(make_request(extra=extra))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ],
    ids=["P-384", "secp256k1", "RSA"],
)
def test_other_kinds_of_key_are_refused(key: object) -> None:
    with pytest.raises(KeyRefused):
        read_request(make_request(key))  # type: ignore[arg-type]


def test_an_edwards_key_is_refused() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    request = Builder().subject_name(x509.Name([])).sign(key, None)
    with pytest.raises(KeyRefused):
        read_request(request.public_bytes(Encoding.DER))


def test_a_weak_hash_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = Builder().subject_name(x509.Name([])).sign(key, hashes.SHA224())
    with pytest.raises(KeyRefused):
        read_request(request.public_bytes(Encoding.DER))


def test_a_request_signed_with_another_key_is_refused() -> None:
    own, anothers = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    points = [key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) for key in (own, anothers)]
    forged = make_request(own).replace(*points)
    assert x509.load_der_x509_csr(forged).public_key() == anothers.public_key(), "whole, save for the proof"
    with pytest.raises(KeyRefused):
        read_request(forged)


@given(st.integers(0, 10_000), st.integers(1, 255))
@example(position=7, change=1)  # the version, for which the library has an error that is no ValueError
def test_no_altered_request_passes_with_another_key(position: int, change: int) -> None:
    der = bytearray(_REQUEST)
    der[position % len(der)] ^= change
    try:
        passed = read_request(bytes(der))
    except RequestRefused:
        return
    assert passed.key_sha256 == read_request(_REQUEST).key_sha256


@given(st.binary(max_size=600))
def test_garbage_is_refused(der: bytes) -> None:
    with pytest.raises(RequestRefused):
        read_request(der)


def test_a_huge_request_is_refused_unread() -> None:
    with pytest.raises(OversizedRequest):
        read_request(bytes(5000))
    with pytest.raises(OversizedRequest):
        est.decode_request(b"A" * 10_000)


@given(st.binary(min_size=1, max_size=1000))
def test_a_body_comes_back_as_it_went_in_with_line_breaks_or_without(der: bytes) -> None:
    assert est.decode_request(base64.b64encode(der)) == der
    assert est.decode_request(base64.encodebytes(der).replace(b"\n", b"\r\n")) == der


@pytest.mark.parametrize("body", [b"", b"   ", b"====", b"QUJD!", b"-----BEGIN CERTIFICATE REQUEST-----", b"\xff\xfe"])
def test_a_body_that_is_not_base64_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        est.decode_request(body)


def test_certificates_travel_as_pkcs7(tmp_path_factory: pytest.TempPathFactory) -> None:
    authority = open_authority(tmp_path_factory.mktemp("ca") / "ca", ManualClock())
    der = base64.b64decode(est.encode_certificates(authority.chain))
    assert set(pkcs7.load_der_pkcs7_certificates(der)) == set(authority.chain)


def test_credentials_are_read() -> None:
    assert est.read_credentials(_basic("st-k3m9q2x7:0123456789ABCDEF")) == ("st-k3m9q2x7", "0123456789ABCDEF")
    assert est.read_credentials(_basic("a:b:c").replace("Basic", "bAsIc")) == ("a", "b:c")


@pytest.mark.parametrize("header", [None, "", "Basic", "Basic ???", "Bearer abc", _basic("nocolon"), _basic("æ:ø")])
def test_credentials_of_another_kind_are_refused_and_not_repeated(header: str | None) -> None:
    with pytest.raises(MalformedRequest) as told:
        est.read_credentials(header)
    assert "nocolon" not in str(told.value)


def test_credentials_without_end_are_refused() -> None:
    with pytest.raises(OversizedRequest):
        est.read_credentials(_basic("x" * 1000))


@given(st.text(max_size=300))
def test_any_header_is_read_or_refused(header: str) -> None:
    try:
        station, code = est.read_credentials(header)
    except RequestRefused:
        return
    assert isinstance(station, str)
    assert isinstance(code, str)


_REQUEST = make_request()
