"""Who gets a certificate: a station that shows the code the registry made for it, once.

A code is 80 random bits, kept as its SHA-256. The first key that comes with it is bound to it; that key always gets
the same certificate again, so a power cut at any point costs nothing, and no other key gets one. A code that a station
made for itself is bound to its key when somebody approves the two (door B, `region.stations.claims`). The code burns
when the station has been seen connected with that certificate.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from messaging.clock import Clock
from messaging.enrolment import CODE_LENGTH, CODE_LETTERS
from messaging.topics import STATION_ID
from provisioning.authority.errors import CodeExpired, CodeUsed, StationBarred, TooManyTries, WrongCode
from provisioning.authority.limiter import OwnTries
from provisioning.authority.ports import EnrolmentStore, Invitation, Signer, Tries
from provisioning.authority.request import read_request
from provisioning.authority.turns import Turns

CODE_LIVES_S = 30 * 86_400.0
_NOBODY = hashlib.sha256(b"").hexdigest()  # compared with when there is nothing to compare with, to take as long


def invite_with_code(station: str, expires: float) -> tuple[str, Invitation]:
    """A new code, and the invitation that knows its hash; nothing is stored."""
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    return code, Invitation(station, _hash(code), expires)


class Enrolment:
    """The rules, over a store and whoever holds the keys."""

    def __init__(
        self,
        store: EnrolmentStore,
        signer: Signer,
        clock: Clock,
        tries: Tries | None = None,
    ) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._tries = tries or OwnTries(clock)
        self._turns = Turns()

    async def invite(self, station: str, lives_s: float = CODE_LIVES_S) -> str:
        """A new code for the station, in place of any before it; StationBarred if the registry forbids.

        The code is returned here once, and is nowhere else.
        """
        if not STATION_ID.fullmatch(station) or not await self._store.may_enrol(station):
            raise StationBarred("the registry has no such station in use")
        code, invitation = invite_with_code(station, self._clock.wall() + lives_s)
        await self._store.put_invitation(invitation)
        return code

    async def enrol(self, station: str, code: str, request_der: bytes, source: str) -> x509.Certificate:
        """The station's certificate for the key in this request; RequestRefused or EnrolmentRefused.

        `source` is whom to count wrong codes against: the caller's address.
        """
        async with self._turns.of(source):
            wait_s = await self._tries.take(source)
            if wait_s > 0:
                raise TooManyTries(wait_s)
            invitation = await self._check_code(station, code)
            await self._tries.give_back(source)
        if not await self._store.may_enrol(station):
            raise StationBarred("the registry has retired or revoked the station")
        request = read_request(request_der)
        if invitation.certificate is None and invitation.key_sha256 in (None, request.key_sha256):
            invitation = await self._bind(invitation, request_der)
        if invitation.key_sha256 != request.key_sha256 or invitation.certificate is None:
            raise CodeUsed("the code is another key's")
        return x509.load_der_x509_certificate(invitation.certificate)

    async def confirm(self, station: str, certificate_expires: float | None) -> bool:
        """The station has connected and says when its certificate expires (`Birth.certificate_expires`).

        Burns the station's code if that is the certificate the code gave; True when it did so now. A station still
        connected with an older certificate does not burn a code that was made for its successor.
        """
        invitation = await self._store.invitation(station)
        if invitation is None or invitation.certificate is None or invitation.burnt is not None:
            return False
        given = x509.load_der_x509_certificate(invitation.certificate).not_valid_after_utc.timestamp()
        if certificate_expires is None or int(certificate_expires) != int(given):
            return False
        return await self._store.burn(station, invitation.code_sha256, self._clock.wall())

    async def _check_code(self, station: str, code: str) -> Invitation:
        named = STATION_ID.fullmatch(station) is not None
        invitation = await self._store.invitation(station) if named else None
        right = hmac.compare_digest(_hash(code), invitation.code_sha256 if invitation else _NOBODY)
        if invitation is None or not right:
            raise WrongCode("no such station, or not its code")
        # A key that has its certificate may fetch it again at any time; only a first use can be too late.
        if invitation.certificate is None and self._clock.wall() > invitation.expires:
            raise CodeExpired("the code has expired; print a new one")
        return invitation

    async def _bind(self, invitation: Invitation, request_der: bytes) -> Invitation:
        request = read_request(request_der)
        certificate = (await self._signer.issue_station(invitation.station, request_der)).public_bytes(Encoding.DER)
        bound = await self._store.bind(invitation.station, invitation.code_sha256, request.key_sha256, certificate)
        if bound is None:
            raise WrongCode("the code has just been replaced")
        return bound


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
