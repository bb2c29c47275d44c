"""What enrolment needs of a database. `region/registry` fulfils it; the tests have one in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Invitation:
    """One code for one station. Only the code's hash is kept. Times are Unix seconds."""

    station: str
    code_sha256: str  # hex
    expires: float
    key_sha256: str | None = None  # the first key that came with the code; no other gets in with it
    certificate: bytes | None = None  # DER, given to that key
    burnt: float | None = None  # when the station was seen connected with that certificate


class EnrolmentStore(Protocol):
    """Invitations, at most one a station: a new one replaces what was there."""

    async def may_enrol(self, station: str) -> bool:
        """Whether the registry has the station and has neither retired nor revoked it."""

    async def invitation(self, station: str) -> Invitation | None:
        """The station's invitation."""

    async def put_invitation(self, invitation: Invitation) -> None:
        """Store a new invitation in place of the station's last."""

    async def bind(self, station: str, code_sha256: str, key_sha256: str, certificate: bytes) -> Invitation | None:
        """Give the invitation its key and certificate if it has none yet, and return it as it now stands.

        One conditional UPDATE: of two requests at once the first wins, and both see the same row. None when the
        invitation has been replaced meanwhile.
        """

    async def burn(self, station: str, code_sha256: str, at: float) -> bool:
        """Mark the code as used up; True when this call did it."""
