"""Every certificate that a station was given, and which of them count no more."""

from __future__ import annotations

from sqlalchemy import insert, select, update

from provisioning.authority.ports import Given
from region.registry import schema
from region.registry.table import Row, Subject


class Certificates(Subject):
    """Certificates by their serial number."""

    async def add(self, given: Given) -> None:
        """Keep a certificate; one that is kept already stays as it is."""
        if await self._row(select(schema.certificate.c.serial).where(schema.certificate.c.serial == given.serial)):
            return
        await self._run(
            insert(schema.certificate).values(
                serial=given.serial, station_id=given.station, key_sha256=given.key_sha256, der=given.der,
                issued_at=given.issued, expires_at=given.expires, revoked_at=given.revoked,
            )
        )  # fmt: skip

    async def latest(self, key_sha256: str) -> Given | None:
        """The last certificate that this key was given."""
        row = schema.certificate.c
        found = await self._row(
            select(schema.certificate)
            .where(row.key_sha256 == key_sha256)
            .order_by(row.expires_at.desc(), row.issued_at.desc(), row.serial)
            .limit(1)
        )
        return None if found is None else _given(found)

    async def find(self, serial: str) -> Given | None:
        """The certificate of that serial number, hexadecimal."""
        found = await self._row(select(schema.certificate).where(schema.certificate.c.serial == serial))
        return None if found is None else _given(found)

    async def of_station(self, station_id: str) -> list[Given]:
        """Every certificate of a station, the newest first."""
        row = schema.certificate.c
        rows = await self._rows(
            select(schema.certificate).where(row.station_id == station_id).order_by(row.issued_at.desc(), row.serial)
        )
        return [_given(one) for one in rows]

    async def revoke(self, station_id: str, at: float, *, but_key: str | None = None) -> int:
        """Let the station's certificates count no more, save those of the key `but_key`; how many that were."""
        row = schema.certificate.c
        which = [row.station_id == station_id, row.revoked_at.is_(None)]
        if but_key is not None:
            which.append(row.key_sha256 != but_key)
        return (await self._run(update(schema.certificate).where(*which).values(revoked_at=at))).rowcount

    async def refused(self, now: float) -> list[Given]:
        """What a revocation list names: certificates that have not expired, revoked or of a station in quarantine.

        A station that was removed has left them behind, revoked.
        """
        row, station = schema.certificate.c, schema.station.c
        statement = (
            select(schema.certificate)
            .outerjoin(schema.station, station.id == row.station_id)
            .where(row.expires_at > now, row.revoked_at.is_not(None) | (station.admission != "admitted"))
            .order_by(row.serial)
        )
        return [_given(one) for one in await self._rows(statement)]


def _given(row: Row) -> Given:
    return Given(
        row["station_id"], row["serial"], row["key_sha256"], row["der"], row["issued_at"], row["expires_at"],
        row["revoked_at"],
    )  # fmt: skip
