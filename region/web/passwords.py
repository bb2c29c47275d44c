"""Passwords: argon2id, off the event loop, as slow for a name nobody has as for one somebody has."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from region.registry import Invalid

LEAST = 12
MOST = 256
_AT_ONCE = 2  # each takes 64 MiB and a core


class Passwords:
    """Hashes and verifies. The parameters are those of RFC 9106's low-memory profile, argon2-cffi's default."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobodys = self._hasher.hash("nobody has this password")
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, password: str) -> str:
        """The hash to store; Invalid for a password that is too short or too long."""
        if not LEAST <= len(password) <= MOST:
            raise Invalid(f"password: from {LEAST} to {MOST} characters")
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the right one. None (nobody of that name) takes as long as a wrong one."""
        if len(password) > MOST:
            return False
        async with self._turn:
            right = await asyncio.to_thread(self._verify, password_hash or self._nobodys, password)
        return right and password_hash is not None

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
