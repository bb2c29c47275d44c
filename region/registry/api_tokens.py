"""What scripts come with: API tokens, stored as digests, each with what it may do and how long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, or_, select, update

from region.registry import schema
from region.registry.actors import COMMAND_LINE
from region.registry.bound_sites import BoundSites
from region.registry.errors import NotFound
from region.registry.records import ApiToken, TokenRole, TokenState, digest
from region.registry.table import Row, Subject, text

_OF_MAKER = ("maker_active", "maker_role")


class ApiTokens(Subject):
    """Made, found by what a script sends, and revoked; never changed, and never forgotten: the audit names them."""

    async def add(
        self, token_id: str, secret: str, name: str, role: TokenRole, now: float, expires_at: float, *,
        maker_id: int | None = None, clinic_id: int | None = None, sites: Iterable[int] = (), reads_only: bool = False,
    ) -> ApiToken:  # fmt: skip
        """A new one. `maker_id`: None for the command line's."""
        values = {
            "id": token_id, "secret_sha256": digest(secret), "name": text(name, "name", 80), "role": role,
            "clinic_id": clinic_id, "reads_only": reads_only, "maker_id": maker_id, "made_at": now,
            "expires_at": expires_at,
        }  # fmt: skip
        await self._run(insert(schema.api_token).values(values))
        await self._sites().put({token_id: sites})
        return await self.get(token_id, now)

    async def all(self, now: float) -> list[ApiToken]:
        """Every one there has been, the newest first."""
        token = schema.api_token.c
        return await self._read(_select().order_by(token.made_at.desc(), token.id), now)

    async def get(self, token_id: str, now: float) -> ApiToken:
        """The one of that id, or NotFound."""
        found = await self._of(schema.api_token.c.id == token_id, now)
        if found is None:
            raise NotFound("no such token")
        return found

    async def find(self, secret: str, now: float) -> ApiToken | None:
        """The one whose secret this is, whatever has become of it; None: nobody's."""
        return await self._of(schema.api_token.c.secret_sha256 == digest(secret), now)

    async def names(self) -> dict[str, str]:
        """What each is for, by id."""
        rows = await self._rows(select(schema.api_token.c.id, schema.api_token.c.name))
        return {row["id"]: row["name"] for row in rows}

    async def used(self, token_id: str, day: float) -> None:
        """It was used on the day that began then; one that was used later stays so."""
        token = schema.api_token.c
        earlier = or_(token.used_at.is_(None), token.used_at < day)
        await self._run(update(schema.api_token).where(token.id == token_id, earlier).values(used_at=day))

    async def revoke(self, token_id: str, now: float) -> bool:
        """It opens nothing from now on; False if that was so already."""
        token = schema.api_token.c
        done = await self._run(
            update(schema.api_token).where(token.id == token_id, token.revoked_at.is_(None)).values(revoked_at=now)
        )
        return done.rowcount == 1

    def _sites(self) -> BoundSites:
        return BoundSites(self._connection, schema.api_token_site.c.token_id)

    async def _of(self, one: ColumnElement[bool], now: float) -> ApiToken | None:
        found = await self._read(_select().where(one), now)
        return found[0] if found else None

    async def _read(self, statement: Select[Any], now: float) -> list[ApiToken]:
        rows: Sequence[Row] = await self._rows(statement)
        sites = await self._sites().of([row["id"] for row in rows])
        return [
            ApiToken(
                **{key: row[key] for key in row if key not in _OF_MAKER}, sites=sites.get(row["id"], ()),
                state=_state(row, now),
            )
            for row in rows
        ]  # fmt: skip


def _select() -> Select[Any]:
    token, person, clinic = schema.api_token.c, schema.person.c, schema.clinic.c
    return (
        select(
            token.id, token.name, token.role, token.clinic_id, func.coalesce(clinic.name, "").label("clinic"),
            token.reads_only, func.coalesce(person.name, COMMAND_LINE).label("made_by"), token.made_at,
            token.expires_at, token.used_at, token.revoked_at, person.active.label("maker_active"),
            person.role.label("maker_role"),
        )
        .select_from(schema.api_token)
        .outerjoin(schema.person, person.id == token.maker_id)
        .outerjoin(schema.clinic, clinic.id == token.clinic_id)
    )  # fmt: skip


def _state(row: Row, now: float) -> TokenState:
    """A token is worth no more than its maker is now."""
    if row["revoked_at"] is not None:
        return "revoked"
    if row["expires_at"] <= now:
        return "expired"
    by_person = row["maker_role"] is not None
    return "maker_out" if by_person and not (row["maker_active"] and row["maker_role"] == "it_admin") else "good"
