"""Passkeys as the second step: what a browser is asked, and whether its answer is right. Pure; the only user of fido2.

Source: Web Authentication, an API for accessing Public Key Credentials, Level 3. A passkey is bound to the region's
address, so that a page elsewhere, however like ours, gets nothing that is of use here.
"""

from __future__ import annotations

import hmac
import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    UserVerificationRequirement,
)

from region.registry.records import Passkey, Person

MOST_ANSWER = 16_000
_TEXTS = ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle")
Purpose = Literal["make", "use"]
# What a library may make of what somebody sends in place of an answer.
_NONSENSE = (
    ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError, RecursionError, struct.error,
)  # fmt: skip


class PasskeyRefused(Exception):
    """The answer is not right; the text says why, for the log."""


@dataclass(frozen=True)
class Made:
    """A new passkey: its public half, and how often it has been used."""

    credential: bytes
    sign_count: int


@dataclass(frozen=True)
class Used:
    """Which passkey has answered, and how often it says that it has been used."""

    passkey: Passkey
    sign_count: int


class Ceremony:
    """Asks and judges for one session. The challenge is that session's own: a session ends with its second step.

    None of it is kept anywhere, so that any process of the region can take the answer.
    """

    def __init__(self, public_url: str, session_secret: str) -> None:
        parts = urlsplit(public_url)
        origin = f"{parts.scheme}://{parts.netloc}"
        entity = PublicKeyCredentialRpEntity(id=parts.hostname or "", name="Lægeknap")
        self._server = Fido2Server(entity, verify_origin=lambda said: said == origin)
        self._secret = session_secret

    def to_make(self, person: Person, known: Iterable[Passkey]) -> str:
        """What the browser is asked for a new one, as JSON; an authenticator that is known already makes none."""
        user = PublicKeyCredentialUserEntity(
            id=str(person.id).encode(), name=person.name, display_name=person.display_name
        )
        options, _ = self._server.register_begin(
            user, _credentials(known), user_verification=UserVerificationRequirement.PREFERRED,
            challenge=self._challenge("make"),
        )  # fmt: skip
        return json.dumps(dict(options.public_key))

    def made(self, answer: str) -> Made:
        """The new passkey in the answer; PasskeyRefused."""
        try:
            data = self._server.register_complete(self._state("make"), _said(answer))
            credential = data.credential_data
        except _NONSENSE as error:
            raise PasskeyRefused(str(error) or type(error).__name__) from error
        if credential is None:
            raise PasskeyRefused("there is no passkey in the answer")
        return Made(bytes(credential), data.counter)

    def to_use(self, known: Iterable[Passkey]) -> str:
        """What the browser is asked for an answer of one of these, as JSON."""
        options, _ = self._server.authenticate_begin(
            _credentials(known), UserVerificationRequirement.PREFERRED, self._challenge("use")
        )
        return json.dumps(dict(options.public_key))

    def used(self, known: Sequence[Passkey], answer: str) -> Used:
        """Which of these has answered; PasskeyRefused. Its count is still to be compared, where it is kept."""
        credentials = _credentials(known)
        try:
            said = _said(answer)
            right = self._server.authenticate_complete(self._state("use"), credentials, said)
            count = AuthenticationResponse.from_dict(said).response.authenticator_data.counter
        except _NONSENSE as error:
            raise PasskeyRefused(str(error) or type(error).__name__) from error
        return Used(known[credentials.index(right)], count)

    def _challenge(self, purpose: Purpose) -> bytes:
        return hmac.digest(self._secret.encode(), f"{purpose} a passkey".encode(), "sha256")

    def _state(self, purpose: Purpose) -> dict[str, Any]:
        state: dict[str, Any]
        _, state = self._server.authenticate_begin(challenge=self._challenge(purpose))
        return state


def _said(answer: str) -> dict[str, Any]:
    """The answer's JSON; ValueError where bytes are no text (or null): of a number fido2 would make as many zeros."""
    said = json.loads(answer)
    texts = [said["id"], said["rawId"], *(said["response"][name] for name in said["response"] if name in _TEXTS)]
    if not all(one is None or isinstance(one, str) for one in texts):
        raise ValueError("a part of the answer is no text")
    return dict(said)


def are_possible(public_url: str) -> bool:
    """Whether browsers have passkeys at this address: by HTTPS with a name, or on the machine itself."""
    parts = urlsplit(public_url)
    name = parts.hostname or ""
    named = ":" not in name and not name.replace(".", "").isdigit()
    return named and (parts.scheme == "https" or (parts.scheme == "http" and name == "localhost"))


def _credentials(known: Iterable[Passkey]) -> list[AttestedCredentialData]:
    return [AttestedCredentialData(one.credential) for one in known]
