"""The passkeys of people: each one's public half, and how often its authenticator says it has been used."""

from __future__ import annotations

import hashlib

from sqlalchemy import delete, insert, select, update

from region.registry import schema
from region.registry.records import Passkey
from region.registry.table import Subject, text

_COLUMNS = [column for column in schema.passkey.c if column.name != "credential_sha256"]


class Passkeys(Subject):
    """Added, used and removed; what is in `credential` is `region.web.passkeys`'s to know."""

    async def of(self, person_id: int) -> list[Passkey]:
        """This person's, oldest first."""
        passkey = schema.passkey.c
        rows = await self._rows(select(*_COLUMNS).where(passkey.person_id == person_id).order_by(passkey.id))
        return [Passkey(**row) for row in rows]

    async def add(self, person_id: int, credential: bytes, sign_count: int, name: str, now: float) -> None:
        """One more; Conflict where it is somebody's already."""
        values = {
            "person_id": person_id, "credential": credential, "sign_count": sign_count, "made_at": now,
            "credential_sha256": hashlib.sha256(credential).hexdigest(), "name": text(name, "name", 60),
        }  # fmt: skip
        await self._run(insert(schema.passkey).values(values))

    async def use(self, passkey_id: int, sign_count: int, now: float) -> bool:
        """It has been used once more. False where the count has not grown: there is a copy, or an answer came twice.

        An authenticator that does not count says 0 always (WebAuthn Level 3, 6.1.1).
        """
        passkey = schema.passkey.c
        grown = passkey.sign_count < sign_count if sign_count else passkey.sign_count == 0
        done = await self._run(
            update(schema.passkey).where(passkey.id == passkey_id, grown).values(sign_count=sign_count, used_at=now)
        )
        return done.rowcount == 1

    async def remove(self, person_id: int, passkey_id: int) -> str | None:
        """Forget one of this person's; gives its name, None where there is none such."""
        passkey = schema.passkey.c
        mine = (passkey.id == passkey_id, passkey.person_id == person_id)
        row = await self._row(select(passkey.name).where(*mine))
        await self._run(delete(schema.passkey).where(*mine))
        return None if row is None else row["name"]
