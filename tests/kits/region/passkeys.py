"""A security key in software: answers what the region's pages ask of a browser, and can be told to lie."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

ORIGIN = "https://region.test"
_PRESENT, _MADE = AuthenticatorData.FLAG.UP, AuthenticatorData.FLAG.AT


@dataclass
class SecurityKey:
    """One passkey. `origin` is where its browser is; `count` grows with each answer, unless it `never_counts`."""

    origin: str = ORIGIN
    rp_id: str = "region.test"
    count: int = 0
    never_counts: bool = False
    present: bool = True
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: str) -> str:
        """What `navigator.credentials.create()` would give, as JSON."""
        public = AttestedCredentialData.create(b"\0" * 16, self.id, ES256.from_cryptography_key(self.key.public_key()))
        data = AuthenticatorData.create(self._rp(), self._flags() | _MADE, self._counted(), public)
        return self._answer(
            attestationObject=websafe_encode(AttestationObject.create("none", data, {})),
            clientDataJSON=websafe_encode(self._client(CollectedClientData.TYPE.CREATE, options)),
        )

    def use(self, options: str) -> str:
        """What `navigator.credentials.get()` would give, as JSON."""
        client = self._client(CollectedClientData.TYPE.GET, options)
        data = AuthenticatorData.create(self._rp(), self._flags(), self._counted())
        signature = self.key.sign(data + client.hash, ec.ECDSA(SHA256()))
        return self._answer(
            authenticatorData=websafe_encode(data), clientDataJSON=websafe_encode(client),
            signature=websafe_encode(signature),
        )  # fmt: skip

    def _answer(self, **response: str) -> str:
        own = {"id": websafe_encode(self.id), "rawId": websafe_encode(self.id), "type": "public-key"}
        return json.dumps({**own, "response": response, "clientExtensionResults": {}})

    def _client(self, kind: Any, options: str) -> CollectedClientData:
        return CollectedClientData.create(kind, websafe_decode(json.loads(options)["challenge"]), self.origin)

    def _rp(self) -> bytes:
        return sha256(self.rp_id.encode())

    def _flags(self) -> AuthenticatorData.FLAG:
        return _PRESENT if self.present else AuthenticatorData.FLAG(0)

    def _counted(self) -> int:
        self.count += not self.never_counts
        return self.count
