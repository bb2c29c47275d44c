"""What our certificates look like (RFC 5280 profiles). Building only: nothing is stored or decided here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Usage = x509.ObjectIdentifier
CLIENT: Usage = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER: Usage = ExtendedKeyUsageOID.SERVER_AUTH
SIGNING: Usage = ExtendedKeyUsageOID.CODE_SIGNING  # of words to stations: messaging/signed.py
BACKDATED = timedelta(hours=24)  # a Raspberry Pi boots without a clock


@dataclass(frozen=True)
class Issuer:
    """An authority's certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Revoked:
    """A certificate that counts no more, by its serial number, since `at` (Unix seconds)."""

    serial: int
    at: int


@dataclass(frozen=True)
class Validity:
    """From and until when, UTC, whole seconds."""

    begins: datetime
    ends: datetime


def validity(now: float, lasts: timedelta, backdated: timedelta = BACKDATED) -> Validity:
    """Valid for `lasts` from `now` (Unix seconds), and backdated for clocks that are behind."""
    moment = datetime.fromtimestamp(int(now), UTC)
    return Validity(moment - backdated, moment + lasts)


def new_key() -> ec.EllipticCurvePrivateKey:
    """An EC P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def root(name: str, period: Validity) -> Issuer:
    """A self-signed root that signs only other authorities of ours."""
    key = new_key()
    subject = _name(name)
    builder = _base(subject, subject, key.public_key(), period)
    builder = _authority_extensions(builder, key.public_key(), key.public_key(), path_length=1)
    return Issuer(builder.sign(key, hashes.SHA256()), key)


def intermediate(name: str, period: Validity, issuer: Issuer, usages: Sequence[Usage]) -> Issuer:
    """An authority for leaves of these usages only: verifiers hold a whole chain to its authorities' usages."""
    key = new_key()
    return Issuer(sign_intermediate(name, key.public_key(), period, issuer, usages), key)


def sign_intermediate(
    name: str, key: ec.EllipticCurvePublicKey, period: Validity, issuer: Issuer, usages: Sequence[Usage]
) -> x509.Certificate:
    """The certificate of an authority whose key stands elsewhere.

    One that certifies signers carries digitalSignature: Erlang's TLS, and with it every broker written in it, holds an
    authority's usages to its key usage since OTP 27.1.3 (RFC 5280, 4.2.1.12), and refuses everybody below it otherwise.
    """
    builder = _base(_name(name), issuer.certificate.subject, key, period)
    signs = SIGNING in usages
    builder = _authority_extensions(builder, key, issuer.key.public_key(), path_length=0, digital_signature=signs)
    builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


def cross_sign(new: x509.Certificate, old: Issuer) -> x509.Certificate:
    """A new root as the old one vouches for it (RFC 4210, 4.4 `NewWithOld`): the same name and key, ends no later."""
    key = new.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("a root of ours has an EC key")
    ends = min(new.not_valid_after_utc, old.certificate.not_valid_after_utc)
    begins = max(new.not_valid_before_utc, old.certificate.not_valid_before_utc)
    builder = _base(new.subject, old.certificate.subject, key, Validity(begins, ends))
    builder = _authority_extensions(builder, key, old.key.public_key(), path_length=1)
    return builder.sign(old.key, hashes.SHA256())


def revocation_list(issuer: Issuer, revoked: Sequence[Revoked], number: int, period: Validity) -> bytes:
    """An authority's CRL, PEM. What it names and another authority issued does no harm."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(period.begins).next_update(period.ends)
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.serial)
        builder = builder.add_revoked_certificate(entry.revocation_date(datetime.fromtimestamp(one.at, UTC)).build())
    builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
    )
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def leaf(
    name: str,
    key: ec.EllipticCurvePublicKey,
    period: Validity,
    issuer: Issuer,
    usage: Usage,
    hosts: Sequence[str] = (),
) -> x509.Certificate:
    """A certificate with one usage. `hosts` are DNS names or IP addresses, for a server."""
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage(digital_signature=True), True),
        (x509.ExtendedKeyUsage([usage]), False),
        (x509.SubjectKeyIdentifier.from_public_key(key), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False),
    ]
    if hosts:
        extensions.append((x509.SubjectAlternativeName([_host(host) for host in hosts]), False))
    builder = _base(_name(name), issuer.certificate.subject, key, period)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer.key, hashes.SHA256())


def may_issue(authority: x509.Certificate, usage: Usage) -> bool:
    """Whether certificates of this usage count below this authority."""
    try:
        return usage in authority.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True


def _base(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, period: Validity
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(period.begins)
        .not_valid_after(period.ends)
    )


def _authority_extensions(
    builder: x509.CertificateBuilder,
    key: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePublicKey,
    path_length: int,
    *,
    digital_signature: bool = False,
) -> x509.CertificateBuilder:
    usage = _key_usage(digital_signature=digital_signature, key_cert_sign=True, crl_sign=True)
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
