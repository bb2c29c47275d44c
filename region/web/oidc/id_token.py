"""What the provider signs, by its keys; and the ID token, by what it must say. The only user of joserfc."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ExpiredTokenError,
    InvalidClaimError,
    InvalidKeyIdError,
    JoseError,
    MissingClaimError,
)
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from region.web.errors import RegionSignInFailed

Keys: TypeAlias = KeySet
SKEW_S = 120
# Asymmetric alone: with a symmetric one, whoever knows the client's secret could sign. `none` is no algorithm.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
_TIMES = ("exp", "iat", "nbf")
_ANY_TIME = 1e12
_MOST_SUBJECT = 255  # OpenID Connect Core, 2


class UnknownKey(Exception):
    """Signed by a key that is not among those known: the provider may have others by now."""


def key_set(document: object) -> Keys:
    """The keys of a JWK Set; `provider` where it is none."""
    try:
        return KeySet.import_key_set(document)  # type: ignore[arg-type] # whatever was sent; it is checked in there
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RegionSignInFailed("provider", f"its keys cannot be read: {error}") from error


@dataclass(frozen=True)
class Signed:
    """A token that one of the keys has signed: its header, and what it says. Neither is judged yet."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def signed(token: str, keys: Keys) -> Signed:
    """What is in the token. UnknownKey where it may be well with newer keys; RegionSignInFailed, `not_genuine`."""
    try:
        decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
    except (InvalidKeyIdError, BadSignatureError) as error:
        raise UnknownKey(str(error)) from error
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise RegionSignInFailed("not_genuine", f"the token cannot be read: {error}") from error
    return Signed(decoded.header, decoded.claims)


def check_id_token(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: float) -> None:
    """That it is for us, for this try, in its time (Core, 3.1.3.7). RegionSignInFailed, `clock` or `not_genuine`."""
    rules = JWTClaimsRegistry(
        now=int(now), leeway=SKEW_S,
        iss={"essential": True, "value": issuer}, aud={"essential": True, "value": client_id},
        sub={"essential": True}, exp={"essential": True}, iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )  # fmt: skip
    try:
        rules.validate(dict(claims))
    except (ExpiredTokenError, InvalidClaimError, MissingClaimError) as error:
        raise _refusal(error, claims, now) from error
    audiences = claims["aud"]
    if claims.get("azp", client_id) != client_id or (
        isinstance(audiences, list) and len(audiences) > 1 and "azp" not in claims
    ):
        raise RegionSignInFailed("not_genuine", "the ID token was made for another client (azp)")
    if len(claims["sub"]) > _MOST_SUBJECT:
        raise RegionSignInFailed("not_genuine", "the ID token's subject is longer than 255 characters")


def _refusal(error: JoseError, claims: Mapping[str, Any], now: float) -> RegionSignInFailed:
    name = getattr(error, "claim", "exp" if isinstance(error, ExpiredTokenError) else "")
    time = claims.get(name) if name in _TIMES else None
    if isinstance(time, int | float) and not isinstance(time, bool) and abs(time) < _ANY_TIME:
        told = f"the ID token's {name} is {time - now:+.0f} s from our clock, and {SKEW_S} s is allowed"
        return RegionSignInFailed("clock", told)
    return RegionSignInFailed("not_genuine", f"the ID token: {error}")
