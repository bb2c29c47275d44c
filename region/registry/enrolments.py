"""Invitations: one code a station, as its hash, with the key and certificate it gave."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update

from provisioning.authority.ports import Invitation
from region.registry import schema
from region.registry.table import Row, Subject


class Enrolments(Subject):
    """Invitations. `region.registry.store` makes of them what `provisioning.authority` asks for."""

    async def get(self, station_id: str) -> Invitation | None:
        """The station's invitation."""
        row = await self._row(select(schema.invitation).where(schema.invitation.c.station_id == station_id))
        return None if row is None else _invitation(row)

    async def all(self) -> dict[str, Invitation]:
        """Every invitation, by station."""
        return {row["station_id"]: _invitation(row) for row in await self._rows(select(schema.invitation))}

    async def put(self, invitation: Invitation) -> None:
        """Store an invitation in place of the station's last."""
        await self._run(delete(schema.invitation).where(schema.invitation.c.station_id == invitation.station))
        await self._run(
            insert(schema.invitation).values(
                station_id=invitation.station, code_sha256=invitation.code_sha256, expires_at=invitation.expires,
                key_sha256=invitation.key_sha256, certificate=invitation.certificate, burnt_at=invitation.burnt,
            )
        )  # fmt: skip

    async def bind(self, station_id: str, code_sha256: str, key_sha256: str, certificate: bytes) -> Invitation | None:
        """Give the invitation key and certificate if it has none and is no other key's; None if it was replaced."""
        row = schema.invitation.c
        same = (row.station_id == station_id, row.code_sha256 == code_sha256)
        await self._run(
            update(schema.invitation)
            .where(*same, row.certificate.is_(None), row.key_sha256.is_(None) | (row.key_sha256 == key_sha256))
            .values(key_sha256=key_sha256, certificate=certificate)
        )
        found = await self._row(select(schema.invitation).where(*same))
        return None if found is None else _invitation(found)

    async def burn(self, station_id: str, code_sha256: str, at: float) -> bool:
        """Mark the code as used up; True when this call did it."""
        row = schema.invitation.c
        done = await self._run(
            update(schema.invitation)
            .where(row.station_id == station_id, row.code_sha256 == code_sha256, row.burnt_at.is_(None))
            .values(burnt_at=at)
        )
        return done.rowcount == 1


def _invitation(row: Row) -> Invitation:
    return Invitation(
        row["station_id"], row["code_sha256"], row["expires_at"], row["key_sha256"], row["certificate"], row["burnt_at"]
    )
