"""The provider as the region sees it: where it is asked, how a code is redeemed, by which keys it is believed."""

from __future__ import annotations

import base64
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote_plus, urlencode

from messaging.clock import Clock
from messaging.codec import Length, decode
from messaging.errors import MalformedMessage
from provisioning.authority.limiter import GuessLimiter
from region.web.errors import RegionSignInFailed
from region.web.oidc.attempt import Attempt
from region.web.oidc.fetch import Answer, Fetch
from region.web.oidc.id_token import Keys, Signed, UnknownKey, check_id_token, key_set, signed
from region.web.oidc.logout_token import Logout, logout_of
from region.web.oidc.mapping import Identity, identity_of
from region.web.oidc.settings import OidcSettings, is_safe

_log = logging.getLogger(__name__)
KEEP_S = 3600.0
MOST_ASKED = (6, 60.0)  # times that strangers can have us ask the provider, in so many seconds
Url = Annotated[str, Length(2048)]


@dataclass(frozen=True)
class Metadata:
    """What the provider says of itself (OpenID Connect Discovery 1.0, 3)."""

    issuer: Url
    authorization_endpoint: Url
    token_endpoint: Url
    jwks_uri: Url
    userinfo_endpoint: Url | None = None
    end_session_endpoint: Url | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False

    def addresses(self) -> list[str]:
        """All that somebody is sent to or asked at."""
        every = (
            self.authorization_endpoint, self.token_endpoint, self.jwks_uri, self.userinfo_endpoint,
            self.end_session_endpoint,
        )  # fmt: skip
        return [one for one in every if one is not None]


@dataclass(frozen=True)
class Answered:
    """What the browser brought back from the provider; None: not in it."""

    code: str | None = None
    state: str | None = None
    issuer: str | None = None
    error: str | None = None


class Provider:
    """One provider. What it says of itself is asked anew after an hour, its keys also when one is not known."""

    def __init__(self, settings: OidcSettings, fetch: Fetch, clock: Clock) -> None:
        self.settings = settings
        self._fetch = fetch
        self._clock = clock
        self._known: tuple[float, Metadata] | None = None
        self._keys: Keys | None = None
        self._asked = GuessLimiter(*MOST_ASKED)

    async def door(self, attempt: Attempt, back: str) -> str:
        """Where the browser is sent to sign in; it comes back to `back`."""
        settings, metadata = self.settings, await self._metadata()
        asked = {
            "response_type": "code", "client_id": settings.client_id, "redirect_uri": back,
            "scope": " ".join(settings.scopes), "state": attempt.state, "nonce": attempt.nonce,
            "code_challenge": attempt.challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        if settings.always_ask:
            asked["prompt"] = "login"
        if settings.trusted_acr:
            asked["acr_values"] = " ".join(settings.trusted_acr)
        return _with(metadata.authorization_endpoint, asked)

    async def exit(self, after: str) -> str | None:
        """Where the browser is sent to sign out there too, and then to `after`; None: it has no such place."""
        end = (await self._metadata()).end_session_endpoint
        asked = {"client_id": self.settings.client_id, "post_logout_redirect_uri": after}
        return None if end is None else _with(end, asked)

    async def identify(self, attempt: Attempt, answered: Answered, back: str) -> Identity:
        """Who it is that came back. RegionSignInFailed: nobody, and why."""
        metadata = await self._metadata()
        self._check_answer(attempt, answered, metadata)
        tokens = await self._redeem(metadata, attempt, answered.code or "", back)
        token = await self._signed(metadata, tokens["id_token"])
        claims = dict(token.claims)
        check_id_token(
            claims, issuer=metadata.issuer, client_id=self.settings.client_id, nonce=attempt.nonce,
            now=self._clock.wall(),
        )  # fmt: skip
        if metadata.userinfo_endpoint is not None and {self.settings.groups_claim, self.settings.name_claim} - set(
            claims
        ):
            claims = {**await self._userinfo(metadata.userinfo_endpoint, claims["sub"], tokens), **claims}
        return identity_of(claims, self.settings)

    async def logout(self, token: str) -> Logout:
        """Whose sessions the provider says are over. RegionSignInFailed where it is not the provider that says so.

        Anybody can send such a token, so the provider is asked for its keys only so often because of them.
        """
        metadata = await self._metadata(anybodys=True)
        told = await self._signed(metadata, token, anybodys=True)
        client_id, now = self.settings.client_id, self._clock.wall()
        return logout_of(told.header, told.claims, issuer=metadata.issuer, client_id=client_id, now=now)

    def _check_answer(self, attempt: Attempt, answered: Answered, metadata: Metadata) -> None:
        if not hmac.compare_digest((answered.state or "").encode(), attempt.state.encode()):
            raise RegionSignInFailed("stale", "the answer's state is not that of this browser's try")
        issuer = answered.issuer or ("" if metadata.authorization_response_iss_parameter_supported else metadata.issuer)
        if issuer != metadata.issuer:
            raise RegionSignInFailed("not_genuine", "the answer is of another issuer (iss)")
        if answered.error == "access_denied":
            raise RegionSignInFailed("cancelled", "the provider says access_denied")
        if answered.error is not None or not answered.code:
            raise RegionSignInFailed("provider", f"it answered {(answered.error or 'without a code')[:100]!r}")

    async def _redeem(self, metadata: Metadata, attempt: Attempt, code: str, back: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": attempt.verifier,
        }  # fmt: skip
        headers = self._credentials(metadata, form)
        answer = await self._fetch(metadata.token_endpoint, form=form, headers=headers)
        content = answer.content if isinstance(answer.content, dict) else {}
        if answer.status != 200 or not isinstance(content.get("id_token"), str):
            told = f"its token endpoint answered {answer.status}, {str(content.get('error'))[:100]!r}"
            raise RegionSignInFailed("stale" if content.get("error") == "invalid_grant" else "provider", told)
        return content

    def _credentials(self, metadata: Metadata, form: dict[str, str]) -> dict[str, str]:
        """How this client shows who it is (Core, 9): in the header, else in the form; without a secret, by its name."""
        settings = self.settings
        if settings.client_secret and "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            pair = f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret)}"  # RFC 6749, 2.3.1
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        form["client_id"] = settings.client_id
        if settings.client_secret:
            form["client_secret"] = settings.client_secret
        return {}

    async def _signed(self, metadata: Metadata, token: str, *, anybodys: bool = False) -> Signed:
        for again in (False, True):
            if self._keys is None or again:
                self._keys = key_set(await self._told(metadata.jwks_uri, anybodys=anybodys))
            try:
                return signed(token, self._keys)
            except UnknownKey as error:
                unknown = error
        raise RegionSignInFailed("not_genuine", f"the token is signed by none of its keys: {unknown}")

    async def _userinfo(self, url: str, subject: str, tokens: Mapping[str, Any]) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {tokens.get('access_token', '')}"}
        content = self._content(await self._fetch(url, headers=headers), url)
        if content.get("sub") != subject:  # Core, 5.3.2
            raise RegionSignInFailed("not_genuine", "its userinfo is about somebody else")
        return content

    async def _metadata(self, *, anybodys: bool = False) -> Metadata:
        now = self._clock.monotonic()
        if self._known is None or now - self._known[0] > KEEP_S:
            url = f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            try:
                self._known, self._keys = (now, self._checked(await self._told(url, anybodys=anybodys))), None
            except RegionSignInFailed as error:
                if self._known is None or error.reason != "unreachable":
                    raise
                _log.warning("the region's sign-in goes by what its provider said an hour ago: %s", error.exact)
        return self._known[1]

    def _checked(self, content: Mapping[str, Any]) -> Metadata:
        try:
            metadata = decode(Metadata, content)
        except MalformedMessage as error:
            raise RegionSignInFailed("provider", f"what it says of itself: {error}") from error
        if metadata.issuer != self.settings.issuer:
            raise RegionSignInFailed("provider", f"it calls itself {metadata.issuer}, and not {self.settings.issuer}")
        for url in metadata.addresses():
            if not is_safe(url):
                raise RegionSignInFailed("provider", f"it sends people to {url[:200]}, which is not HTTPS")
        return metadata

    async def _told(self, url: str, *, anybodys: bool) -> dict[str, Any]:
        if anybodys and self._asked.take(url, self._clock.monotonic()) > 0:
            raise RegionSignInFailed("unreachable", f"{url} is not asked again for now: others have sent too much")
        return self._content(await self._fetch(url), url)

    def _content(self, answer: Answer, url: str) -> dict[str, Any]:
        if answer.status != 200 or not isinstance(answer.content, dict):
            raise RegionSignInFailed("provider", f"{url} answered {answer.status} and no JSON that was expected")
        return answer.content


def _with(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
