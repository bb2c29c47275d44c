"""One browser's try to sign in: everything it is known by comes from one secret, which that browser alone holds."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Literal

_Purpose = Literal["state", "nonce", "verifier"]
LIVES_S = 15 * 60


@dataclass(frozen=True)
class Attempt:
    """A try. `next_path` is where the person was going.

    The secret lies in a cookie, so that any process of the region can go on with it, and nothing is kept for visitors
    who never come back. What is derived from it cannot be told from each other, nor the secret from them.
    """

    secret: str
    next_path: str = ""

    @classmethod
    def new(cls, next_path: str) -> Attempt:
        """A fresh one."""
        return cls(secrets.token_urlsafe(32), next_path)

    @property
    def state(self) -> str:
        """Comes back with the provider's answer: the answer is to a question that this browser asked."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """Stands in the ID token: it was made for this try."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """Redeems the code: whoever has overheard the code alone cannot (RFC 7636)."""
        return self._derived("verifier")

    @property
    def challenge(self) -> str:
        """The verifier as it is told beforehand, S256."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())

    def packed(self) -> str:
        """As the cookie holds it."""
        return f"{self.secret}.{_text(self.next_path.encode())}"

    def _derived(self, purpose: _Purpose) -> str:
        return _text(hmac.digest(self.secret.encode(), purpose.encode(), "sha256"))


def unpacked(cookie: str | None) -> Attempt | None:
    """The attempt in a cookie; None where there is none."""
    secret, dot, path = (cookie or "").partition(".")
    if not dot or len(secret) < 32:
        return None
    try:
        return Attempt(secret, base64.urlsafe_b64decode(path + "=" * (-len(path) % 4)).decode())
    except (binascii.Error, ValueError):
        return None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
