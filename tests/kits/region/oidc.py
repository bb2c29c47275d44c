"""A provider of OpenID Connect for tests, behind the port by which the region asks one: it can be told to cheat."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from region.registry.records import AuditRow
from region.web.errors import RegionSignInFailed
from region.web.oidc.fetch import Answer
from region.web.oidc.logout_token import EVENT
from region.web.oidc.provider import Provider
from region.web.oidc.settings import OidcSettings, settings_of
from tests.kits.clock import ManualClock
from tests.kits.region.app import Kit, region_kit

ISSUER = "https://login.region.test/staff"
LABEL = "Region Nord"
GRANTS: list[dict[str, Any]] = [
    {"group": "laegeknap-it", "role": "it_admin"},
    {"group": "bakken", "role": "clinician", "clinic": "Bakkens Klinik"},
    {"group": "solgaarden", "role": "site_staff", "sites": ["Solgården"]},
    {"group": "maanelyst", "role": "site_staff", "sites": ["Månelyst"]},
]
SARA = {"sub": "248289761001", "preferred_username": "Sara", "name": "Sara Holm", "groups": ["solgaarden"]}


def oidc_settings(**more: Any) -> OidcSettings:
    """What the file of `--oidc` would say."""
    return settings_of(
        {
            "issuer": ISSUER,
            "client_id": "laegeknap",
            "label": LABEL,
            "client_secret": "s3cret+/=%",
            "grant": GRANTS,
            **more,
        }
    )


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class SigningKey:
    """An ES256 key with a name."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self._key = ec.generate_private_key(ec.SECP256R1())

    def jwk(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        x, y = (encoded(one.to_bytes(32, "big")) for one in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid, "x": x, "y": y}

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        parts = [{"alg": "ES256", "kid": self.kid, **header}, claims]
        signed = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@dataclass
class FakeProvider:
    """Knows one person, and says of them what `claims` says. What a test changes in it, it says wrongly."""

    clock: ManualClock
    settings: OidcSettings = field(default_factory=oidc_settings)
    key: SigningKey = field(default_factory=lambda: SigningKey("one"))
    claims: dict[str, Any] = field(default_factory=lambda: dict(SARA))
    userinfo: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    token: str | None = None  # in place of the ID token
    refuses: str | None = None  # the error of its token endpoint
    down: bool = False
    asked: list[str] = field(default_factory=list)
    tokens: int = 0  # logout tokens that it has made
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def provider(self) -> Provider:
        """The region's side of it."""
        return Provider(self.settings, self, self.clock)

    async def sign_in(self, browser: httpx.AsyncClient, path: str = "/sign-in/region") -> httpx.Response:
        """What a browser does: away, a sign-in there, and back."""
        return await browser.get(self.answer((await browser.get(path)).headers["location"]))

    def answer(self, door: str, **more: str) -> str:
        """Where the provider sends the browser of somebody who has signed in; `more` is put into the answer."""
        asked = {key: value[0] for key, value in parse_qs(urlsplit(door).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": ISSUER, **more}
        return str(httpx.URL(asked["redirect_uri"], params=answer))

    def claims_for(self, asked: Mapping[str, str]) -> dict[str, Any]:
        now = int(self.clock.wall())
        own = {"iss": ISSUER, "aud": self.settings.client_id, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        return own | self.claims

    def logout_claims(self, **changed: Any) -> dict[str, Any]:
        """What its logout token says: that the session `sid` of its person is over. None takes a claim out."""
        now, self.tokens = int(self.clock.wall()), self.tokens + 1
        claims = {
            "iss": ISSUER, "aud": self.settings.client_id, "iat": now, "exp": now + 120, "jti": f"logout-{self.tokens}",
            "sub": self.claims["sub"], "sid": self.claims.get("sid"), "events": {EVENT: {}}, **changed,
        }  # fmt: skip
        return {name: value for name, value in claims.items() if value is not None}

    def logout_token(self, **changed: Any) -> str:
        """The same, signed."""
        return self.key.sign(self.logout_claims(**changed), typ="logout+jwt")

    async def __call__(
        self, url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        self.asked.append(url.removeprefix(ISSUER))
        if self.down:
            raise RegionSignInFailed("unreachable", f"{url}: cut by the test")
        match url.removeprefix(ISSUER):
            case "/.well-known/openid-configuration":
                return Answer(200, self._described())
            case "/jwks":
                return Answer(200, {"keys": [{"kty": "unheard-of"}, self.key.jwk()]})
            case "/token":
                return self._redeemed(dict(form or {}), dict(headers or {}))
            case "/me":
                assert headers == {"Authorization": "Bearer access"}
                return Answer(200, self.userinfo)
        return Answer(404, None)

    def _described(self) -> dict[str, Any]:
        own = {
            "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/auth?tenant=1", "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks", "end_session_endpoint": f"{ISSUER}/end",
            "authorization_response_iss_parameter_supported": True,
        }  # fmt: skip
        if self.userinfo is not None:
            own["userinfo_endpoint"] = f"{ISSUER}/me"
        return own | self.metadata

    def _redeemed(self, form: dict[str, str], headers: dict[str, str]) -> Answer:
        asked = self.codes.pop(form["code"], None)
        if self.refuses or asked is None or not self._may(asked, form, headers):
            return Answer(400, {"error": self.refuses or "invalid_grant"})
        token = self.token or self.key.sign(self.claims_for(asked))
        return Answer(200, {"id_token": token, "access_token": "access", "token_type": "Bearer"})

    def _may(self, asked: dict[str, str], form: dict[str, str], headers: dict[str, str]) -> bool:
        """As a real one checks it: PKCE, the address it goes back to, and the client's secret in the header."""
        challenge = encoded(hashlib.sha256(form["code_verifier"].encode()).digest())
        basic = base64.b64encode(b"laegeknap:s3cret%2B%2F%3D%25").decode()
        return (
            form["grant_type"] == "authorization_code" and challenge == asked["code_challenge"]
            and asked["code_challenge_method"] == "S256" and form["redirect_uri"] == asked["redirect_uri"]
            and headers == {"Authorization": f"Basic {basic}"}
        )  # fmt: skip


def unsigned(them: FakeProvider, claims: Mapping[str, Any]) -> str:
    """A token that nobody has signed, and that says so."""
    return f"{encoded(json.dumps({'alg': 'none'}).encode())}.{encoded(json.dumps(claims).encode())}."


def by_secret(them: FakeProvider, claims: Mapping[str, Any]) -> str:
    """Signed with the client's secret, which others may know."""
    head = f"{encoded(json.dumps({'alg': 'HS256', 'kid': 'one'}).encode())}.{encoded(json.dumps(claims).encode())}"
    return f"{head}.{encoded(hmac.digest(them.settings.client_secret.encode(), head.encode(), 'sha256'))}"


@asynccontextmanager
async def vouched_region(folder: Path, settings: OidcSettings | None = None) -> AsyncIterator[tuple[Kit, FakeProvider]]:
    """A region with two sites and a clinic, and who vouches for its people: of Sara, unless a test says otherwise."""
    made: list[FakeProvider] = []

    def vouching(clock: ManualClock) -> Provider:
        made.append(FakeProvider(clock, settings or oidc_settings()))
        return made[0].provider()

    async with region_kit(folder, provider=vouching) as kit:
        await kit.places()
        async with kit.region.registry.begin() as t:
            await t.sites.add("Månelyst", kit.clock.wall())
        yield kit, made[0]


async def told(kit: Kit, most: int = 10) -> list[AuditRow]:
    """The last rows of the log, newest first."""
    async with kit.region.registry.read() as t:
        return await t.audit.recent(most)


async def is_refused(
    kit: Kit, browser: httpx.AsyncClient, path: str, reason: str, words: str = "", cookie: str | None = None
) -> None:  # fmt: skip
    """The page says so in words, nobody is signed in, and the log has a row that says why."""
    answer = await browser.get(path, headers={} if cookie is None else {"cookie": f"oidc={cookie}".encode("latin-1")})
    assert answer.status_code in (403, 502), answer.headers
    assert 'role="alert"' in answer.text
    assert words in answer.text
    assert (await browser.get("/account")).status_code == 303
    row = (await told(kit, 1))[0]
    assert (row.actor, row.action, row.outcome) == ("unknown", "sign_in", "refused")
    assert row.detail == {"how": "oidc", "refusal": reason}
