"""The error tree of the pages; drawn in `region/web/__init__.py`."""

from __future__ import annotations

from typing import Literal

OidcReason = Literal[
    "cancelled", "stale", "unreachable", "provider", "not_genuine", "clock",
    "no_group", "no_place", "bad_name", "name_taken", "blocked",
]  # fmt: skip


class WebError(Exception):
    """A request that is not carried out."""

    status = 400
    code = "bad_request"
    detail = ""  # what to do about it, where that can be said

    def __init__(self, text: str = "") -> None:
        super().__init__(text or self.code)


class NotSignedIn(WebError):
    """Nobody is signed in in this browser."""

    status = 401
    code = "not_signed_in"


class SecondStepNeeded(WebError):
    """Signed in by a password or a link, and the second step is still to come."""

    status = 401
    code = "second_step_needed"


class TokenRefused(WebError):
    """An API token that is nobody's, or has ended. Which of these it was, its bearer is not told."""

    status = 401
    code = "token_refused"
    detail = (
        "no such token; or it has expired, was revoked, or its maker no longer looks after the region. "
        "IT makes another: /people/tokens in the console, or region token add"
    )


class ForPeople(WebError):
    """A token has come where people do what they do themselves."""

    status = 403
    code = "for_people"
    detail = "a token opens the routes below /api, save those of people, tokens and second steps: sign in for these"


class ReadsOnly(WebError):
    """A token that only reads was to change something."""

    status = 403
    code = "reads_only"
    detail = "this token was made for reading: use GET, or a token that may change things"


class NotAllowed(WebError):
    """Signed in, but this is another role's."""

    status = 403
    code = "not_allowed"


class BadToken(WebError):
    """The CSRF token is missing or wrong, or the request comes from another site."""

    status = 403
    code = "bad_token"


class LinkSpent(WebError):
    """A one-time link that is unknown, used or late."""

    status = 410
    code = "link_spent"


class TooManyTries(WebError):
    """Too often; again after `retry_after_s` seconds."""

    status = 429
    code = "too_many_tries"

    def __init__(self, retry_after_s: float) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


class RegionSignInFailed(WebError):
    """The region's own sign-in let nobody in. `reason` has its words for the person; `exact` is for the log alone."""

    status = 403
    code = "oidc_failed"

    def __init__(self, reason: OidcReason, exact: str) -> None:
        super().__init__(f"{reason}: {exact}")
        self.reason = reason
        self.exact = exact


class LogoutRefused(WebError):
    """A logout token that ends nothing. What is wrong with it is for the log alone."""

    status = 400
    code = "logout_refused"
    detail = "the token is not of this region's provider, for this region, new, and in its time: the journal says more"
