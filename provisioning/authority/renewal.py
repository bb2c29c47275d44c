"""Who gets the next certificate: whoever has the key that the last one was given to, and is still let in.

                            what comes with the request        gets
the last one is valid       that certificate, by mutual TLS    the next one
                            nothing                            CertificateNeeded
expired, 180 days at most   nothing: it would not be taken     the next one, for the registered key alone
expired longer              nothing                            RenewalTooLate: a new code
its issuer is retired       nothing: it would not be taken     the next one

A request proves that its sender has the key (PKCS #10 is signed with it), and a certificate is of no use without that
key, so an answer that somebody else gets by replaying a request is worth nothing to them.
"""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from messaging.clock import Clock
from provisioning.authority.errors import (
    CertificateNeeded,
    ForeignCertificate,
    RenewalTooLate,
    StationBarred,
    TooManyTries,
    UnknownKey,
)
from provisioning.authority.limiter import OwnTries
from provisioning.authority.ports import Given, RenewalStore, Signer, Tries
from provisioning.authority.request import key_name, read_request
from provisioning.authority.turns import Turns

GRACE_S = timedelta(days=180).total_seconds()
_FRESH = 0.75  # of its life is left: whoever asks again has lost the answer, and gets the same certificate


class Renewals:
    """The rules, over a store and whoever holds the keys."""

    def __init__(self, store: RenewalStore, signer: Signer, clock: Clock, tries: Tries | None = None) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._tries = tries or OwnTries(clock)
        self._turns = Turns()

    async def renew(self, request_der: bytes, shown: x509.Certificate | None, source: str) -> x509.Certificate:
        """The next certificate for the key of this request; RequestRefused or EnrolmentRefused.

        `shown` is the certificate that came with the connection, verified against our chain; None: there was none.
        `source` is whom to count unknown keys against: the caller's address.
        """
        async with self._turns.of(source):
            wait_s = await self._tries.take(source)
            if wait_s > 0:
                raise TooManyTries(wait_s)
            request = read_request(request_der)
            last = await self._store.latest(request.key_sha256)
            if last is None:
                raise UnknownKey("no station has this key")
            await self._tries.give_back(source)
        if last.revoked is not None or not await self._store.may_enrol(last.station):
            raise StationBarred("the registry has shut the station or this certificate out")
        certificate = x509.load_der_x509_certificate(last.der)
        trusted = _signed_by_one_of(certificate, await self._signer.chain())
        self._judge(last, trusted, request.key_sha256, shown)
        if trusted and self._is_fresh(last):
            return certificate
        issued = await self._signer.issue_station(last.station, request_der)
        der = issued.public_bytes(Encoding.DER)
        await self._store.keep(given(last.station, request.key_sha256, der, self._clock.wall()))
        return issued

    def _judge(self, last: Given, trusted: bool, key_sha256: str, shown: x509.Certificate | None) -> None:
        now = self._clock.wall()
        if shown is not None:
            key = shown.public_key()
            if not isinstance(key, ec.EllipticCurvePublicKey) or key_name(key) != key_sha256:
                raise ForeignCertificate("the connection's certificate is another key's than the request's")
        elif now > last.expires + GRACE_S:
            raise RenewalTooLate("the last certificate expired more than 180 days ago; a new code is needed")
        elif trusted and now <= last.expires:
            raise CertificateNeeded("the last certificate is valid: it has to be shown")

    def _is_fresh(self, last: Given) -> bool:
        return last.expires - self._clock.wall() > _FRESH * (last.expires - last.issued)


def given(station: str, key_sha256: str, der: bytes, now: float) -> Given:
    """A certificate of a station as the registry keeps it."""
    certificate = x509.load_der_x509_certificate(der)
    expires = certificate.not_valid_after_utc.timestamp()
    return Given(station, f"{certificate.serial_number:x}", key_sha256, der, now, expires)


def _signed_by_one_of(certificate: x509.Certificate, issuers: tuple[x509.Certificate, ...]) -> bool:
    for issuer in issuers:
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False
