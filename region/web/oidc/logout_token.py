"""The logout token: by it the provider says that somebody is signed out there. Pure; the signature is judged before.

Source: OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from region.web.errors import RegionSignInFailed
from region.web.oidc.id_token import SKEW_S
from region.web.oidc.mapping import MOST_SID

EVENT = "http://schemas.openid.net/event/backchannel-logout"
_TYPES = ("jwt", "logout+jwt", "application/logout+jwt")


@dataclass(frozen=True)
class Logout:
    """Whose sessions are over: one of the provider's sessions (`sid`), or all of a person (`subject`).

    `jti` names the token: it is taken once, and has to be remembered until `remembered_until` (Unix seconds).
    """

    issuer: str
    subject: str | None
    sid: str | None
    jti: str
    remembered_until: float


def logout_of(
    header: Mapping[str, Any], claims: Mapping[str, Any], *, issuer: str, client_id: str, now: float
) -> Logout:  # fmt: skip
    """What a token says that the provider has signed; RegionSignInFailed, `clock` or `not_genuine`."""
    _check_kind(header, claims)
    if claims.get("iss") != issuer:
        raise _not_genuine("it is of another issuer (iss)")
    audience = claims.get("aud")
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        raise _not_genuine("it was made for another client (aud)")
    expires_at = _time(claims, "exp")
    if expires_at + SKEW_S <= now:
        raise _out_of_time("exp", expires_at - now)
    issued_at = _time(claims, "iat")
    if issued_at - SKEW_S > now:
        raise _out_of_time("iat", issued_at - now)
    subject, sid, jti = (_text(claims, name) for name in ("sub", "sid", "jti"))
    if subject is None and sid is None:
        raise _not_genuine("it says neither whose sessions are over (sub) nor which (sid)")
    if jti is None:
        raise _not_genuine("it has no name of its own (jti)")
    return Logout(issuer, subject, sid, jti, expires_at + SKEW_S)


def _check_kind(header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    """That it is a logout token: an ID token, which is signed by the same keys, must never pass for one."""
    if str(header.get("typ", "jwt")).lower() not in _TYPES:
        raise _not_genuine("it is a token of another kind (typ)")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise _not_genuine("it tells of no logout (events)")
    if "nonce" in claims:
        raise _not_genuine("it has a nonce, as ID tokens have")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise _not_genuine(f"{name} is no time")
    try:
        return float(value)
    except OverflowError as error:
        raise _not_genuine(f"{name} is past all counting") from error


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    """The text, None where there is none; what is no text, or empty, or too long, is none of the provider's."""
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MOST_SID or not value.isprintable():
        raise _not_genuine(f"{name} is no text of 1 to {MOST_SID} characters")
    return value


def _out_of_time(name: str, by_s: float) -> RegionSignInFailed:
    return RegionSignInFailed(
        "clock", f"the logout token's {name} is {by_s:+.0f} s from our clock, and {SKEW_S} s is allowed"
    )  # fmt: skip


def _not_genuine(told: str) -> RegionSignInFailed:
    return RegionSignInFailed("not_genuine", f"the logout token: {told}")
