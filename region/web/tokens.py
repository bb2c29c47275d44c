"""Tokens of a browser: what its cookies hold, and what its forms carry."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from starlette.requests import HTTPConnection
from starlette.responses import Response

SESSION = "session"
VISIT = "visit"


def new_token() -> str:
    """256 bits nobody can guess, fit for a cookie or an address."""
    return secrets.token_urlsafe(32)


def cookie_name(name: str, secure: bool) -> str:
    """`__Host-` binds a cookie to this very host, but browsers take it only over HTTPS."""
    return f"__Host-{name}" if secure else name


def read_cookie(request: HTTPConnection, name: str) -> str | None:
    """A cookie of ours. Only its `__Host-` form counts where browsers come by HTTPS."""
    return request.cookies.get(cookie_name(name, request.app.state.region.settings.secure))


def set_cookie(response: Response, name: str, value: str, secure: bool, max_age: int | None = None) -> None:
    """A cookie no script can read and no other site's form can send.

    Lax and not Strict: a one-time link opened from a letter must find its session on the page it leads to. The CSRF
    token and the Origin check stand before every unsafe method.
    """
    response.set_cookie(cookie_name(name, secure), value, max_age=max_age, secure=secure, httponly=True, samesite="lax")


def drop_cookie(response: Response, name: str, secure: bool) -> None:
    """Forget a cookie."""
    response.delete_cookie(cookie_name(name, secure), secure=secure, httponly=True, samesite="lax")


def visit_of(request: HTTPConnection) -> str:
    """What tells this browser apart while nobody is signed in; made now if it has none (`guard` sets the cookie)."""
    visit = getattr(request.state, "visit", None) or read_cookie(request, VISIT)
    request.state.visit = visit or new_token()
    return str(request.state.visit)


def anonymous_token(visit: str) -> str:
    """The CSRF token of a browser nobody is signed in in: it proves that the form was read with that cookie."""
    return hashlib.sha256(f"csrf of {visit}".encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
