"""What IT does with API tokens. Each change leaves a row in the log; `actor` is who did it."""

from __future__ import annotations

from dataclasses import dataclass

from messaging.clock import Clock
from region.people.service import check_places
from region.registry import Invalid, Registry
from region.registry.people import Binding
from region.registry.records import ApiToken, TokenRole
from region.web.bearer import new_token

DAYS, MOST_DAYS = 90, 365
_DAY_S = 86_400.0


@dataclass(frozen=True)
class WantedToken:
    """What a token is for, what it may do and where (as `service.Wanted`), and for how many days."""

    name: str
    role: TokenRole
    clinic_id: int | None = None
    sites: tuple[int, ...] = ()
    days: int = DAYS
    reads_only: bool = False

    def check(self) -> None:
        """Invalid where it would be for longer than any may be, or for places that its role does not know."""
        if not 1 <= self.days <= MOST_DAYS:
            raise Invalid(f"days: from 1 to {MOST_DAYS}")
        if self.role == "it_admin" and (self.sites or self.clinic_id):
            raise Invalid("role: it_admin is all of the region's; for some places choose site_staff or evaluator")
        if self.role == "site_staff" and self.clinic_id:
            raise Invalid("clinic: site_staff are bound to sites alone")
        Binding(self.role, self.clinic_id, self.sites).check()


@dataclass(frozen=True)
class MadeToken:
    """A new token. `secret` is what a script comes with: it is told here, and nowhere else ever again."""

    secret: str
    token: ApiToken


class TokenService:
    """Makes and revokes them. Who may make one is of IT, so that no role and no place is wider than the maker's own."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def all(self) -> list[ApiToken]:
        """Every token there has been, the newest first."""
        async with self._registry.read() as t:
            return await t.api_tokens.all(self._clock.wall())

    async def make(self, actor: str, wanted: WantedToken) -> MadeToken:
        """A new token; Invalid or NotFound for what cannot be. It ends with its maker's time at IT, if not before."""
        wanted.check()
        now, (token_id, secret) = self._clock.wall(), new_token()
        async with self._registry.begin() as t:
            await check_places(t, wanted.clinic_id, wanted.sites)
            maker = await t.people.find(actor)
            token = await t.api_tokens.add(
                token_id, secret, wanted.name, wanted.role, now, now + wanted.days * _DAY_S,
                maker_id=None if maker is None else maker.id, clinic_id=wanted.clinic_id, sites=wanted.sites,
                reads_only=wanted.reads_only,
            )  # fmt: skip
            await t.audit.add(
                actor, "token.add", "made", now, token=token.id, name=token.name, role=token.role, clinic=token.clinic,
                sites=", ".join(site.name for site in token.sites), days=wanted.days,
                how="reads_only" if token.reads_only else None,
            )  # fmt: skip
        return MadeToken(secret, token)

    async def revoke(self, actor: str, token_id: str) -> ApiToken:
        """From the next request on it opens nothing, for good."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            if await t.api_tokens.revoke(token_id, now):
                before = await t.api_tokens.get(token_id, now)
                await t.audit.add(actor, "token.revoke", "done", now, token=token_id, name=before.name)
            return await t.api_tokens.get(token_id, now)
