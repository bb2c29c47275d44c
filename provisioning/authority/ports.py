"""What enrolment and renewal need of a database and of the authority's keys, which stand in another process.

`region/registry` fulfils the stores and `region/authority` the signer; the tests have both in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cryptography import x509


@dataclass(frozen=True)
class Invitation:
    """One code for one station. Only the code's hash is kept. Times are Unix seconds."""

    station: str
    code_sha256: str  # hex
    expires: float
    key_sha256: str | None = None  # the only key that gets in with the code: the first that came, or the one approved
    certificate: bytes | None = None  # DER, given to that key
    burnt: float | None = None  # when the station was seen connected with that certificate


@dataclass(frozen=True)
class Given:
    """A certificate that a station was given. Times are Unix seconds; `serial` is hexadecimal."""

    station: str
    serial: str
    key_sha256: str
    der: bytes
    issued: float
    expires: float
    revoked: float | None = None


class Signer(Protocol):
    """Whoever holds the keys. It signs by its own rules, whoever asks; AuthorityError when it does not."""

    async def chain(self) -> tuple[x509.Certificate, ...]:
        """The roots, the newest first, and the intermediates in force: what `cacerts` answers."""

    async def issue_station(self, station: str, request_der: bytes) -> x509.Certificate:
        """A station's certificate for the key in this PKCS #10 request."""

    async def tell_time(self, nonce: str) -> bytes:
        """Now, signed for the question with this nonce (`messaging.moment`)."""


class RenewalStore(Protocol):
    """Who has which key."""

    async def may_enrol(self, station: str) -> bool:
        """Whether the registry has the station and has not shut it out."""

    async def latest(self, key_sha256: str) -> Given | None:
        """The last certificate that this key was given."""

    async def keep(self, given: Given) -> None:
        """Keep a renewed certificate."""


class EnrolmentStore(Protocol):
    """Invitations, at most one a station: a new one replaces what was there."""

    async def may_enrol(self, station: str) -> bool:
        """Whether the registry has the station and has not shut it out."""

    async def invitation(self, station: str) -> Invitation | None:
        """The station's invitation."""

    async def put_invitation(self, invitation: Invitation) -> None:
        """Store a new invitation in place of the station's last."""

    async def bind(self, station: str, code_sha256: str, key_sha256: str, certificate: bytes) -> Invitation | None:
        """Give the invitation key and certificate if it has none and is no other key's; return it as it now stands.

        One conditional UPDATE: of two requests at once the first wins, and both see the same row. None when the
        invitation has been replaced meanwhile.
        """

    async def burn(self, station: str, code_sha256: str, at: float) -> bool:
        """Mark the code as used up; True when this call did it."""


class Tries(Protocol):
    """How often a source may guess."""

    async def take(self, source: str) -> float:
        """Count a try. 0: go on. More: refused, and the seconds until the next is free."""

    async def give_back(self, source: str) -> None:
        """The last try was an honest one: it does not count."""
