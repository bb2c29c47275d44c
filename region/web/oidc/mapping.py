"""From what the provider says of somebody to who that is here, and as what. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from region.registry.records import Role
from region.web.oidc.settings import Grant, OidcSettings

_MOST_NAME = 80  # of what residents see
_MOST_GROUPS = 2000
MOST_SID = 255


@dataclass(frozen=True)
class Identity:
    """Somebody the provider vouches for. `subject` never changes and is never given to another; all else may.

    `sid` is the session there, by which the provider tells us that it has ended.
    """

    issuer: str
    subject: str
    name: str
    display_name: str
    groups: frozenset[str]
    second_step: bool
    sid: str = ""


@dataclass(frozen=True)
class Granted:
    """What somebody may do here, and the names of the places."""

    role: Role
    clinic: str = ""
    sites: tuple[str, ...] = ()


def identity_of(claims: Mapping[str, Any], settings: OidcSettings) -> Identity:
    """Who the claims of a checked ID token are about; what is missing in them is empty."""
    name = _text(claims.get(settings.name_claim))
    shown = " ".join(_text(claims.get("name")).split())[:_MOST_NAME]
    return Identity(
        settings.issuer, _text(claims.get("sub")), name.strip().lower(), shown if shown.isprintable() else "",
        frozenset(groups_in(claims.get(settings.groups_claim))), _has_second_step(claims, settings),
        _sid(claims.get("sid")),
    )  # fmt: skip


def groups_in(claim: object) -> list[str]:
    """The groups of a claim: a list of names, or one name."""
    found = claim if isinstance(claim, list) else [claim]
    return [one for one in found[:_MOST_GROUPS] if isinstance(one, str)]


def granted(grants: Iterable[Grant], groups: frozenset[str]) -> Granted | None:
    """What the groups give: the role of the first grant that fits, and the places of all that fit with that role.

    None: nothing; the person has no business here.
    """
    fitting = [grant for grant in grants if grant.group in groups]
    if not fitting:
        return None
    role = fitting[0].role
    same = [grant for grant in fitting if grant.role == role]
    sites = dict.fromkeys(site for grant in same for site in grant.sites)
    if role == "evaluator" and any(not grant.sites and not grant.clinic for grant in same):
        return Granted(role)  # one that sees everything is not bound by another that sees less
    return Granted(role, next((grant.clinic for grant in same if grant.clinic), ""), tuple(sites))


def _has_second_step(claims: Mapping[str, Any], settings: OidcSettings) -> bool:
    methods = groups_in(claims.get("amr"))
    return any(one in settings.trusted_amr for one in methods) or claims.get("acr") in settings.trusted_acr


def _sid(claim: object) -> str:
    """As a logout token can name it."""
    sid = _text(claim)
    return sid if len(sid) <= MOST_SID and sid.isprintable() else ""


def _text(claim: object) -> str:
    return claim if isinstance(claim, str) else ""
