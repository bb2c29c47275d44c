"""The second step of signing in: each person's key, which code was used last, and the recovery codes."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, func, insert, select, update

from region.registry import schema
from region.registry.records import digest
from region.registry.table import Subject


class SecondSteps(Subject):
    """Keys and codes of people; recovery codes come in clear and are stored as digests."""

    async def key(self, person_id: int) -> str | None:
        """The person's key, base32; None while it has not been set up."""
        table = schema.second_step
        row = await self._row(select(table.c.key).where(table.c.person_id == person_id))
        return None if row is None else row["key"]

    async def begin(self, person_id: int, recovery: Iterable[str]) -> bool:
        """This person has none, and is setting up the first; with these codes for when it is lost. False: has one."""
        await self._alone(f"second step {person_id}")
        if await self.is_set_up(person_id):
            return False
        rows = [{"person_id": person_id, "code_sha256": digest(code)} for code in recovery]
        await self._connection.execute(insert(schema.recovery_code), rows)
        return True

    async def is_set_up(self, person_id: int) -> bool:
        """Whether there is a key or a passkey."""
        passkey = schema.passkey.c
        has_passkey = await self._row(select(passkey.id).where(passkey.person_id == person_id).limit(1))
        return has_passkey is not None or await self.key(person_id) is not None

    async def set_up(self, person_id: int, key: str, step: int, recovery: Iterable[str], now: float) -> bool:
        """From now on the key's codes are asked for; `step` is spent. False if a second step was set up already."""
        if not await self.begin(person_id, recovery):
            return False
        values = {"person_id": person_id, "key": key, "set_up_at": now, "last_step": step}
        await self._run(insert(schema.second_step).values(values))
        return True

    async def use(self, person_id: int, step: int) -> bool:
        """Spend the code of that step, and all before it; False if that has been done already."""
        table = schema.second_step
        done = await self._run(
            update(table).where(table.c.person_id == person_id, table.c.last_step < step).values(last_step=step)
        )
        return done.rowcount == 1

    async def use_recovery(self, person_id: int, code: str) -> bool:
        """Spend a recovery code; False if it is none of this person's, or spent."""
        table = schema.recovery_code.c
        gone = await self._run(
            delete(schema.recovery_code).where(table.person_id == person_id, table.code_sha256 == digest(code))
        )
        return gone.rowcount == 1

    async def recovery_left(self, person_id: int) -> int:
        """How many recovery codes are unspent."""
        count = select(func.count().label("count")).select_from(schema.recovery_code)
        row = await self._row(count.where(schema.recovery_code.c.person_id == person_id))
        return 0 if row is None else int(row["count"])

    async def reset(self, person_id: int) -> bool:
        """Forget it all, so that the next sign-in begins anew; False if there was nothing."""
        await self._run(delete(schema.recovery_code).where(schema.recovery_code.c.person_id == person_id))
        passkeys = await self._run(delete(schema.passkey).where(schema.passkey.c.person_id == person_id))
        gone = await self._run(delete(schema.second_step).where(schema.second_step.c.person_id == person_id))
        return gone.rowcount + passkeys.rowcount > 0
