"""Scripts that come with an API token: `Authorization: Bearer vs_...` (RFC 6750), below /api alone.

There is no cookie and no session: each request brings the token, and is judged by what the token is at that moment.
"""

from __future__ import annotations

import base64
import secrets

from starlette.requests import Request

from region.registry.records import ApiToken, Person, WebSession
from region.web.context import client_address, region_of
from region.web.errors import ForPeople, TokenRefused

PREFIX = "vs_"  # by which scanners for secrets find one that has got where it should not be
OPENS = "/api/"
_LONGEST = 200
_DAY_S = 86_400.0


def new_token() -> tuple[str, str]:
    """An id, and the secret that begins with it: `vs_`, 8 letters and digits of base32, `_`, 48 more (240 bits)."""
    token_id = PREFIX + _letters(5)
    return token_id, f"{token_id}_{_letters(30)}"


def bearer(request: Request) -> str | None:
    """The secret that came with the request; None: it comes from a browser."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip()[:_LONGEST] if scheme.lower() == "bearer" else None


async def session_of(request: Request, secret: str) -> WebSession:
    """Whom the token stands for, for this request; TokenRefused, TooManyTries; or ForPeople where it opens nothing."""
    if not request.url.path.startswith(OPENS):
        raise ForPeople
    region = region_of(request)
    now = region.clock.wall()
    async with region.registry.read() as t:
        token = await t.api_tokens.find(secret, now)
    if token is None or token.state != "good":
        await _refuse(request, token, now)
        raise TokenRefused
    today = now - now % _DAY_S
    if token.used_at is None or token.used_at < today:
        async with region.registry.begin() as t:
            await t.api_tokens.used(token.id, today)
    return WebSession(_stands_for(token), csrf="", created_at=token.made_at, seen_at=now, whole=True, token=token)


async def _refuse(request: Request, token: ApiToken | None, now: float) -> None:
    """Counted, and told in the log; only there is it said what was wrong with it."""
    region = region_of(request)
    await region.limits.wrong_token(client_address(request))
    actor, why = ("unknown", None) if token is None else (token.actor, token.state)
    async with region.registry.begin() as t:
        await t.audit.add(actor, "token", "refused", now, why=why)


def _stands_for(token: ApiToken) -> Person:
    """Somebody of the token's role and places, whose name in the audit is the token's and its maker's."""
    return Person(
        id=0, name=token.actor, display_name=token.name, title="", role=token.role, clinic_id=token.clinic_id,
        clinic=token.clinic, language=None, active=True, has_password=False, created_at=token.made_at,
        sites=token.sites,
    )  # fmt: skip


def _letters(count: int) -> str:
    return base64.b32encode(secrets.token_bytes(count)).decode().lower()
